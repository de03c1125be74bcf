-- One revision of a post per event or record, one observation per post that a
-- search delivered. Renames and casts only.
with

records as (
    select * from raw_bluesky__events
    where parsed.entity = 'post'
    union all by name
    select * from raw_bluesky__records
    where parsed.entity = 'post'
),

views as (
    select * from raw_bluesky__post_views
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
        did as account_id,
        coalesce(rev, strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ'))
            as revision,
        operation,
        parsed.event_at as posted_at,
        parsed.time_source,
        parsed.claimed_at,
        case
            when parsed.quoted_post_id is not null then 'quote'
            when parsed.parent_post_id is not null then 'reply'
            else 'post'
        end as post_kind,
        parsed.parent_post_id,
        parsed.parent_account_id,
        parsed.root_post_id,
        parsed.quoted_post_id,
        parsed.quoted_account_id,
        text,
        false as text_is_truncated,
        cast(null as varchar[]) as alias_ids,
        language_codes,
        'https://bsky.app/profile/' || did || '/post/' || rkey as url,
        cast(null as varchar) as country_code,
        parsed.media_kind,
        cast(null as bigint) as likes_count,
        cast(null as bigint) as reactions_count,
        cast(null as bigint) as comments_count,
        cast(null as bigint) as shares_count,
        cast(null as bigint) as quotes_count,
        cast(null as bigint) as views_count,
        cast(null as bigint) as interactions_count,
        cast(null as bigint) as account_followers_count,
        cast(null as double) as video_duration_seconds,
        cast(null as boolean) as is_ad,
        parsed.is_sensitive,
        delivery,
        day
    from records
),

viewed as (
    select
        'bluesky' as source,
        'bluesky' as platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        false as is_context,
        uri as post_id,
        parsed.account_id,
        strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ') as revision,
        'observe' as operation,
        parsed.event_at as posted_at,
        parsed.time_source,
        parsed.claimed_at,
        -- A search tells neither what a post replies to nor what it embeds.
        'post' as post_kind,
        text,
        false as text_is_truncated,
        'https://bsky.app/profile/'
        || parsed.account_id
        || '/post/'
        || split_part(uri, '/', 5) as url,
        'other' as media_kind,
        parsed.likes as likes_count,
        parsed.replies as comments_count,
        parsed.reposts as shares_count,
        parsed.quotes as quotes_count,
        delivery,
        day
    from views
),

united as (
    select * from renamed
    union all by name
    select * from viewed
)

select * from united
