-- One row per account that a post mentions, in their order.
-- Renames and casts only.
with

records as (
    select * from raw_bluesky__events
    where parsed.entity = 'post' and mentions is not null
    union all by name
    select * from raw_bluesky__records
    where parsed.entity = 'post' and mentions is not null
),

unnested as (
    select
        *,
        unnest(mentions) as mentioned_account_id,
        generate_subscripts(mentions, 1) as place
    from records
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
        parsed.record_id as post_id,
        cast(place - 1 as integer) as ordinal,
        did as account_id,
        parsed.event_at as posted_at,
        coalesce(rev, strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ'))
            as revision,
        mentioned_account_id,
        cast(null as varchar) as mentioned_handle,
        day
    from unnested
)

select * from renamed
