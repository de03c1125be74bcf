-- Accounts with enough known followers, in the order of the table.
with

settings as (
    select * from run_settings
),

influencers as (
    select
        platform,
        account_id,
        n_followers
    from feat_audience_sizes
    where n_followers >= (select settings.min_followers from settings)
    order by platform, account_id
)

select * from influencers
