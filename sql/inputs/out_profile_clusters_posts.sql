-- What accounts posted in the window: texts, and hashtags as texts.
with

posts as (
    select * from core_posts
),

hashtags as (
    select * from core_post_hashtags
),

told as (
    select
        platform,
        account_id,
        text
    from posts
    where text is not null
    union all
    select
        platform,
        account_id,
        '#' || hashtag_normalised as text
    from hashtags
)

select * from told
