-- Every account that posted in the window on the platforms of the run, with
-- what it last said of itself.
with

posts as (
    select * from core_posts
),

rules as (
    select * from text_rules
),

known as (
    select * from latest_profiles
),

authors as (
    select distinct
        posts.platform,
        posts.account_id
    from posts
    inner join rules
        on
            len(rules.platforms) = 0
            or list_contains(rules.platforms, posts.platform)
),

described as (
    select
        authors.platform,
        authors.account_id,
        known.description as bio,
        known.display_name,
        known.handle
    from authors
    left join known
        on
            authors.platform = known.platform
            and authors.account_id = known.account_id
    order by authors.platform, authors.account_id
)

select * from described
