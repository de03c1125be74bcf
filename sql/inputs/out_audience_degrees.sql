-- How many followers follow how many influencers, per platform.
with

follows as (
    select
        feat_follow_keys.platform,
        feat_follow_keys.follower_key
    from feat_follow_keys
    inner join numbered_influencers
        on
            feat_follow_keys.platform = numbered_influencers.platform
            and feat_follow_keys.followed_account_id
            = numbered_influencers.account_id
),

followers as (
    select
        platform,
        follower_key,
        count(*) as degree
    from follows
    group by platform, follower_key
),

classes as (
    select
        platform,
        degree,
        count(*) as n
    from followers
    group by platform, degree
    order by platform, degree
)

select * from classes
