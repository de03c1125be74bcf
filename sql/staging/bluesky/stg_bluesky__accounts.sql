-- One observation of a profile per profile record, of a handle per identity
-- event and per post that a search delivered. Renames and casts only.
with

records as (
    select * from raw_bluesky__events
    where parsed.entity = 'account'
    union all by name
    select * from raw_bluesky__records
    where parsed.entity = 'account'
),

-- A search shows the author as it was then, on whatever day the post was made.
views as (
    select * from raw_bluesky__post_views__all_days
    where
        author is not null
        and cast(observed_at as date)
        in (select requested_days.day from requested_days)
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
        did as account_id,
        'account' as account_kind,
        handle,
        display_name,
        profile_description as description,
        cast(null as varchar) as url,
        cast(null as varchar) as location,
        cast(null as varchar) as category,
        cast(null as bigint) as followers_count,
        cast(null as bigint) as following_count,
        cast(null as bigint) as posts_count,
        cast(null as bigint) as account_likes_count,
        cast(null as boolean) as is_verified,
        cast(null as boolean) as is_protected,
        cast(null as varchar) as country_code,
        parsed.account_created_at,
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
        parsed.account_id,
        'account' as account_kind,
        ltrim(author, '@') as handle,
        cast(observed_at as date) as day
    from views
),

united as (
    select * from renamed
    union all by name
    select * from viewed
)

select * from united
