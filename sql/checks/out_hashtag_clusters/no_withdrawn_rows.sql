-- No cluster of hashtags names a withdrawn post or account, nor does a name of
-- a clustering; else materialise the days found here again.
with

tags as (
    select * from out_hashtag_clusters__all_days
),

clusterings as (
    select
        'out_cluster_k' as table_name,
        analysis,
        day
    from out_cluster_k__all_days
    union all
    select
        'out_cluster_terms' as table_name,
        analysis,
        day
    from out_cluster_terms__all_days
    union all
    select
        'out_cluster_topics' as table_name,
        analysis,
        day
    from out_cluster_topics__all_days
    union all
    select
        'out_cluster_medoids' as table_name,
        analysis,
        day
    from out_cluster_medoids__all_days
    union all
    select
        'out_cluster_links' as table_name,
        analysis,
        day
    from out_cluster_links__all_days
    union all
    select
        'out_cluster_ids' as table_name,
        analysis,
        day
    from out_cluster_ids__all_days
    union all
    select
        'out_map_points' as table_name,
        analysis,
        day
    from out_map_points__all_days
),

scopes as (
    select
        'out_hashtag_clusters' as table_name,
        scope,
        day
    from tags
    where scope_kind = 'account'
    union all
    select
        table_name,
        analysis[strpos(analysis, ':account:') + 9:] as scope,
        day
    from clusterings
    where analysis like '%:account:%'
),

of_accounts as (
    select distinct
        table_name,
        split_part(scope, '/', 1) as platform,
        scope[strpos(scope, '/') + 1:] as account_id,
        day
    from scopes
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
)

select * from left_over
