-- The children of exactly the delivery that won its post.
with

posts as (
    select * from core_posts
),

staged as (
    select * exclude (source, source_file, observed_at, is_context)
    from stg_crowdtangle__post_media_text
),

kept as (
    select staged.*
    from staged
    inner join posts
        on
            staged.platform = posts.platform
            and staged.post_id = posts.post_id
            and staged.source_sha256 = posts.source_sha256
            and staged.source_row = posts.source_row
            and staged.source_item = posts.source_item
)

select * from kept
