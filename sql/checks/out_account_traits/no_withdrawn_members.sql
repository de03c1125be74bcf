-- No account of these days is withdrawn; else materialise the days of the
-- window from core on again, then this day: its accounts come from days that
-- still hold them.
with

accounts as (
    select
        platform,
        account_id,
        day
    from out_account_traits
),

gone as (
    select
        platform,
        record_id
    from gone_accounts
),

left_over as (
    select distinct
        accounts.platform,
        accounts.account_id,
        accounts.day
    from accounts
    inner join gone
        on
            accounts.platform = gone.platform
            and accounts.account_id = gone.record_id
)

select * from left_over
