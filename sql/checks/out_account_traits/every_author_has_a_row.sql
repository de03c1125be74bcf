-- Every account that wrote in the window has a row, and nobody else has one.
with

accounts as (
    select
        day,
        platform,
        account_id
    from out_account_traits
),

window_lengths as (
    select * from run_settings
),

spans as (
    select
        min(accounts.day) - min(window_lengths.window_days) as before,
        max(accounts.day) as last_day
    from accounts
    cross join window_lengths
),

posts as (
    select distinct
        core_posts__all_days.platform,
        core_posts__all_days.account_id,
        core_posts__all_days.day
    from core_posts__all_days
    inner join spans
        on
            core_posts__all_days.day > spans.before
            and core_posts__all_days.day <= spans.last_day
),

snapshots as (
    select distinct day from accounts
),

authors as (
    select distinct
        snapshots.day,
        posts.platform,
        posts.account_id
    from snapshots
    cross join window_lengths
    inner join posts
        on
            snapshots.day >= posts.day
            and snapshots.day < posts.day + window_lengths.window_days
),

broken as (
    select
        coalesce(accounts.day, authors.day) as day,
        coalesce(accounts.platform, authors.platform) as platform,
        coalesce(accounts.account_id, authors.account_id) as account_id,
        authors.account_id is null as is_no_author
    from accounts
    full join authors
        on
            accounts.day = authors.day
            and accounts.platform = authors.platform
            and accounts.account_id = authors.account_id
    where accounts.account_id is null or authors.account_id is null
)

select * from broken
