-- Those of the labelled accounts that were seen on any day.
with

labelled as (
    select * from run_settings
),

accounts as (
    select
        platform,
        account_id
    from core_accounts__all_days
),

known as (
    select distinct
        accounts.platform,
        accounts.account_id
    from accounts
    semi join labelled
        on
            accounts.platform = labelled.platform
            and accounts.account_id = labelled.account_id
)

select * from known
