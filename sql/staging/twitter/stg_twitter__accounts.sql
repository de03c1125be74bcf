-- One observation of a profile per raw row. Renames and casts only.
with

records as (
    select * from raw_twitter__users
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
        parsed.account_id,
        'account' as account_kind,
        handle,
        name as display_name,
        description,
        url,
        location,
        cast(null as varchar) as category,
        parsed.followers_count,
        parsed.following_count,
        parsed.posts_count,
        cast(null as bigint) as account_likes_count,
        parsed.is_verified,
        parsed.is_protected,
        cast(null as varchar) as country_code,
        parsed.account_created_at,
        day
    from records
)

select * from renamed
