-- Withdrawn posts; what is newer than its withdrawal stands, and so does all
-- that is made of it.
with

withdrawals as (
    select * from standing_withdrawals
),

posts as (
    select * from core_posts__all_days
),

newer as (
    select
        posts.platform,
        posts.post_id
    from posts
    inner join withdrawals
        on
            withdrawals.entity = 'post'
            and posts.platform = withdrawals.platform
            and posts.post_id = withdrawals.record_id
            and withdrawals.is_platform_revision
            and posts.revision not like '____-__-__T%'
            and posts.revision > withdrawals.revision
),

gone as (
    select
        withdrawals.platform,
        withdrawals.record_id
    from withdrawals
    anti join newer
        on
            withdrawals.platform = newer.platform
            and withdrawals.record_id = newer.post_id
    where withdrawals.entity = 'post'
)

select * from gone
