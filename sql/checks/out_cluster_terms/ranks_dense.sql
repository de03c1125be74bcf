-- Ranks go 1, 2, 3 ... without a gap, and weights are above 0.
with

ranked as (
    select
        *,
        row_number() over (
            partition by day, analysis, cluster_id
            order by rank
        ) as place
    from out_cluster_terms
),

broken as (
    select * from ranked
    where rank != place or weight <= 0
)

select * from broken
