-- Texts of the members of personas in the window: those that count and have a
-- vector. Vectors are found by platform, post and day.
with

members as (
    select * from out_personas
    where persona_id is not null
),

posts as (
    select * from eligible_posts
),

-- Made first: with a platform alone, each member would meet each vector.
told as materialized (
    select
        posts.platform,
        posts.post_id,
        posts.account_id,
        members.persona_id::integer as cluster_id,
        posts.text,
        posts.posted_at,
        posts.lang,
        posts.day
    from posts
    inner join members
        on
            posts.platform = members.platform
            and posts.account_id = members.account_id
),

keys as (
    select
        platform,
        post_id,
        text_key,
        day
    from feat_post_embeddings
),

texts as (
    select
        told.platform,
        told.post_id,
        told.account_id,
        told.cluster_id,
        told.text,
        keys.text_key,
        told.posted_at,
        told.lang,
        told.day
    from told
    inner join keys
        on
            told.platform = keys.platform
            and told.post_id = keys.post_id
            and told.day = keys.day
)

select * from texts
