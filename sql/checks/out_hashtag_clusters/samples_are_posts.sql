-- The sample post of a tag is a post of the window.
with

samples as (
    select distinct
        day,
        sample_platform as platform,
        sample_post_id as post_id
    from out_hashtag_clusters
),

window_lengths as (
    select * from run_settings
),

posts as (
    select
        platform,
        post_id,
        day
    from core_posts__all_days
),

broken as (
    select samples.*
    from samples
    cross join window_lengths
    left join posts
        on
            samples.platform = posts.platform
            and samples.post_id = posts.post_id
            and samples.day >= posts.day
            and samples.day < posts.day + window_lengths.window_days
    where posts.post_id is null
)

select * from broken
