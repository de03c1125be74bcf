-- One labelled node per raw row. Renames and casts only.
with

nodes as (
    select * from raw_edges__nodes
),

renamed as (
    select
        'edges' as source,
        parsed.platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        false as is_context,
        parsed.account_id,
        'account' as account_kind,
        cast(null as varchar) as handle,
        cast(null as varchar) as display_name,
        cast(null as varchar) as description,
        cast(null as varchar) as url,
        cast(null as varchar) as location,
        node_label as category,
        cast(null as bigint) as followers_count,
        cast(null as bigint) as following_count,
        cast(null as bigint) as posts_count,
        cast(null as bigint) as account_likes_count,
        cast(null as boolean) as is_verified,
        cast(null as boolean) as is_protected,
        cast(null as varchar) as country_code,
        cast(null as timestamp) as account_created_at,
        day
    from nodes
)

select * from renamed
