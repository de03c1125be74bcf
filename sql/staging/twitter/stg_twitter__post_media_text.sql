-- One row per description that an author gave a medium of a tweet; retweets
-- have none of their own. Renames and casts only.
with

records as (
    select
        *,
        from_json(media, '[{"alt_text": "VARCHAR"}]') as children
    from raw_twitter__tweets
    where parsed.entity = 'post' and media is not null
),

unnested as (
    select
        *,
        unnest(children) as child,
        generate_subscripts(children, 1) - 1 as ordinal
    from records
),

renamed as (
    select
        'twitter' as source,
        'twitter' as platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        is_context,
        parsed.post_id,
        cast(ordinal as integer) as ordinal,
        parsed.account_id,
        parsed.posted_at,
        parsed.revision,
        'alt_text' as media_text_kind,
        child.alt_text as text,
        day
    from unnested
    where child.alt_text is not null
)

select * from renamed
