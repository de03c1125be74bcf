-- One withdrawal per raw row. Renames and casts only. The platform gives no
-- revisions of withdrawals; a time sorts behind every revision of a tweet.
with

records as (
    select * from raw_twitter__compliance
),

renamed as (
    select
        'twitter' as source,
        'twitter' as platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        is_context,
        parsed.entity,
        parsed.record_id,
        parsed.account_id,
        cast(null as varchar) as interaction_kind,
        parsed.deleted_at,
        parsed.record_day,
        parsed.action,
        parsed.reason,
        strftime(parsed.deleted_at, '%Y-%m-%dT%H:%M:%S.%fZ') as revision,
        day
    from records
)

select * from renamed
