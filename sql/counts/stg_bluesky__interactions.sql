-- Acts, replies and quotes: a post may be both of the latter.
with

feeding as (
    select 1 as one from raw_bluesky__events
    where parsed.entity = 'interaction'
    union all
    select 1 as one from raw_bluesky__events
    where parsed.parent_post_id is not null
    union all
    select 1 as one from raw_bluesky__events
    where parsed.quoted_post_id is not null
    union all
    select 1 as one from raw_bluesky__records
    where parsed.entity = 'interaction'
    union all
    select 1 as one from raw_bluesky__records
    where parsed.parent_post_id is not null
    union all
    select 1 as one from raw_bluesky__records
    where parsed.quoted_post_id is not null
),

counted as (
    select
        'rows_in' as entry,
        count(*) as n_rows
    from feeding
)

select * from counted
