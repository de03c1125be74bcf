-- Withdrawn accounts.
with

gone as (
    select
        platform,
        record_id
    from standing_withdrawals
    where entity = 'account'
)

select * from gone
