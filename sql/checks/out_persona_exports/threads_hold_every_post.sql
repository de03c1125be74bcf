-- Posts and replies that count, messages of threads and messages written are
-- equally many.
with

exports as (
    select * from out_persona_exports
    where line_kind = 'chain'
),

messages as (
    select
        day,
        persona_id,
        count(*) as n_messages
    from out_persona_conversations
    group by day, persona_id
),

compared as (
    select
        exports.day,
        exports.persona_id,
        exports.n_events,
        exports.n_lines,
        coalesce(messages.n_messages, 0) as n_messages
    from exports
    left join messages
        on
            exports.day = messages.day
            and exports.persona_id = messages.persona_id
),

broken as (
    select * from compared
    where n_events != n_messages or n_lines != n_messages
)

select * from broken
