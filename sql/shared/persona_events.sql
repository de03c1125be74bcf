-- What members of personas did in the window: one row per event, with the post
-- or account that it was done to.
with

members as (
    select
        platform,
        account_id,
        persona_id
    from out_personas
    where persona_id is not null
),

posts as (
    select * from core_posts
),

interactions as (
    select * from core_interactions
),

follows as (
    select * from core_follows
    where not is_snapshot
),

-- What an account withdrew itself; what a platform hides is nobody's deed.
tombstones as (
    select * from core_tombstones
    where action = 'purge' and reason = 'deleted'
),

ignored as (
    select * from out_estimated_exposures
),

events as (
    select
        kind as line_kind,
        platform,
        account_id,
        interaction_id as record_id,
        interacted_at as acted_at,
        object_post_id,
        object_account_id
    from interactions
    where kind in ('like', 'repost', 'block')
    union all by name
    select
        'un' || interaction_kind as line_kind,
        platform,
        account_id,
        record_id,
        deleted_at as acted_at,
        object_post_id,
        object_account_id
    from tombstones
    where
        entity = 'interaction'
        and interaction_kind in ('like', 'repost', 'block')
    union all by name
    select
        'follow' as line_kind,
        platform,
        follower_account_id as account_id,
        follow_id as record_id,
        coalesce(followed_at, observed_at) as acted_at,
        followed_account_id as object_account_id
    from follows
    union all by name
    select
        'unfollow' as line_kind,
        platform,
        account_id,
        record_id,
        deleted_at as acted_at,
        object_account_id
    from tombstones
    where entity = 'follow'
    union all by name
    select
        'post_update' as line_kind,
        platform,
        account_id,
        post_id as record_id,
        edited_at as acted_at,
        post_id as object_post_id,
        account_id as object_account_id,
        text
    from posts
    where edits_count > 0
    union all by name
    select
        'post_delete' as line_kind,
        platform,
        account_id,
        record_id,
        deleted_at as acted_at,
        record_id as object_post_id,
        account_id as object_account_id,
        record_day as object_day
    from tombstones
    where entity = 'post'
    union all by name
    select
        'quote' as line_kind,
        platform,
        account_id,
        post_id as record_id,
        posted_at as acted_at,
        quoted_post_id as object_post_id,
        quoted_account_id as object_account_id,
        text
    from posts
    where post_kind = 'quote'
    union all by name
    select
        'ignore' as line_kind,
        platform,
        account_id,
        post_id as record_id,
        session_started_at as acted_at,
        post_id as object_post_id,
        author_account_id as object_account_id
    from ignored
),

of_members as (
    select
        members.persona_id,
        events.*
    from events
    inner join members
        on
            events.platform = members.platform
            and events.account_id = members.account_id
)

select * from of_members
