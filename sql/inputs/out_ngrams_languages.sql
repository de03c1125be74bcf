-- Posts of each platform by the language of their text.
with

posts as (
    select
        platform,
        post_id,
        day
    from core_posts
),

languages as (
    select
        platform,
        post_id,
        lang,
        day
    from feat_post_language
),

labelled as (
    select
        posts.platform,
        languages.lang
    from posts
    left join languages
        on
            posts.platform = languages.platform
            and posts.post_id = languages.post_id
            and posts.day = languages.day
),

counted as (
    select
        platform,
        lang,
        count(*) as n_posts
    from labelled
    group by platform, lang
    order by platform, lang
)

select * from counted
