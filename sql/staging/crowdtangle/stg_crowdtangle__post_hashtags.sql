-- One row per hashtag in the text of a raw row, in its order.
with

records as (
    select * from raw_crowdtangle__posts
),

unnested as (
    select
        *,
        unnest(hashtags) as hashtag,
        unnest(hashtags_normalised) as hashtag_normalised,
        generate_subscripts(hashtags, 1) as place
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
        hashtag,
        hashtag_normalised,
        day
    from unnested
)

select * from renamed
