-- Whom members of personas follow, by all that is known up to the as-of day.
with

members as (
    select
        platform,
        account_id
    from out_personas
    where persona_id is not null
),

last_days as (
    select max(day) as as_of from requested_days
),

follows as (
    select
        core_follows__all_days.platform,
        core_follows__all_days.follower_account_id as account_id,
        core_follows__all_days.followed_account_id as via_account_id,
        -- A list says that the follow was there, not since when.
        case
            when not core_follows__all_days.is_snapshot
                then core_follows__all_days.followed_at
        end as followed_at
    from core_follows__all_days
    inner join last_days
        on core_follows__all_days.day <= last_days.as_of
),

of_members as (
    select follows.*
    from follows
    semi join members
        on
            follows.platform = members.platform
            and follows.account_id = members.account_id
)

select * from of_members
