-- One row per link of a tweet, in the order of the text; retweets have none of
-- their own. Renames and casts only.
with

records as (
    select
        *,
        from_json(
            links,
            '[{
                "url": "VARCHAR", "expanded_url": "VARCHAR",
                "final_url": "VARCHAR", "title": "VARCHAR",
                "description": "VARCHAR", "role": "VARCHAR"
            }]'
        ) as children
    from raw_twitter__tweets
    where parsed.entity = 'post' and links is not null
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
        child.url,
        child.expanded_url,
        child.final_url,
        child.title,
        child.description,
        child.role as link_role,
        day
    from unnested
)

select * from renamed
