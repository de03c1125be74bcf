-- No account of these days is withdrawn; else materialise the days of the
-- window from core on again, then this day: its accounts come from days that
-- still hold them.
with

left_over as (
    select distinct
        members.platform,
        members.account_id,
        members.day
    from out_profile_clusters as members
    inner join gone_accounts as gone
        on
            members.platform = gone.platform
            and members.account_id = gone.record_id
)

select * from left_over
