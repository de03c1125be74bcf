-- Every post stands once, with its author's persona.
with

messages as (
    select * from out_persona_conversations
),

members as (
    select * from out_personas
),

counted as (
    select
        messages.day,
        messages.platform,
        messages.post_id,
        count(*) as n_places,
        bool_and(
            members.persona_id is not distinct from messages.persona_id
        ) as is_of_persona
    from messages
    left join members
        on
            messages.day = members.day
            and messages.platform = members.platform
            and messages.account_id = members.account_id
    group by messages.day, messages.platform, messages.post_id
),

broken as (
    select * from counted
    where n_places != 1 or not is_of_persona
)

select * from broken
