-- No table of audiences names a withdrawn account; else materialise the days
-- found here again.
with

of_accounts as (
    select
        'feat_follow_keys' as table_name,
        platform,
        followed_account_id as account_id,
        day
    from feat_follow_keys__all_days
    union all
    select
        'feat_audience_sketches' as table_name,
        platform,
        account_id,
        day
    from feat_audience_sketches__all_days
    union all
    select
        'feat_audience_sizes' as table_name,
        platform,
        account_id,
        day
    from feat_audience_sizes__all_days
    union all
    select
        'feat_audiences' as table_name,
        platform,
        account_id,
        day
    from feat_audiences__all_days
    union all
    select
        'out_audience_overlap' as table_name,
        platform,
        account_id,
        day
    from out_audience_overlap__all_days
    union all
    select
        'out_audience_overlap' as table_name,
        platform,
        neighbour_account_id as account_id,
        day
    from out_audience_overlap__all_days
    union all
    select
        'out_audience_communities' as table_name,
        platform,
        anchor_account_id as account_id,
        day
    from out_audience_communities__all_days
    union all
    select
        'out_audience_members' as table_name,
        platform,
        account_id,
        day
    from out_audience_members__all_days
    union all
    select
        'out_influencer_search' as table_name,
        platform,
        account_id,
        day
    from out_influencer_search__all_days
),

left_over as (
    select distinct
        of_accounts.table_name,
        of_accounts.platform,
        gone_accounts.record_id,
        of_accounts.day
    from of_accounts
    inner join gone_accounts
        on
            of_accounts.platform = gone_accounts.platform
            and of_accounts.account_id = gone_accounts.record_id
)

select * from left_over
