-- A name is given to one cluster of a snapshot, and tells the day of its birth.
with

ids as (
    select * from out_cluster_ids
),

broken as (
    select
        day,
        analysis,
        persistent_id
    from ids
    group by day, analysis, persistent_id
    having
        count(*) > 1
        or min(born_on) > day
        or not starts_with(
            persistent_id,
            analysis || '-' || strftime(min(born_on), '%Y%m%d') || '-'
        )
)

select * from broken
