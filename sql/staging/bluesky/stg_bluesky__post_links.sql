-- One row per link of a post: those in the text, then that of the card. Renames
-- and casts only.
with

records as (
    select * from raw_bluesky__events
    where parsed.entity = 'post' and links is not null
    union all by name
    select * from raw_bluesky__records
    where parsed.entity = 'post' and links is not null
),

listed as (
    select
        *,
        from_json(
            links,
            '[{
                "url": "VARCHAR", "title": "VARCHAR",
                "description": "VARCHAR", "role": "VARCHAR"
            }]'
        ) as children
    from records
),

unnested as (
    select
        *,
        unnest(children) as child,
        generate_subscripts(children, 1) as place
    from listed
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
        child.url,
        cast(null as varchar) as expanded_url,
        cast(null as varchar) as final_url,
        child.title,
        child.description,
        child.role as link_role,
        day
    from unnested
)

select * from renamed
