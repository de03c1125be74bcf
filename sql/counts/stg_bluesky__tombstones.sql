-- Every raw withdrawal has exactly one staged row.
with

feeding as (
    select 1 as one from raw_bluesky__events
    where parsed.entity = 'tombstone'
),

counted as (
    select
        'rows_in' as entry,
        count(*) as n_rows
    from feeding
)

select * from counted
