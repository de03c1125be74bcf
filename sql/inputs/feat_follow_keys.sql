-- The followed accounts of the requested days and how often they were followed.
with

accounts as (
    select
        platform,
        followed_account_id,
        count(*) as n_follows
    from core_follows
    group by platform, followed_account_id
    order by platform, followed_account_id
)

select * from accounts
