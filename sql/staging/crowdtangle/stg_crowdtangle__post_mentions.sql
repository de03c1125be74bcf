-- One row per name behind an @ in the text of a raw row, in its order.
with

records as (
    select * from raw_crowdtangle__posts
),

unnested as (
    select
        *,
        unnest(mentions) as mentioned_handle,
        generate_subscripts(mentions, 1) as place
    from records
),

renamed as (
    select
        'crowdtangle' as source,
        parsed.platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        false as is_context,
        parsed.post_id,
        cast(place - 1 as integer) as ordinal,
        parsed.account_id,
        parsed.posted_at,
        strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ') as revision,
        cast(null as varchar) as mentioned_account_id,
        mentioned_handle,
        day
    from unnested
)

select * from renamed
