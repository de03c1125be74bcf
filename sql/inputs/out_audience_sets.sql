-- Follower keys of every influencer, in the order of both.
with

follows as (
    select
        feat_follow_keys.platform,
        numbered_influencers.number,
        feat_follow_keys.follower_key
    from feat_follow_keys
    inner join numbered_influencers
        on
            feat_follow_keys.platform = numbered_influencers.platform
            and feat_follow_keys.followed_account_id
            = numbered_influencers.account_id
),

wanted as (
    select
        number,
        follower_key
    from follows
    where platform = (select platform from run_settings)
    order by number, follower_key
)

select * from wanted
