-- What of each post may become a content: text, image text and first link.
with

posts as (
    select * from core_posts
),

links as (
    select * from core_post_links
),

media_texts as (
    select * from core_post_media_text
),

first_links as (
    select
        platform,
        post_id,
        url,
        final_url,
        title
    from links
    qualify row_number() over (
        partition by platform, post_id
        order by link_role != 'external', ordinal
    ) = 1
),

image_texts as (
    select
        platform,
        post_id,
        string_agg(text, ' ' order by ordinal) as text
    from media_texts
    where media_text_kind = 'image_text'
    group by all
),

joined as (
    select
        posts.platform,
        posts.account_id,
        posts.post_id,
        posts.posted_at,
        posts.day,
        posts.text,
        image_texts.text as image_text,
        first_links.url as link_url,
        first_links.final_url as final_link_url,
        first_links.title as link_title
    from posts
    left join first_links
        on
            posts.platform = first_links.platform
            and posts.post_id = first_links.post_id
    left join image_texts
        on
            posts.platform = image_texts.platform
            and posts.post_id = image_texts.post_id
)

select * from joined
