-- At most one in a hundred follows of an audience is withdrawn but sketched.
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
