-- Members have a persona and a similarity, all others have neither.
with

accounts as (
    select * from out_personas
),

broken as (
    select * from accounts
    where
        (status = 'member') != (persona_id is not null)
        or (status = 'member') != (similarity is not null)
)

select * from broken
