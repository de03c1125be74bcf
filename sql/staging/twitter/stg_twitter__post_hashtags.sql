-- One row per hashtag of a tweet, in the order of the text; retweets have none
-- of their own. Renames and casts only.
with

records as (
    select
        *,
        from_json(
            hashtags, '[{"hashtag": "VARCHAR", "normalised": "VARCHAR"}]'
        ) as children
    from raw_twitter__tweets
    where parsed.entity = 'post' and hashtags is not null
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
        child.hashtag,
        child.normalised as hashtag_normalised,
        day
    from unnested
)

select * from renamed
