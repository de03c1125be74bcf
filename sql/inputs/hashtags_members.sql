-- Tags in clusters on one as-of day; tags have no platform.
with

tags as (
    select * from clustered_tags
),

members as (
    select
        analysis,
        '' as platform,
        tag as item_id,
        cluster_id::integer as cluster_id
    from tags
)

select * from members
