-- What becomes of each post of the days in the vectors of accounts: its verdict
-- is null where it counts.
with

posts as (
    select * from core_posts
),

eligible as (
    select * from eligible_posts
),

rules as (
    select * from text_rules
),

vectors as (
    select
        platform,
        post_id,
        day,
        text_key,
        embedder_id
    from feat_post_embeddings
),

joined as (
    select
        posts.platform,
        posts.post_id,
        posts.account_id,
        posts.day,
        vectors.embedder_id,
        case
            when not list_contains(rules.kinds, posts.post_kind)
                then 'dropped/other_kind'
            when eligible.post_id is null then 'dropped/other_language'
            when vectors.post_id is null then 'dropped/no_vector'
            when
                row_number() over (
                    partition by
                        posts.platform,
                        posts.account_id,
                        posts.day,
                        eligible.post_id is null,
                        vectors.text_key
                    order by posts.post_id
                ) > 1
                then 'merged/same_content'
        end as verdict
    from posts
    cross join rules
    left join eligible
        on
            posts.platform = eligible.platform
            and posts.post_id = eligible.post_id
            and posts.day = eligible.day
    left join vectors
        on
            posts.platform = vectors.platform
            and posts.post_id = vectors.post_id
            and posts.day = vectors.day
)

select * from joined
