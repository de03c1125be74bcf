-- Every raw row observed on these days has exactly one staged row.
with

records as (
    select * from raw_tiktok__videos__all_days
    where cast(observed_at as date) in (
        select requested_days.day from requested_days
    )
),

counted as (
    select
        'rows_in' as entry,
        count(*) as n_rows
    from records
)

select * from counted
