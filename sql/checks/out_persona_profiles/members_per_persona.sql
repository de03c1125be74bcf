-- Each persona has as many members as its profile says.
with

profiles as (
    select * from out_persona_profiles
),

members as (
    select
        day,
        persona_id,
        count(*) as n_members,
        sum(n_posts) as n_posts
    from out_personas
    where persona_id is not null
    group by day, persona_id
),

compared as (
    select
        coalesce(profiles.day, members.day) as day,
        coalesce(profiles.persona_id, members.persona_id) as persona_id,
        profiles.n_accounts,
        members.n_members,
        profiles.n_posts as n_posts_told,
        members.n_posts
    from profiles
    full join members
        on
            profiles.day = members.day
            and profiles.persona_id = members.persona_id
),

broken as (
    select * from compared
    where
        n_accounts is distinct from n_members
        or n_posts_told is distinct from n_posts
)

select * from broken
