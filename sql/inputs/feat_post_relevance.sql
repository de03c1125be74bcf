-- What each post carries that lists of hashtags and creators may name.
with

posts as (
    select * from core_posts
),

accounts as (
    select * from core_accounts
),

hashtags as (
    select
        platform,
        post_id,
        day,
        'hashtag' as kind,
        hashtag as value
    from core_post_hashtags
),

suggestions as (
    select
        platform,
        post_id,
        day,
        'suggestion' as kind,
        text as value
    from core_post_media_text
    where media_text_kind = 'platform_suggestion'
),

authors as (
    select
        platform,
        post_id,
        day,
        'author' as kind,
        account_id as value
    from posts
),

handles as (
    select
        posts.platform,
        posts.post_id,
        posts.day,
        'author' as kind,
        accounts.handle as value
    from posts
    inner join accounts
        on
            posts.platform = accounts.platform
            and posts.account_id = accounts.account_id
            and posts.day = accounts.day
    where accounts.handle is not null
),

carried as (
    select * from hashtags
    union all by name
    select * from suggestions
    union all by name
    select * from authors
    union all by name
    select * from handles
)

select * from carried
