-- The text recognised in the image of a raw row, if there is one.
with

records as (
    select * from raw_crowdtangle__posts
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
        cast(0 as integer) as ordinal,
        parsed.account_id,
        parsed.posted_at,
        strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ') as revision,
        'image_text' as media_text_kind,
        image_text as text,
        day
    from records
    where image_text is not null
)

select * from renamed
