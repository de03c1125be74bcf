-- At most one in a hundred follows of an audience is withdrawn but sketched;
-- else materialise core_follows, feat_follow_keys and feat_audience_sketches
-- for the days of these follows again, then feat_audiences.
with

audiences as (
    select * from feat_audiences
),

broken as (
    select
        day,
        platform,
        account_id,
        n_followers,
        n_withdrawn_pending
    from audiences
    where n_withdrawn_pending > 0.01 * n_followers
)

select * from broken
