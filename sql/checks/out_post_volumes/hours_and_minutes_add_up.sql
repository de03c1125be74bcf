-- Each day of the window has 24 hours that add up to it, as do its minutes
-- where feat_post_volumes has the day.
with

volumes as (
    select
        *,
        bucket_at::date as counted_day
    from out_post_volumes
),

minutes as (
    select
        platform,
        day as counted_day,
        sum(n_posts) as n_posts
    from feat_post_volumes
    group by platform, day
),

days_by_minute as (
    select distinct counted_day from minutes
),

hours as (
    select
        day,
        platform,
        counted_day,
        count(*) as n_hours,
        sum(n_posts) as n_posts,
        sum(n_accounts) as n_accounts,
        max(n_accounts) as most_accounts
    from volumes
    where resolution = 'hour'
    group by day, platform, counted_day
),

days as (
    select * from volumes
    where resolution = 'day'
),

compared as (
    select
        coalesce(days.day, hours.day) as day,
        coalesce(days.platform, hours.platform) as platform,
        coalesce(days.counted_day, hours.counted_day) as counted_day,
        days.n_posts,
        days.n_accounts,
        hours.n_hours,
        hours.n_posts as n_posts_by_hour,
        case
            when days_by_minute.counted_day is null then days.n_posts
            else coalesce(minutes.n_posts, 0)
        end as n_posts_by_minute,
        hours.n_accounts as n_accounts_by_hour,
        hours.most_accounts
    from days
    full join hours
        on
            days.day = hours.day
            and days.platform = hours.platform
            and days.counted_day = hours.counted_day
    left join minutes
        on
            days.platform = minutes.platform
            and days.counted_day = minutes.counted_day
    left join days_by_minute on days.counted_day = days_by_minute.counted_day
),

broken as (
    select * from compared
    where
        n_hours is distinct from 24
        or n_posts is distinct from n_posts_by_hour
        or n_posts is distinct from n_posts_by_minute
        or n_accounts > n_accounts_by_hour
        or n_accounts < most_accounts
)

select * from broken
