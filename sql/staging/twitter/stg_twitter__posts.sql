-- One observation of a version of a tweet per raw row; retweets are no posts.
-- Renames and casts only; three HTML entities are undone once, & last.
with

records as (
    select * from raw_twitter__tweets
    where parsed.entity = 'post'
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
        parsed.account_id,
        parsed.revision,
        parsed.operation,
        parsed.posted_at,
        parsed.time_source,
        cast(null as timestamp) as claimed_at,
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
        replace(
            replace(replace(text, '&lt;', '<'), '&gt;', '>'), '&amp;', '&'
        ) as text,
        parsed.text_is_truncated,
        parsed.alias_ids,
        parsed.language_codes,
        'https://twitter.com/i/web/status/' || tweet_id as url,
        parsed.country_code,
        parsed.media_kind,
        parsed.likes_count,
        cast(null as bigint) as reactions_count,
        parsed.comments_count,
        parsed.shares_count,
        parsed.quotes_count,
        parsed.views_count,
        cast(null as bigint) as interactions_count,
        parsed.account_followers_count,
        parsed.video_duration_seconds,
        cast(null as boolean) as is_ad,
        parsed.is_sensitive,
        delivery,
        day
    from records
)

select * from renamed
