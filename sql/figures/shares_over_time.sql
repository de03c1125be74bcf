-- Posts per day and network; no network: posts that carry none of its contents.
with

contents as (
    select * from core_post_contents
),

posts as (
    select * from core_posts
),

members as (
    select * from out_cosharing_members
    where cluster_id is not null
),

carried as (
    select
        contents.platform,
        contents.post_id,
        contents.content_id,
        contents.account_id,
        members.cluster_id
    from contents
    inner join members
        on
            contents.platform = members.platform
            and contents.account_id = members.account_id
    where contents.guard is null
),

shared as (
    select
        cluster_id,
        content_id
    from carried
    group by cluster_id, content_id
    having count(distinct platform || ' ' || account_id) > 1
),

sharing_posts as (
    select distinct
        carried.platform,
        carried.post_id,
        carried.cluster_id
    from carried
    inner join shared
        on
            carried.cluster_id = shared.cluster_id
            and carried.content_id = shared.content_id
),

counted as (
    select
        posts.day,
        sharing_posts.cluster_id,
        count(*) as n_posts
    from posts
    left join sharing_posts
        on
            posts.platform = sharing_posts.platform
            and posts.post_id = sharing_posts.post_id
    group by posts.day, sharing_posts.cluster_id
    order by posts.day, sharing_posts.cluster_id
)

select * from counted
