-- One observation of its author per raw row, on the day of the observation.
with

videos as (
    select * from raw_tiktok__videos__all_days
),

observed as (
    select * replace (cast(observed_at as date) as day)
    from videos
    where cast(observed_at as date) in (
        select requested_days.day from requested_days
    )
),

renamed as (
    select
        'tiktok' as source,
        'tiktok' as platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        false as is_context,
        parsed.account_id,
        'account' as account_kind,
        author_username as handle,
        author_name as display_name,
        cast(null as varchar) as description,
        cast(null as varchar) as url,
        cast(null as varchar) as location,
        cast(null as varchar) as category,
        parsed.author_followers as followers_count,
        parsed.author_following as following_count,
        parsed.author_videos as posts_count,
        parsed.author_hearts as account_likes_count,
        parsed.is_verified,
        cast(null as boolean) as is_protected,
        cast(null as varchar) as country_code,
        cast(null as timestamp) as account_created_at,
        day
    from observed
)

select * from renamed
