-- Sizes of personas on each day; cluster_id null: in none, though it had texts.
with

personas as (
    select * from out_personas
    where status in ('member', 'noise')
),

sizes as (
    select
        day,
        'personas' as clustering,
        persona_id as cluster_id,
        count(*) as n_items
    from personas
    group by day, persona_id
)

select * from sizes
