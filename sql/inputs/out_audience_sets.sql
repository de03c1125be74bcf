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

settings as (
    select * from run_settings
),

wanted as (
    select
        follows.number,
        follows.follower_key
    from follows
    inner join settings on follows.platform = settings.platform
    order by follows.number, follows.follower_key
)

select * from wanted
