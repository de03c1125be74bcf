-- Every follow of the requested days, the followed account as its number.
with

follows as (
    select
        core_follows.day,
        core_follows.platform,
        core_follows.follower_account_id,
        followed_accounts.account
    from core_follows
    inner join followed_accounts
        on
            core_follows.platform = followed_accounts.platform
            and core_follows.followed_account_id
            = followed_accounts.followed_account_id
)

select * from follows
