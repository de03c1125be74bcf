-- No profile names a withdrawn account; else materialise the days found here
-- again.
with

gone as (
    select * from gone_accounts
),

of_accounts as (
    select
        'out_profile_clusters' as table_name,
        platform,
        account_id,
        day
    from out_profile_clusters__all_days
),

left_over as (
    select distinct
        of_accounts.table_name,
        of_accounts.platform,
        gone.record_id,
        of_accounts.day
    from of_accounts
    inner join gone
        on
            of_accounts.platform = gone.platform
            and of_accounts.account_id = gone.record_id
)

select * from left_over
