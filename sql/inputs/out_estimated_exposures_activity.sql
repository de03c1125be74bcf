-- When members posted, interacted and followed in the window.
with

members as (
    select
        platform,
        account_id
    from out_personas
    where persona_id is not null
),

posts as (
    select
        platform,
        account_id,
        posted_at as happened_at
    from core_posts
),

interactions as (
    select
        platform,
        account_id,
        interacted_at as happened_at
    from core_interactions
),

follows as (
    select
        platform,
        follower_account_id as account_id,
        followed_at as happened_at
    from core_follows
    where followed_at is not null
),

doings as (
    select * from posts
    union all
    select * from interactions
    union all
    select * from follows
),

of_members as (
    select doings.*
    from doings
    semi join members
        on
            doings.platform = members.platform
            and doings.account_id = members.account_id
)

select * from of_members
