-- Members of personas on one as-of day as a map shows them.
with

personas as (
    select * from out_personas
),

members as (
    select
        'personas' as analysis,
        platform,
        account_id as item_id,
        persona_id::integer as cluster_id,
        coalesce(display_name, handle, account_id) as name
    from personas
    where persona_id is not null
    order by platform, account_id
)

select * from members
