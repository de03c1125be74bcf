-- Members of personas on one as-of day.
with

personas as (
    select * from out_personas
),

members as (
    select
        'personas' as analysis,
        platform,
        account_id as item_id,
        persona_id::integer as cluster_id
    from personas
    where persona_id is not null
)

select * from members
