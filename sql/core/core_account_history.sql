-- One row per account and day it was observed: the last observation, each
-- column its last value of the day. A handle may come apart from a name.
with

delivered as (
    select * from stg_crowdtangle__accounts
    union all by name
    select * from stg_bluesky__accounts
    union all by name
    select * from stg_twitter__accounts
    union all by name
    select * from stg_tiktok__accounts
    union all by name
    select * from stg_edges__accounts
),

verdicts as (
    select * from judged
    where disposition not like 'withdrawn/%'
),

standing as (
    select
        delivered.*,
        verdicts.disposition,
        count(*) over (
            partition by delivered.platform, delivered.account_id, delivered.day
        ) as n_deliveries
    from delivered
    inner join verdicts
        on
            delivered.source_sha256 = verdicts.source_sha256
            and delivered.source_row = verdicts.source_row
            and delivered.source_item = verdicts.source_item
            and delivered.day = verdicts.day
),

winners as (
    select * exclude (source, source_file, is_context, disposition)
    from standing
    where disposition = 'out'
),

merged as (
    select
        platform,
        account_id,
        day,
        last(handle order by observed_at, source_file, source_row, source_item)
        filter (where handle is not null) as handle,
        last(
            display_name
            order by observed_at, source_file, source_row, source_item
        )
        filter (where display_name is not null) as display_name,
        last(
            description
            order by observed_at, source_file, source_row, source_item
        )
        filter (where description is not null) as description,
        last(url order by observed_at, source_file, source_row, source_item)
        filter (where url is not null) as url,
        last(
            location order by observed_at, source_file, source_row, source_item
        )
        filter (where location is not null) as location,
        last(
            category order by observed_at, source_file, source_row, source_item
        )
        filter (where category is not null) as category,
        last(
            followers_count
            order by observed_at, source_file, source_row, source_item
        )
        filter (where followers_count is not null) as followers_count,
        last(
            following_count
            order by observed_at, source_file, source_row, source_item
        )
        filter (where following_count is not null) as following_count,
        last(
            posts_count
            order by observed_at, source_file, source_row, source_item
        )
        filter (where posts_count is not null) as posts_count,
        last(
            account_likes_count
            order by observed_at, source_file, source_row, source_item
        )
        filter (where account_likes_count is not null) as account_likes_count,
        last(
            is_verified
            order by observed_at, source_file, source_row, source_item
        )
        filter (where is_verified is not null) as is_verified,
        last(
            is_protected
            order by observed_at, source_file, source_row, source_item
        )
        filter (where is_protected is not null) as is_protected,
        last(
            country_code
            order by observed_at, source_file, source_row, source_item
        )
        filter (where country_code is not null) as country_code,
        last(
            account_created_at
            order by observed_at, source_file, source_row, source_item
        )
        filter (where account_created_at is not null) as account_created_at
    from standing
    where n_deliveries > 1
    group by platform, account_id, day
),

filled as (
    select
        winners.* replace (
            coalesce(merged.handle, winners.handle)
                as handle,
            coalesce(merged.display_name, winners.display_name)
                as display_name,
            coalesce(merged.description, winners.description)
                as description,
            coalesce(merged.url, winners.url)
                as url,
            coalesce(merged.location, winners.location)
                as location,
            coalesce(merged.category, winners.category)
                as category,
            coalesce(merged.followers_count, winners.followers_count)
                as followers_count,
            coalesce(merged.following_count, winners.following_count)
                as following_count,
            coalesce(merged.posts_count, winners.posts_count)
                as posts_count,
            coalesce(merged.account_likes_count, winners.account_likes_count)
                as account_likes_count,
            coalesce(merged.is_verified, winners.is_verified)
                as is_verified,
            coalesce(merged.is_protected, winners.is_protected)
                as is_protected,
            coalesce(merged.country_code, winners.country_code)
                as country_code,
            coalesce(merged.account_created_at, winners.account_created_at)
                as account_created_at
        )
    from winners
    left join merged
        on
            winners.platform = merged.platform
            and winners.account_id = merged.account_id
            and winners.day = merged.day
),

histories as (
    select * exclude (n_deliveries)
    from filled
)

select * from histories
