-- Posts in, and those that join an earlier post of their minute.
with

posts as (
    select * from core_posts
),

minutes as (
    select distinct
        platform,
        date_trunc('minute', posted_at) as minute_at,
        day
    from posts
),

counted as (
    select
        'rows_in' as entry,
        count(*) as n_rows
    from posts
    union all
    select
        'merged/same_minute' as entry,
        (select count(*) from posts) - count(*) as n_rows
    from minutes
)

select * from counted
