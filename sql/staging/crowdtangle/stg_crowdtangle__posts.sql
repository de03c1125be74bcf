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
        case
            when language is not null and lower(language) != 'und'
                then [lower(language)]
        end as language_codes,
        url,
        cast(null as varchar) as country_code,
        case
            when type is null or regexp_matches(type, '^status(es)?$', 'i')
                then 'none'
            when regexp_matches(type, '^photos?$', 'i') then 'photo'
            when regexp_matches(type, '^links?$', 'i') then 'link'
            when regexp_matches(type, '^(photo )?albums?$', 'i') then 'album'
            when regexp_matches(type, '^live[ _]video', 'i') then 'live'
            when
                regexp_matches(type, 'video', 'i')
                or regexp_matches(type, '^(youtube|vine|igtv|reels?)$', 'i')
                then 'video'
            else 'other'
        end as media_kind,
        parsed.likes as likes_count,
        cast(
            coalesce(
                parsed.reactions,
                list_sum([
                    parsed.likes,
                    parsed.love,
                    parsed.wow,
                    parsed.haha,
                    parsed.sad,
                    parsed.angry,
                    parsed.care
                ])
            ) as bigint
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
        delivery,
        day
    from records
)

select * from renamed
