-- Accounts that members blocked or that blocked them, up to the as-of day.
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

blocks as (
    select
        core_interactions__all_days.platform,
        core_interactions__all_days.account_id,
        core_interactions__all_days.object_account_id as other_account_id,
        core_interactions__all_days.interacted_at as blocked_at
    from core_interactions__all_days
    inner join last_days
        on core_interactions__all_days.day <= last_days.as_of
    where
        core_interactions__all_days.kind = 'block'
        and core_interactions__all_days.object_account_id is not null
),

either_way as (
    select * from blocks
    union all
    select
        platform,
        other_account_id as account_id,
        account_id as other_account_id,
        blocked_at
    from blocks
),

of_members as (
    select either_way.*
    from either_way
    semi join members
        on
            either_way.platform = members.platform
            and either_way.account_id = members.account_id
)

select * from of_members
