-- Likes, reposts and blocks, and what posts do as replies and quotes. Renames
-- and casts only.
with

records as (
    select * from raw_bluesky__events
    where parsed.entity in ('interaction', 'post')
    union all by name
    select * from raw_bluesky__records
    where parsed.entity in ('interaction', 'post')
),

acts as (
    select
        'bluesky' as source,
        'bluesky' as platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        false as is_context,
        parsed.record_id as interaction_id,
        parsed.interaction_kind as kind,
        did as account_id,
        parsed.object_post_id,
        parsed.object_account_id,
        parsed.event_at as interacted_at,
        parsed.time_source,
        parsed.claimed_at,
        coalesce(rev, strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ'))
            as revision,
        day
    from records
    where parsed.entity = 'interaction'
),

replies as (
    select
        'bluesky' as source,
        'bluesky' as platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        false as is_context,
        parsed.record_id || '#reply' as interaction_id,
        'reply' as kind,
        did as account_id,
        parsed.parent_post_id as object_post_id,
        parsed.parent_account_id as object_account_id,
        parsed.event_at as interacted_at,
        parsed.time_source,
        parsed.claimed_at,
        coalesce(rev, strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ'))
            as revision,
        day
    from records
    where parsed.parent_post_id is not null
),

quotes as (
    select
        'bluesky' as source,
        'bluesky' as platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        false as is_context,
        parsed.record_id || '#quote' as interaction_id,
        'quote' as kind,
        did as account_id,
        parsed.quoted_post_id as object_post_id,
        parsed.quoted_account_id as object_account_id,
        parsed.event_at as interacted_at,
        parsed.time_source,
        parsed.claimed_at,
        coalesce(rev, strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ'))
            as revision,
        day
    from records
    where parsed.quoted_post_id is not null
),

united as (
    select * from acts
    union all by name
    select * from replies
    union all by name
    select * from quotes
)

select * from united
