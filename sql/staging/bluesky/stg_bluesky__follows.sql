-- One follow per event, and per record of a repository, which lists what still
-- stands. Renames and casts only.
with

records as (
    select
        *,
        false as is_snapshot
    from raw_bluesky__events
    where parsed.entity = 'follow'
    union all by name
    select
        *,
        true as is_snapshot
    from raw_bluesky__records
    where parsed.entity = 'follow'
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
        parsed.record_id as follow_id,
        did as follower_account_id,
        parsed.object_account_id as followed_account_id,
        parsed.event_at as followed_at,
        parsed.time_source,
        parsed.claimed_at,
        is_snapshot,
        cast(null as double) as weight,
        coalesce(rev, strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ'))
            as revision,
        day
    from records
)

select * from renamed
