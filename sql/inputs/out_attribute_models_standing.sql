-- Labelled accounts that are still there: models may have learned from others.
with

labels as (
    select * from feat_account_labels__all_days
),

gone as (
    select * from gone_accounts
),

standing as (
    select distinct
        labels.platform,
        labels.account_id
    from labels
    anti join gone
        on
            labels.platform = gone.platform
            and labels.account_id = gone.record_id
)

select * from standing
