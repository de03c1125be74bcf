-- Every raw row has exactly one staged row.
with

records as (
    select * from raw_tiktok__videos
),

counted as (
    select
        'rows_in' as entry,
        count(*) as n_rows
    from records
)

select * from counted
