-- One row per hashtag of a post: those in the text, then the others.
-- Renames and casts only.
with

records as (
    select * from raw_bluesky__events
    where parsed.entity = 'post' and hashtags is not null
    union all by name
    select * from raw_bluesky__records
    where parsed.entity = 'post' and hashtags is not null
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
        hashtag,
        hashtag_normalised,
        day
    from unnested
)

select * from renamed
