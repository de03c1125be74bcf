-- Texts of the window with their languages, account by account: counts of word
-- sequences add up over batches that hold whole accounts.
with

posts as (
    select
        platform,
        post_id,
        account_id,
        text,
        day
    from core_posts
    where text is not null
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
        posts.account_id,
        languages.lang,
        left(posts.text, 8000) as text,
        length(posts.text) > 8000 as is_cut
    from posts
    left join languages
        on
            posts.platform = languages.platform
            and posts.post_id = languages.post_id
            and posts.day = languages.day
    order by posts.platform, posts.account_id
)

select * from labelled
