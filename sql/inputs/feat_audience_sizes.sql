-- Sizes of audiences: those of an earlier snapshot and what came since.
with

won as (
    select
        platform,
        followed_account_id as account_id,
        count(*) as n_followers,
        count(distinct day) as n_days
    from feat_follow_keys
    group by platform, followed_account_id
),

both_parts as (
    select
        platform,
        account_id,
        n_followers,
        n_days
    from feat_audience_sizes
    union all by name
    select * from won
),

sizes as (
    select
        platform,
        account_id,
        sum(n_followers)::bigint as n_followers,
        sum(n_days)::bigint as n_days
    from both_parts
    group by platform, account_id
    order by platform, account_id
)

select * from sizes
