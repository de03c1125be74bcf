-- What accounts that members follow brought into feeds in the window: their
-- own posts, and posts that they reposted.
with

carriers as (
    select distinct
        platform,
        via_account_id
    from follows_of_members
),

posts as (
    select * from core_posts
),

judged_posts as (
    select * from posts_with_vectors
),

interactions as (
    select * from core_interactions
),

own as (
    select
        platform,
        account_id as via_account_id,
        'follow' as via,
        posted_at as brought_at,
        post_id,
        account_id as object_account_id
    from posts
),

reposts as (
    select
        platform,
        account_id as via_account_id,
        'repost' as via,
        interacted_at as brought_at,
        object_post_id as post_id,
        object_account_id
    from interactions
    where kind = 'repost' and object_post_id is not null
),

brought as (
    select * from own
    union all
    select * from reposts
),

in_feeds as (
    select brought.*
    from brought
    semi join carriers
        on
            brought.platform = carriers.platform
            and brought.via_account_id = carriers.via_account_id
),

described as (
    select
        in_feeds.platform,
        in_feeds.via_account_id,
        in_feeds.via,
        in_feeds.brought_at,
        in_feeds.post_id,
        coalesce(posts.account_id, in_feeds.object_account_id)
            as author_account_id,
        coalesce(posts.post_kind = 'reply', false) as is_reply,
        judged_posts.post_id is not null as is_eligible
    from in_feeds
    left join posts
        on
            in_feeds.platform = posts.platform
            and in_feeds.post_id = posts.post_id
    left join judged_posts
        on
            in_feeds.platform = judged_posts.platform
            and in_feeds.post_id = judged_posts.post_id
)

select * from described
