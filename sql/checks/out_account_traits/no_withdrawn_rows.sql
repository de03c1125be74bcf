-- No label, trait or attribute is of a withdrawn account; else materialise the
-- days found here again.
with

named as (
    select
        'feat_account_labels' as table_name,
        platform,
        account_id,
        day
    from feat_account_labels__all_days
    union all
    select
        'out_account_traits' as table_name,
        platform,
        account_id,
        day
    from out_account_traits__all_days
    union all
    select
        'out_account_attributes' as table_name,
        platform,
        account_id,
        day
    from out_account_attributes__all_days
),

left_over as (
    select
        named.table_name,
        named.platform,
        gone_accounts.record_id,
        named.day
    from named
    inner join gone_accounts
        on
            named.platform = gone_accounts.platform
            and named.account_id = gone_accounts.record_id
)

select * from left_over
