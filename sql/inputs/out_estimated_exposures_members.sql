-- Members of the personas of one as-of day.
with

personas as (
    select
        platform,
        account_id,
        persona_id
    from out_personas
    where persona_id is not null
)

select * from personas
