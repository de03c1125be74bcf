-- One observation of a post per raw row. Renames and casts only.
with

videos as (
    select * from raw_tiktok__videos
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
        parsed.post_id,
        parsed.account_id,
        strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ') as revision,
        'observe' as operation,
        parsed.posted_at,
        parsed.time_source,
        cast(null as timestamp) as claimed_at,
        'post' as post_kind,
        cast(null as varchar) as parent_post_id,
        cast(null as varchar) as parent_account_id,
        cast(null as varchar) as root_post_id,
        cast(null as varchar) as quoted_post_id,
        cast(null as varchar) as quoted_account_id,
        video_description as text,
        false as text_is_truncated,
        cast(null as varchar[]) as alias_ids,
        cast(null as varchar[]) as language_codes,
        cast(null as varchar) as url,
        parsed.country_code,
        'video' as media_kind,
        parsed.likes as likes_count,
        cast(null as bigint) as reactions_count,
        parsed.comments as comments_count,
        parsed.shares as shares_count,
        cast(null as bigint) as quotes_count,
        parsed.views as views_count,
        cast(null as bigint) as interactions_count,
        cast(null as bigint) as account_followers_count,
        parsed.duration_seconds as video_duration_seconds,
        parsed.is_ad,
        cast(null as boolean) as is_sensitive,
        delivery,
        day
    from videos
)

select * from renamed
