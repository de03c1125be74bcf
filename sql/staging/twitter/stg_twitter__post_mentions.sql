-- One row per user named in a tweet, in the order of the text; retweets have
-- none of their own. Renames and casts only.
with

records as (
    select
        *,
        from_json(mentions, '[{"id": "VARCHAR", "handle": "VARCHAR"}]')
            as children
    from raw_twitter__tweets
    where parsed.entity = 'post' and mentions is not null
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
        child.id as mentioned_account_id,
        case when child.id is null then child.handle end as mentioned_handle,
        day
    from unnested
)

select * from renamed
