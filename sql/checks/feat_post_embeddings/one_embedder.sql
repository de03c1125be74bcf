-- The days of the latest window hold vectors of one embedder; else materialise
-- the days found here again, and all that follows.
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

settings as (
    select window_days from run_settings
),

strange as (
    select vectors.*
    from vectors
    cross join settings
    anti join latest on vectors.embedder_id = latest.embedder_id
    where
        vectors.day
        > (select max(latest_day.day) from vectors as latest_day)
        - settings.window_days
)

select * from strange
