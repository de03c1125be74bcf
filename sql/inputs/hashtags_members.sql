-- Tags in clusters on one as-of day; tags have no platform.
with

tags as (
    select * from out_hashtag_clusters
),

members as (
    select
        unit || 's:' || scope_kind
        || if(scope_kind = 'all', '', ':' || scope) as analysis,
        '' as platform,
        tag as item_id,
        cluster_id::integer as cluster_id
    from tags
    where cluster_id is not null
)

select * from members
