-- One withdrawal per delete and per change of an account's standing. Renames
-- and casts only.
with

events as (
    select * from raw_bluesky__events
    where parsed.entity = 'tombstone'
),

renamed as (
    select
        'bluesky' as source,
        'bluesky' as platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        false as is_context,
        parsed.withdrawn_entity as entity,
        parsed.record_id,
        did as account_id,
        parsed.interaction_kind,
        parsed.event_at as deleted_at,
        parsed.record_day,
        parsed.action,
        parsed.reason,
        coalesce(rev, strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ'))
            as revision,
        day
    from events
)

select * from renamed
