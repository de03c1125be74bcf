-- Vectors of the posts that are compared.
with

wanted as (
    select * from wanted_posts
),

vectors as (
    select
        feat_post_embeddings.platform,
        feat_post_embeddings.post_id,
        feat_post_embeddings.embedding
    from feat_post_embeddings
    semi join wanted
        on
            feat_post_embeddings.platform = wanted.platform
            and feat_post_embeddings.post_id = wanted.post_id
)

select * from vectors
