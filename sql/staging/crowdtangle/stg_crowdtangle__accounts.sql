-- One observation of a profile per raw row. Renames and casts only.
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
        parsed.account_id,
        parsed.account_kind,
        user_name as handle,
        page_name as display_name,
        page_description as description,
        cast(null as varchar) as url,
        cast(null as varchar) as location,
        page_category as category,
        parsed.followers_at_posting as followers_count,
        cast(null as bigint) as following_count,
        cast(null as bigint) as posts_count,
        parsed.likes_at_posting as account_likes_count,
        cast(null as boolean) as is_verified,
        cast(null as boolean) as is_protected,
        parsed.country_code,
        parsed.page_created_at as account_created_at,
        day
    from records
)

select * from renamed
