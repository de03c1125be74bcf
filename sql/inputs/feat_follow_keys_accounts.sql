-- The followed accounts of the requested days in the order of their numbers.
with

accounts as (
    select * from followed_accounts
    order by account
)

select * from accounts
