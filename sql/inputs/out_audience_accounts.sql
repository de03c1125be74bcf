-- Influencers of a snapshot with the last profile known by its day.
with

influencers as (
    select
        platform,
        account_id,
        n_followers
    from feat_audiences
),

seen as (
    select
        core_accounts.platform,
        core_accounts.account_id,
        core_accounts.display_name,
        core_accounts.handle,
        core_accounts.description,
        core_accounts.category,
        core_accounts.day
    from core_accounts
    semi join influencers
        on
            core_accounts.platform = influencers.platform
            and core_accounts.account_id = influencers.account_id
),

profiles as (
    select *
    from seen
    qualify
        row_number() over (
            partition by platform, account_id
            order by day desc
        ) = 1
),

described as (
    select
        influencers.platform,
        influencers.account_id,
        influencers.n_followers,
        profiles.display_name,
        profiles.handle,
        profiles.description,
        profiles.category
    from influencers
    left join profiles
        on
            influencers.platform = profiles.platform
            and influencers.account_id = profiles.account_id
    order by influencers.platform, influencers.account_id
)

select * from described
