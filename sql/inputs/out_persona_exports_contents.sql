-- Posts of the window that events of members may be about; the text of those
-- that count.
with

events as (
    select * from persona_events
),

posts as (
    select * from core_posts
),

eligible as (
    select
        platform,
        post_id,
        text
    from eligible_posts
),

members as (
    select
        platform,
        account_id
    from out_personas
    where persona_id is not null
),

named as (
    select
        posts.platform,
        posts.post_id,
        posts.account_id,
        posts.post_kind,
        posts.posted_at
    from posts
    semi join events
        on
            posts.platform = events.platform
            and posts.post_id = events.object_post_id
    union
    select
        posts.platform,
        posts.post_id,
        posts.account_id,
        posts.post_kind,
        posts.posted_at
    from posts
    semi join events
        on
            posts.platform = events.platform
            and posts.account_id = events.object_account_id
            and events.object_post_id is null
),

contents as (
    select
        named.platform,
        named.post_id,
        named.account_id,
        named.post_kind,
        eligible.text,
        named.posted_at,
        eligible.post_id is not null as is_eligible,
        members.account_id is not null as is_kept
    from named
    left join eligible
        on
            named.platform = eligible.platform
            and named.post_id = eligible.post_id
    left join members
        on
            named.platform = members.platform
            and named.account_id = members.account_id
)

select * from contents
