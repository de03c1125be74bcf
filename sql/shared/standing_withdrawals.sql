-- Withdrawals in force on whatever day, of records and of whole accounts.
with

tombstones as (
    select * from core_tombstones__all_days
),

standing as (
    select
        platform,
        entity,
        record_id,
        action,
        revision,
        -- Revisions that are but times of observation are not the platform's.
        revision not like '____-__-__T%' as is_platform_revision,
        record_day,
        day as withdrawn_day
    from tombstones
    where action in ('purge', 'hide')
)

select * from standing
