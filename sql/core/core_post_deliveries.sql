-- The collections in which each post was delivered.
with

posts as (
    select * from core_posts
),

delivered as (
    select
        platform,
        post_id,
        delivery,
        source_sha256
    from stg_crowdtangle__posts__all_days
    union all by name
    select
        platform,
        post_id,
        delivery,
        source_sha256
    from stg_bluesky__posts__all_days
    union all by name
    select
        platform,
        post_id,
        delivery,
        source_sha256
    from stg_twitter__posts__all_days
    union all by name
    select
        platform,
        post_id,
        delivery,
        source_sha256
    from stg_tiktok__posts__all_days
),

versions as (
    select
        platform,
        post_id,
        day,
        unnest(list_distinct(list_append(alias_ids, post_id))) as version_id
    from posts
),

kept as (
    select
        versions.platform,
        versions.post_id,
        delivered.delivery,
        count(distinct delivered.source_sha256) as files_count,
        versions.day
    from versions
    inner join delivered
        on
            versions.platform = delivered.platform
            and versions.version_id = delivered.post_id
    group by all
)

select * from kept
