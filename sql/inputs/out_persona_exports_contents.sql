-- Posts of the window that events of members may be about; the text of those
-- that count.
with

-- Hashes say which posts are not needed; that one more is read does no harm.
events as materialized (
    select
        hash(platform, object_post_id) as post_hash,
        case
            when object_post_id is null
                then hash(platform, object_account_id)
        end as account_hash
    from persona_events
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
        platform,
        post_id,
        account_id,
        post_kind,
        posted_at
    from posts
    where
        hash(platform, post_id) in (select events.post_hash from events)
        or coalesce(
            hash(platform, account_id)
            in (select events.account_hash from events),
            false
        )
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
