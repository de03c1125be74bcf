-- Posts and accounts of each minute in which something was posted.
with

posts as (
    select * from core_posts
),

counted as (
    select
        platform,
        date_trunc('minute', posted_at) as minute_at,
        count(*) as n_posts,
        count(distinct account_id) as n_accounts,
        day
    from posts
    group by platform, minute_at, day
)

select * from counted
