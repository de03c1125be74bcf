-- What a tweet does to others: a retweet is a repost; a post may be a reply
-- and a quote at once. Renames and casts only.
with

records as (
    select * from raw_twitter__tweets
),

reposts as (
    select
        *,
        tweet_id as interaction_id,
        'repost' as kind,
        parsed.reposted_post_id as object_post_id,
        parsed.reposted_account_id as object_account_id
    from records
    where parsed.entity = 'repost'
),

replies as (
    select
        *,
        parsed.post_id || '#reply' as interaction_id,
        'reply' as kind,
        parsed.parent_post_id as object_post_id,
        parsed.parent_account_id as object_account_id
    from records
    where parsed.parent_post_id is not null
),

quotes as (
    select
        *,
        parsed.post_id || '#quote' as interaction_id,
        'quote' as kind,
        parsed.quoted_post_id as object_post_id,
        parsed.quoted_account_id as object_account_id
    from records
    where parsed.quoted_post_id is not null
),

combined as (
    select * from reposts
    union all
    select * from replies
    union all
    select * from quotes
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
        interaction_id,
        kind,
        parsed.account_id,
        object_post_id,
        object_account_id,
        parsed.posted_at as interacted_at,
        parsed.time_source,
        cast(null as timestamp) as claimed_at,
        parsed.revision,
        day
    from combined
)

select * from renamed
