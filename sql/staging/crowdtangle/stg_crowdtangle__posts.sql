-- One observation of a post per raw row. Renames and casts only.
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
        parsed.post_id,
        parsed.account_id,
        strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ') as revision,
        'observe' as operation,
        parsed.posted_at,
        'platform' as time_source,
        cast(null as timestamp) as claimed_at,
        'post' as post_kind,
        cast(null as varchar) as parent_post_id,
        cast(null as varchar) as parent_account_id,
        cast(null as varchar) as root_post_id,
        cast(null as varchar) as quoted_post_id,
        cast(null as varchar) as quoted_account_id,
        case
            when parsed.platform = 'instagram'
                then coalesce(message, description)
            else message
        end as text,
        false as text_is_truncated,
        cast(null as varchar[]) as alias_ids,
        cast(null as varchar[]) as language_codes,
        url,
        cast(null as varchar) as country_code,
        case
            when type is null or type = 'Status' then 'none'
            when type = 'Photo' then 'photo'
            when type = 'Link' then 'link'
            when type in ('Album', 'Photo Album') then 'album'
            when type like 'Live Video%' then 'live'
            when type like '%Video%' or type in ('YouTube', 'Vine', 'IGTV')
                then 'video'
            else 'other'
        end as media_kind,
        parsed.likes as likes_count,
        cast(
            list_sum([
                parsed.likes,
                parsed.love,
                parsed.wow,
                parsed.haha,
                parsed.sad,
                parsed.angry,
                parsed.care
            ]) as bigint
        ) as reactions_count,
        parsed.comments as comments_count,
        parsed.shares as shares_count,
        cast(null as bigint) as quotes_count,
        parsed.post_views as views_count,
        parsed.total_interactions as interactions_count,
        parsed.followers_at_posting as account_followers_count,
        parsed.video_seconds as video_duration_seconds,
        cast(null as boolean) as is_ad,
        cast(null as boolean) as is_sensitive,
        day
    from records
)

select * from renamed
