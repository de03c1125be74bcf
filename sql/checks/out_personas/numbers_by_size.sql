-- Personas are numbered 0, 1, 2 ... without a gap, the largest first.
with

members as (
    select
        day,
        persona_id,
        count(*) as n_accounts
    from out_personas
    where persona_id is not null
    group by day, persona_id
),

placed as (
    select
        *,
        row_number()
            over (
                partition by day
                order by n_accounts desc, persona_id asc
            )
        - 1 as place
    from members
),

broken as (
    select * from placed
    where place != persona_id
)

select * from broken
