-- One observation of a follow per raw row. Renames and casts only.
with

edges as (
    select * from raw_edges__edges
),

renamed as (
    select
        'edges' as source,
        parsed.platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        false as is_context,
        parsed.follower_account_id || '>' || parsed.followed_account_id
            as follow_id,
        parsed.follower_account_id,
        parsed.followed_account_id,
        cast(null as timestamp) as followed_at,
        'observed' as time_source,
        cast(null as timestamp) as claimed_at,
        parsed.is_snapshot,
        parsed.weight,
        strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ') as revision,
        day
    from edges
)

select * from renamed
