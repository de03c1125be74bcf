-- Texts with a hash sign or with hashtags, and the hashtags that core has.
with

posts as (
    select * from core_posts
),

hashtags as (
    select
        platform,
        post_id,
        day,
        list(hashtag order by ordinal) as tags
    from core_post_hashtags
    group by platform, post_id, day
),

read_both_ways as (
    select
        coalesce(posts.text, '') as text,
        coalesce(hashtags.tags, []) as tags
    from posts
    left join hashtags
        on
            posts.platform = hashtags.platform
            and posts.post_id = hashtags.post_id
            and posts.day = hashtags.day
    where hashtags.post_id is not null or contains(posts.text, '#')
)

select * from read_both_ways
