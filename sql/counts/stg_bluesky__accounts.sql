-- Every raw profile and every named author of a view has one staged row.
with

feeding as (
    select 1 as one from raw_bluesky__events
    where parsed.entity = 'account'
    union all
    select 1 as one from raw_bluesky__records
    where parsed.entity = 'account'
    union all
    select 1 as one from raw_bluesky__post_views__all_days
    where
        author is not null
        and cast(observed_at as date)
        in (select requested_days.day from requested_days)
),

counted as (
    select
        'rows_in' as entry,
        count(*) as n_rows
    from feeding
)

select * from counted
