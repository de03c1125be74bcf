-- Ranks go 1, 2, 3 ... without a gap, and distances do not fall.
with

ranked as (
    select
        *,
        row_number() over (
            partition by day, analysis, cluster_id
            order by rank
        ) as place,
        lag(mean_distance) over (
            partition by day, analysis, cluster_id
            order by rank
        ) as distance_before
    from out_cluster_medoids
),

broken as (
    select * from ranked
    where rank != place or mean_distance < distance_before - 1e-12
)

select * from broken
