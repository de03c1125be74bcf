-- Texts of the members of personas in the window: those that count and have a
-- vector.
with

members as (
    select * from out_personas
    where persona_id is not null
),

posts as (
    select * from eligible_posts
),

vectors as (
    select * from feat_post_embeddings
),

texts as (
    select
        posts.platform,
        posts.post_id,
        posts.account_id,
        members.persona_id::integer as cluster_id,
        posts.text,
        vectors.text_key,
        posts.posted_at,
        posts.lang,
        vectors.embedding
    from posts
    inner join members
        on
            posts.platform = members.platform
            and posts.account_id = members.account_id
    inner join vectors
        on
            posts.platform = vectors.platform
            and posts.post_id = vectors.post_id
            and posts.day = vectors.day
)

select * from texts
