-- Clusters are numbered 0, 1, 2 ... without a gap, those with more posts first.
with

tags as (
    select * from out_hashtag_clusters
),

clusters as (
    select
        day,
        scope_kind,
        scope,
        unit,
        cluster_id,
        sum(n_posts) as n_posts
    from tags
    where cluster_id is not null
    group by day, scope_kind, scope, unit, cluster_id
),

placed as (
    select
        *,
        row_number() over (
            partition by day, scope_kind, scope, unit
            order by cluster_id
        ) - 1 as place,
        lag(n_posts) over (
            partition by day, scope_kind, scope, unit
            order by cluster_id
        ) as before
    from clusters
),

broken as (
    select * from placed
    where cluster_id != place or n_posts > before
)

select * from broken
