-- What the members of each persona did in the window, by kind of event; no row
-- where no platform of the persona delivers the kind.
with

members as (
    select distinct
        persona_id,
        platform
    from out_personas
    where persona_id is not null
),

-- Quotes are counted among what the members wrote.
events as (
    select * from persona_events
    where line_kind != 'quote'
),

delivered as (
    select * from delivered_kinds
),

counted as (
    select
        persona_id,
        line_kind,
        count(*) as n_events
    from events
    group by persona_id, line_kind
),

possible as (
    select distinct
        members.persona_id,
        delivered.line_kind
    from members
    inner join delivered on members.platform = delivered.platform
),

filled as (
    select
        coalesce(possible.persona_id, counted.persona_id) as persona_id,
        coalesce(possible.line_kind, counted.line_kind) as line_kind,
        coalesce(counted.n_events, 0) as n_events
    from possible
    full join counted
        on
            possible.persona_id = counted.persona_id
            and possible.line_kind = counted.line_kind
),

named as (
    select
        persona_id,
        case line_kind
            when 'ignore' then 'n_ignored'
            else 'n_' || line_kind || 's'
        end as event,
        n_events
    from filled
    order by persona_id, event
)

select * from named
