-- The platform's suggested searches of a raw row, then its speech in words.
with

videos as (
    select * from raw_tiktok__videos
),

suggested as (
    select
        *,
        'platform_suggestion' as media_text_kind,
        unnest(suggestion_list) as media_text,
        generate_subscripts(suggestion_list, 1) as place
    from videos
),

spoken as (
    select
        *,
        'voice_to_text' as media_text_kind,
        voice_to_text as media_text,
        len(suggestion_list) + 1 as place
    from videos
    where voice_to_text is not null
),

told as (
    select * from suggested
    union all by name
    select * from spoken
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
        media_text_kind,
        media_text as text,
        day
    from told
)

select * from renamed
