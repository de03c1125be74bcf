-- The last known profile of each account in the days at hand.
with

profiles as (
    select * from core_accounts
),

latest as (
    select * from profiles
    qualify row_number() over (
        partition by platform, account_id
        order by day desc
    ) = 1
)

select * from latest
