-- Nothing of a withdrawn record is left in core and in the features; else
-- materialise the days found here again.
with

withdrawals as (
    select * from standing_withdrawals
),

posts as (
    select * from core_posts__all_days
),

interactions as (
    select * from core_interactions__all_days
),

follows as (
    select * from core_follows__all_days
),

-- Everything that names a post.
of_posts as (
    select
        'core_posts' as table_name,
        platform,
        post_id,
        day
    from posts
    union all
    select
        'core_post_links' as table_name,
        platform,
        post_id,
        day
    from core_post_links__all_days
    union all
    select
        'core_post_hashtags' as table_name,
        platform,
        post_id,
        day
    from core_post_hashtags__all_days
    union all
    select
        'core_post_mentions' as table_name,
        platform,
        post_id,
        day
    from core_post_mentions__all_days
    union all
    select
        'core_post_media_text' as table_name,
        platform,
        post_id,
        day
    from core_post_media_text__all_days
    union all
    select
        'core_post_deliveries' as table_name,
        platform,
        post_id,
        day
    from core_post_deliveries__all_days
    union all
    select
        'core_post_contents' as table_name,
        platform,
        post_id,
        day
    from core_post_contents__all_days
    union all
    select
        'feat_post_language' as table_name,
        platform,
        post_id,
        day
    from feat_post_language__all_days
    union all
    select
        'feat_post_embeddings' as table_name,
        platform,
        post_id,
        day
    from feat_post_embeddings__all_days
    union all
    select
        'feat_post_relevance' as table_name,
        platform,
        post_id,
        day
    from feat_post_relevance__all_days
    union all
    select
        'feat_account_content' as table_name,
        platform,
        sample_post_id as post_id,
        day
    from feat_account_content__all_days
),

-- Everything that an account wrote, did or is.
of_accounts as (
    select
        'core_posts' as table_name,
        platform,
        account_id,
        day
    from posts
    union all
    select
        'core_post_links' as table_name,
        platform,
        account_id,
        day
    from core_post_links__all_days
    union all
    select
        'core_post_hashtags' as table_name,
        platform,
        account_id,
        day
    from core_post_hashtags__all_days
    union all
    select
        'core_post_mentions' as table_name,
        platform,
        account_id,
        day
    from core_post_mentions__all_days
    union all
    select
        'core_post_media_text' as table_name,
        platform,
        account_id,
        day
    from core_post_media_text__all_days
    union all
    select
        'core_interactions' as table_name,
        platform,
        account_id,
        day
    from interactions
    union all
    select
        'core_follows' as table_name,
        platform,
        follower_account_id as account_id,
        day
    from follows
    union all
    select
        'core_follows' as table_name,
        platform,
        followed_account_id as account_id,
        day
    from follows
    union all
    select
        'core_account_history' as table_name,
        platform,
        account_id,
        day
    from core_account_history__all_days
    union all
    select
        'core_accounts' as table_name,
        platform,
        account_id,
        day
    from core_accounts__all_days
    union all
    select
        'core_post_contents' as table_name,
        platform,
        account_id,
        day
    from core_post_contents__all_days
    union all
    select
        'feat_account_content' as table_name,
        platform,
        account_id,
        day
    from feat_account_content__all_days
    union all
    select
        'feat_post_language' as table_name,
        platform,
        account_id,
        day
    from feat_post_language__all_days
    union all
    select
        'feat_account_language' as table_name,
        platform,
        account_id,
        day
    from feat_account_language__all_days
    union all
    select
        'feat_account_activity' as table_name,
        platform,
        account_id,
        day
    from feat_account_activity__all_days
    union all
    select
        'feat_post_embeddings' as table_name,
        platform,
        account_id,
        day
    from feat_post_embeddings__all_days
    union all
    select
        'feat_account_embeddings' as table_name,
        platform,
        account_id,
        day
    from feat_account_embeddings__all_days
),

-- A reply or quote goes with its post; what is withdrawn as a post may be a
-- repost, which no notice tells.
left_interactions as (
    select
        'core_interactions' as table_name,
        interactions.platform,
        withdrawals.record_id,
        interactions.day
    from interactions
    inner join withdrawals
        on
            withdrawals.entity in ('post', 'interaction')
            and interactions.platform = withdrawals.platform
            and split_part(interactions.interaction_id, '#', 1)
            = withdrawals.record_id
            and not (
                withdrawals.is_platform_revision
                and interactions.revision not like '____-__-__T%'
                and interactions.revision > withdrawals.revision
            )
),

left_follows as (
    select
        'core_follows' as table_name,
        follows.platform,
        withdrawals.record_id,
        follows.day
    from follows
    inner join withdrawals
        on
            withdrawals.entity = 'follow'
            and follows.platform = withdrawals.platform
            and follows.follow_id = withdrawals.record_id
            and not (
                withdrawals.is_platform_revision
                and follows.revision not like '____-__-__T%'
                and follows.revision > withdrawals.revision
            )
),

left_posts as (
    select
        of_posts.table_name,
        of_posts.platform,
        gone_posts.record_id,
        of_posts.day
    from of_posts
    inner join gone_posts
        on
            of_posts.platform = gone_posts.platform
            and of_posts.post_id = gone_posts.record_id
),

left_accounts as (
    select
        of_accounts.table_name,
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
    union distinct
    select * from left_interactions
    union distinct
    select * from left_follows
)

select * from left_over
