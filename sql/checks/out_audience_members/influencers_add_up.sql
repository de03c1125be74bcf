-- Every influencer of the snapshot is listed under one status.
with

members as (
    select * from out_audience_members
),

influencers as (
    select * from feat_audiences
),

broken as (
    select
        coalesce(members.day, influencers.day) as day,
        coalesce(members.platform, influencers.platform) as platform,
        coalesce(members.account_id, influencers.account_id) as account_id
    from members
    full outer join influencers
        on
            members.day = influencers.day
            and members.platform = influencers.platform
            and members.account_id = influencers.account_id
    where
        members.account_id is null
        or influencers.account_id is null
        or members.n_followers != influencers.n_followers
        or (members.status = 'member') != (members.community_id is not null)
)

select * from broken
