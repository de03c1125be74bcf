-- Hashes of the posts that events of members name, and of the accounts where
-- they name no post.
with

events as (
    select * from persona_events
),

named as (
    select distinct
        case
            when object_post_id is not null
                then hash(platform, object_post_id)
        end as post_hash,
        case
            when object_post_id is null
                then hash(platform, object_account_id)
        end as account_hash
    from events
)

select * from named
