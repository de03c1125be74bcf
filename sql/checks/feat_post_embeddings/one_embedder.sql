-- All days hold vectors of one embedder; else materialise the days found here
-- again, and all that follows.
with

vectors as (
    select distinct
        embedder_id,
        day
    from feat_post_embeddings__all_days
),

latest as (
    select embedder_id from vectors
    order by day desc, embedder_id asc
    limit 1
),

strange as (
    select vectors.*
    from vectors
    anti join latest on vectors.embedder_id = latest.embedder_id
)

select * from strange
