-- One row per hashtag of a raw row, in its order.
with

videos as (
    select * from raw_tiktok__videos
),

unnested as (
    select
        *,
        unnest(hashtag_list) as hashtag,
        unnest(hashtag_list_normalised) as hashtag_normalised,
        generate_subscripts(hashtag_list, 1) as place
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
        hashtag,
        hashtag_normalised,
        day
    from unnested
)

select * from renamed
