-- Posts and accounts of each hour and each day in which something was posted.
with

posts as (
    select
        platform,
        account_id,
        date_trunc('hour', posted_at) as hour_at,
        day
    from core_posts
),

counted as (
    select
        'hour' as resolution,
        platform,
        hour_at as bucket_at,
        count(*) as n_posts,
        count(distinct account_id) as n_accounts,
        day
    from posts
    group by platform, hour_at, day
    union all
    select
        'day' as resolution,
        platform,
        day::timestamp as bucket_at,
        count(*) as n_posts,
        count(distinct account_id) as n_accounts,
        day
    from posts
    group by platform, day
)

select * from counted
