-- The text whose language is the post's: its own, else headline and description
-- of its links.
with

posts as (
    select * from core_posts
),

links as (
    select * from core_post_links
),

link_texts as (
    select
        platform,
        post_id,
        string_agg(concat_ws(' ', title, description), ' ' order by ordinal)
            as text
    from links
    group by all
),

joined as (
    select
        posts.platform,
        posts.post_id,
        posts.account_id,
        posts.posted_at,
        posts.day,
        case
            when trim(coalesce(posts.text, '')) != '' then posts.text
            else link_texts.text
        end as text
    from posts
    left join link_texts
        on
            posts.platform = link_texts.platform
            and posts.post_id = link_texts.post_id
)

select * from joined
