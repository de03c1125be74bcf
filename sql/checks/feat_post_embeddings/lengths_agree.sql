-- Vectors of a day have length 1, all of them where most of them have.
with

vectors as (
    select * from feat_post_embeddings
),

lengths as (
    select
        platform,
        post_id,
        embedder_id,
        day,
        sqrt(list_inner_product(embedding, embedding)) as length
    from vectors
),

judged as (
    select
        *,
        avg((abs(length - 1) <= 1e-5)::integer)
            over (partition by day, embedder_id) as share_of_units
    from lengths
),

broken as (
    select * from judged
    where abs(length - 1) > 1e-5 and share_of_units > 0.5
)

select * from broken
