-- Tags in clusters on one as-of day, with their use, by name of the clustering.
with

tags as (
    select * from out_hashtag_clusters
),

members as (
    select
        unit || 's:' || scope_kind
        || if(scope_kind = 'all', '', ':' || scope) as analysis,
        cluster_id,
        tag,
        n_posts,
        n_accounts
    from tags
    where cluster_id is not null
)

select * from members
