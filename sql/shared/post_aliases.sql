-- The post behind each id of its versions, where it has several.
with

posts as (
    select * from stg_twitter__posts__all_days
    where alias_ids is not null
),

versions as (
    select
        platform,
        unnest(alias_ids) as alias_id,
        post_id
    from posts
),

mapped as (
    select
        platform,
        alias_id,
        min(post_id) as post_id
    from versions
    group by all
)

select * from mapped
