-- n_members is the number of influencers that name the community.
with

communities as (
    select * from out_audience_communities
),

counted as (
    select
        day,
        platform,
        community_id,
        count(*) as n_members
    from out_audience_members
    where community_id is not null
    group by day, platform, community_id
),

broken as (
    select
        communities.day,
        communities.platform,
        communities.community_id
    from communities
    left join counted
        on
            communities.day = counted.day
            and communities.platform = counted.platform
            and communities.community_id = counted.community_id
    where communities.n_members is distinct from counted.n_members
)

select * from broken
