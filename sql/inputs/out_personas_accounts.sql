-- Every account that wrote in the window, with what counts of it, on the
-- platforms of the run.
with

posts as (
    select * from core_posts
),

rules as (
    select * from text_rules
),

eligible as (
    select * from eligible_posts
),

known as (
    select * from latest_profiles
),

written as (
    select
        posts.platform,
        posts.account_id,
        count(*) filter (where posts.post_kind = 'post') as n_posts,
        count(*) filter (where posts.post_kind = 'reply') as n_replies,
        count(*) filter (where posts.post_kind = 'quote') as n_quotes,
        count(*) filter (where list_contains(rules.kinds, posts.post_kind))
            as n_of_kinds
    from posts
    inner join rules
        on
            len(rules.platforms) = 0
            or list_contains(rules.platforms, posts.platform)
    group by posts.platform, posts.account_id
),

counting as (
    select
        platform,
        account_id,
        count(*) as n_eligible
    from eligible
    group by platform, account_id
),

described as (
    select
        written.platform,
        written.account_id,
        written.n_posts,
        written.n_replies,
        written.n_quotes,
        written.n_of_kinds,
        coalesce(counting.n_eligible, 0) as n_eligible,
        known.display_name,
        known.handle
    from written
    left join counting
        on
            written.platform = counting.platform
            and written.account_id = counting.account_id
    left join known
        on
            written.platform = known.platform
            and written.account_id = known.account_id
    order by written.platform, written.account_id
)

select * from described
