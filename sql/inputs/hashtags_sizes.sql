-- Tags in each cluster on each day by name of the clustering; cluster_id null:
-- in none.
with

tags as (
    select * from out_hashtag_clusters
),

sizes as (
    select
        day,
        unit || 's:' || scope_kind
        || if(scope_kind = 'all', '', ':' || scope) as clustering,
        cluster_id,
        count(*) as n_items
    from tags
    group by all
)

select * from sizes
