-- Posts of the window that count and have a vector.
with

posts as (
    select * from eligible_posts
),

vectors as (
    select
        platform,
        post_id,
        day
    from feat_post_embeddings
),

with_vectors as (
    select
        posts.platform,
        posts.post_id
    from posts
    semi join vectors
        on
            posts.platform = vectors.platform
            and posts.post_id = vectors.post_id
            and posts.day = vectors.day
)

select * from with_vectors
