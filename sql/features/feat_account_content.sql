-- Contents of each account on each day; what a guard stopped goes no further.
with

contents as (
    select * from core_post_contents
),

posts as (
    select * from core_posts
),

carried as (
    select
        platform,
        account_id,
        content_mode,
        content_id,
        min(content_kind) as content_kind,
        bool_or(is_primary) as is_primary,
        count(*) as n_posts,
        min(posted_at) as first_at,
        max(posted_at) as last_at,
        first(post_id order by posted_at, post_id) as sample_post_id,
        max(content_version) as content_version,
        day
    from contents
    where guard is null
    group by platform, account_id, content_mode, content_id, day
),

addressed as (
    select
        carried.*,
        posts.url as sample_url
    from carried
    left join posts
        on
            carried.platform = posts.platform
            and carried.sample_post_id = posts.post_id
)

select * from addressed
