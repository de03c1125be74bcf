-- What becomes of each staged delivery of a post: out, a duplicate, withdrawn.
with

delivered as (
    select
        platform,
        post_id,
        day
    from stg_crowdtangle__posts
    union all by name
    select
        platform,
        post_id,
        day
    from stg_bluesky__posts
    union all by name
    select
        platform,
        post_id,
        day
    from stg_twitter__posts
    union all by name
    select
        platform,
        post_id,
        day
    from stg_tiktok__posts
),

observed as (
    select * from stg_crowdtangle__posts__all_days
    union all by name
    select * from stg_bluesky__posts__all_days
    union all by name
    select * from stg_twitter__posts__all_days
    union all by name
    select * from stg_tiktok__posts__all_days
),

alias_map as (
    select * from post_aliases
),

wanted as (
    select distinct
        delivered.platform,
        coalesce(alias_map.post_id, delivered.post_id) as post_id
    from delivered
    left join alias_map
        on
            delivered.platform = alias_map.platform
            and delivered.post_id = alias_map.alias_id
),

withdrawals as (
    select * from standing_withdrawals
),

named as (
    select
        observed.platform,
        coalesce(alias_map.post_id, observed.post_id) as post_id,
        observed.account_id,
        observed.revision,
        observed.text_is_truncated,
        observed.is_context,
        observed.observed_at,
        observed.source_file,
        observed.source_sha256,
        observed.source_row,
        observed.source_item,
        observed.day,
        hash(
            observed.account_id,
            observed.operation,
            observed.posted_at,
            observed.post_kind,
            observed.parent_post_id,
            observed.quoted_post_id,
            observed.text,
            observed.url,
            observed.media_kind,
            observed.likes_count,
            observed.reactions_count,
            observed.comments_count,
            observed.shares_count,
            observed.quotes_count,
            observed.views_count,
            observed.interactions_count,
            observed.account_followers_count,
            observed.video_duration_seconds
        ) as print
    from observed
    left join alias_map
        on
            observed.platform = alias_map.platform
            and observed.post_id = alias_map.alias_id
),

candidates as (
    select named.*
    from named
    semi join wanted
        on
            named.platform = wanted.platform
            and named.post_id = wanted.post_id
),

weighed as (
    select
        candidates.*,
        case
            when
                'purge' in (of_account.action, of_post.action)
                then 'withdrawn/purged'
            when
                coalesce(of_account.action, of_post.action) is not null
                then 'withdrawn/hidden'
        end as withdrawn
    from candidates
    left join withdrawals as of_post
        on
            of_post.entity = 'post'
            and candidates.platform = of_post.platform
            and candidates.post_id = of_post.record_id
            and not (
                of_post.is_platform_revision
                and candidates.revision not like '____-__-__T%'
                and candidates.revision > of_post.revision
            )
    left join withdrawals as of_account
        on
            of_account.entity = 'account'
            and candidates.platform = of_account.platform
            and candidates.account_id = of_account.record_id
),

ranked as (
    select
        *,
        row_number() over best as place,
        first_value(revision) over best as winning_revision,
        first_value(print) over best as winning_print
    from weighed
    window
        best as (
            partition by platform, post_id, withdrawn is null
            order by
                revision desc,
                text_is_truncated asc,
                is_context asc,
                observed_at desc,
                source_file desc,
                source_row desc,
                source_item desc
        )
),

judged_rows as (
    select
        platform,
        post_id,
        source_file,
        source_sha256,
        source_row,
        source_item,
        day,
        case
            when withdrawn is not null then withdrawn
            when place = 1 then 'out'
            when
                revision = winning_revision and print = winning_print
                then 'duplicate/same_record'
            else 'duplicate/superseded'
        end as disposition
    from ranked
)

select * from judged_rows
