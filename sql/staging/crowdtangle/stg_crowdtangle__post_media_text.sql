-- The texts in the medium of a raw row: recognised in its image, and its title.
with

records as (
    select * from raw_crowdtangle__posts
),

unnested as (
    select
        * exclude (title),
        unnest(
            list_filter(
                [
                    struct_pack(kind := 'image_text', words := image_text),
                    struct_pack(kind := 'title', words := title)
                ],
                lambda medium: medium.words is not null
            )
        ) as medium,
        generate_subscripts(
            list_filter(
                [image_text, title],
                lambda words: words is not null
            ),
            1
        ) as place
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
        medium.kind as media_text_kind,
        medium.words as text,
        day
    from unnested
)

select * from renamed
