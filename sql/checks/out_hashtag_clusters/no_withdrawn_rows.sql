-- No cluster of hashtags names a withdrawn post or account; else materialise
-- the days found here again.
with

tags as (
    select * from out_hashtag_clusters__all_days
),

of_accounts as (
    select distinct
        split_part(scope, '/', 1) as platform,
        scope[strpos(scope, '/') + 1:] as account_id,
        day
    from tags
    where scope_kind = 'account'
),

left_posts as (
    select distinct
        'out_hashtag_clusters' as table_name,
        tags.sample_platform as platform,
        gone_posts.record_id,
        tags.day
    from tags
    inner join gone_posts
        on
            tags.sample_platform = gone_posts.platform
            and tags.sample_post_id = gone_posts.record_id
),

left_accounts as (
    select
        'out_hashtag_clusters' as table_name,
        of_accounts.platform,
        gone_accounts.record_id,
        of_accounts.day
    from of_accounts
    inner join gone_accounts
        on
            of_accounts.platform = gone_accounts.platform
            and of_accounts.account_id = gone_accounts.record_id
),

left_over as (
    select * from left_posts
    union distinct
    select * from left_accounts
)

select * from left_over
