-- Follows that are gone from core_follows but still stand among the keys.
with

accounts as (
    select * from run_settings
),

sketched as (
    select
        feat_follow_keys.platform,
        feat_follow_keys.followed_account_id as account_id,
        feat_follow_keys.day,
        count(*) as n
    from feat_follow_keys
    semi join accounts
        on
            feat_follow_keys.platform = accounts.platform
            and feat_follow_keys.followed_account_id = accounts.account_id
    group by
        feat_follow_keys.platform,
        feat_follow_keys.followed_account_id,
        feat_follow_keys.day
),

standing as (
    select
        platform,
        followed_account_id as account_id,
        day,
        count(*) as n
    from core_follows
    group by platform, followed_account_id, day
),

lost as (
    select
        sketched.platform,
        sketched.account_id,
        sketched.day as pending_from,
        sketched.n - coalesce(standing.n, 0) as n
    from sketched
    left join standing
        on
            sketched.platform = standing.platform
            and sketched.account_id = standing.account_id
            and sketched.day = standing.day
    where sketched.n > coalesce(standing.n, 0)
)

select * from lost
