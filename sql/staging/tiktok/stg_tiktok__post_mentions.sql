-- One row per account named in the caption of a raw row, in its order.
with

videos as (
    select * from raw_tiktok__videos
),

unnested as (
    select
        *,
        unnest(mention_list) as mentioned_handle,
        generate_subscripts(mention_list, 1) as place
    from videos
),

renamed as (
    select
        'tiktok' as source,
        'tiktok' as platform,
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
