-- Withdrawals that follows may be hit by, with the day of the follow if known.
with

withdrawals as (
    select
        withdrawn_day,
        if(entity = 'follow', record_day, null) as follow_day
    from standing_withdrawals
    where entity in ('follow', 'account')
),

counted as (
    select
        withdrawn_day,
        follow_day,
        count(*) as n
    from withdrawals
    group by withdrawn_day, follow_day
)

select * from counted
