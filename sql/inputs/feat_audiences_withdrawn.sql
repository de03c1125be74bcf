-- Follows that are withdrawn but stand in core_follows still, per account.
with

accounts as (
    select * from run_settings
),

follows as (
    select
        core_follows.platform,
        core_follows.follow_id,
        core_follows.follower_account_id,
        core_follows.followed_account_id,
        core_follows.revision,
        core_follows.day
    from core_follows
    semi join accounts
        on
            core_follows.platform = accounts.platform
            and core_follows.followed_account_id = accounts.account_id
),

hits as (
    select
        follows.platform,
        follows.follower_account_id,
        follows.followed_account_id,
        follows.day,
        withdrawals.withdrawn_day
    from follows
    inner join standing_withdrawals as withdrawals
        on
            withdrawals.entity = 'follow'
            and follows.platform = withdrawals.platform
            and follows.follow_id = withdrawals.record_id
            and not (
                withdrawals.is_platform_revision
                and follows.revision not like '____-__-__T%'
                and follows.revision > withdrawals.revision
            )
    union all by name
    select
        follows.platform,
        follows.follower_account_id,
        follows.followed_account_id,
        follows.day,
        withdrawals.withdrawn_day
    from follows
    inner join standing_withdrawals as withdrawals
        on
            withdrawals.entity = 'account'
            and follows.platform = withdrawals.platform
            and follows.follower_account_id = withdrawals.record_id
    union all by name
    select
        follows.platform,
        follows.follower_account_id,
        follows.followed_account_id,
        follows.day,
        withdrawals.withdrawn_day
    from follows
    inner join standing_withdrawals as withdrawals
        on
            withdrawals.entity = 'account'
            and follows.platform = withdrawals.platform
            and follows.followed_account_id = withdrawals.record_id
),

edges as (
    select
        platform,
        follower_account_id,
        followed_account_id,
        day,
        min(withdrawn_day) as withdrawn_day
    from hits
    group by platform, follower_account_id, followed_account_id, day
),

-- An edge counts from the day on which both it and its withdrawal are known.
counted as (
    select
        platform,
        followed_account_id as account_id,
        day,
        greatest(day, withdrawn_day) as pending_from,
        count(*) as n
    from edges
    group by platform, followed_account_id, day, greatest(day, withdrawn_day)
)

select * from counted
