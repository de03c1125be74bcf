-- The children of exactly the delivery that won its post.
with

posts as (
    select * from core_posts
),

delivered as (
    select * from stg_crowdtangle__post_mentions
    union all by name
    select * from stg_bluesky__post_mentions
    union all by name
    select * from stg_twitter__post_mentions
    union all by name
    select * from stg_tiktok__post_mentions
),

bare as (
    select * exclude (source, source_file, observed_at, is_context)
    from delivered
),

kept as (
    select bare.* replace (posts.post_id as post_id)
    from bare
    inner join posts
        on
            bare.platform = posts.platform
            and bare.source_sha256 = posts.source_sha256
            and bare.source_row = posts.source_row
            and bare.source_item = posts.source_item
            and bare.day = posts.day
)

select * from kept
