-- One row per post: the winning delivery, each count its latest delivered one.
with

delivered as (
    select * from stg_crowdtangle__posts
    union all by name
    select * from stg_bluesky__posts
    union all by name
    select * from stg_twitter__posts
    union all by name
    select * from stg_tiktok__posts
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

verdicts as (
    select * from judged
),

standing as (
    select
        *,
        count(*) over (partition by platform, post_id) as n_deliveries
    from verdicts
    where disposition not like 'withdrawn/%'
),

bare as (
    select * exclude (delivery)
    from delivered
),

winners as (
    select
        bare.* replace (standing.post_id as post_id),
        standing.n_deliveries
    from bare
    inner join standing
        on
            bare.source_sha256 = standing.source_sha256
            and bare.source_row = standing.source_row
            and bare.source_item = standing.source_item
            and bare.day = standing.day
            and bare.platform = standing.platform
    where standing.disposition = 'out'
),

contested as (
    select * from standing
    where n_deliveries > 1
),

-- Only posts that were delivered more than once need a look at the others.
summarised as (
    select
        contested.platform,
        contested.post_id,
        last(
            observed.likes_count
            order by
                observed.observed_at,
                observed.source_file,
                observed.source_row,
                observed.source_item
        ) filter (where observed.likes_count is not null) as likes_count,
        last(
            observed.reactions_count
            order by
                observed.observed_at,
                observed.source_file,
                observed.source_row,
                observed.source_item
        ) filter (where observed.reactions_count is not null)
            as reactions_count,
        last(
            observed.comments_count
            order by
                observed.observed_at,
                observed.source_file,
                observed.source_row,
                observed.source_item
        ) filter (where observed.comments_count is not null) as comments_count,
        last(
            observed.shares_count
            order by
                observed.observed_at,
                observed.source_file,
                observed.source_row,
                observed.source_item
        ) filter (where observed.shares_count is not null) as shares_count,
        last(
            observed.quotes_count
            order by
                observed.observed_at,
                observed.source_file,
                observed.source_row,
                observed.source_item
        ) filter (where observed.quotes_count is not null) as quotes_count,
        last(
            observed.views_count
            order by
                observed.observed_at,
                observed.source_file,
                observed.source_row,
                observed.source_item
        ) filter (where observed.views_count is not null) as views_count,
        last(
            observed.interactions_count
            order by
                observed.observed_at,
                observed.source_file,
                observed.source_row,
                observed.source_item
        ) filter (where observed.interactions_count is not null)
            as interactions_count,
        max(observed.observed_at) filter (
            where coalesce(
                observed.likes_count,
                observed.reactions_count,
                observed.comments_count,
                observed.shares_count,
                observed.quotes_count,
                observed.views_count,
                observed.interactions_count
            ) is not null
        ) as metrics_observed_at,
        count(distinct observed.revision) filter (
            where observed.operation != 'observe'
        ) as n_revisions,
        max(len(observed.alias_ids)) as n_versions,
        count(distinct observed.source_sha256) as files_count
    from observed
    inner join contested
        on
            observed.source_sha256 = contested.source_sha256
            and observed.source_row = contested.source_row
            and observed.source_item = contested.source_item
            and observed.day = contested.day
            and observed.platform = contested.platform
    group by contested.platform, contested.post_id
),

combined as (
    select
        winners.* replace (
            coalesce(
                summarised.likes_count, winners.likes_count
            ) as likes_count,
            coalesce(
                summarised.reactions_count, winners.reactions_count
            ) as reactions_count,
            coalesce(
                summarised.comments_count, winners.comments_count
            ) as comments_count,
            coalesce(
                summarised.shares_count, winners.shares_count
            ) as shares_count,
            coalesce(
                summarised.quotes_count, winners.quotes_count
            ) as quotes_count,
            coalesce(
                summarised.views_count, winners.views_count
            ) as views_count,
            coalesce(
                summarised.interactions_count, winners.interactions_count
            ) as interactions_count
        ),
        coalesce(
            summarised.metrics_observed_at,
            case
                when
                    coalesce(
                        winners.likes_count,
                        winners.reactions_count,
                        winners.comments_count,
                        winners.shares_count,
                        winners.quotes_count,
                        winners.views_count,
                        winners.interactions_count
                    ) is not null
                    then winners.observed_at
            end
        ) as metrics_observed_at,
        greatest(
            coalesce(summarised.n_revisions, 1) - 1,
            coalesce(summarised.n_versions, len(winners.alias_ids), 1) - 1,
            0
        ) as edits_count,
        coalesce(summarised.files_count, 1) as files_count
    from winners
    left join summarised
        on
            winners.platform = summarised.platform
            and winners.post_id = summarised.post_id
),

alias_map as (
    select * from post_aliases
),

counted as (
    select * exclude (n_deliveries)
    from combined
),

resolved as (
    select
        counted.* replace (
            coalesce(parents.post_id, counted.parent_post_id)
                as parent_post_id,
            coalesce(roots.post_id, counted.root_post_id) as root_post_id,
            coalesce(quoted.post_id, counted.quoted_post_id)
                as quoted_post_id
        ),
        case when counted.edits_count > 0 then counted.observed_at end
            as edited_at
    from counted
    left join alias_map as parents
        on
            counted.platform = parents.platform
            and counted.parent_post_id = parents.alias_id
    left join alias_map as roots
        on
            counted.platform = roots.platform
            and counted.root_post_id = roots.alias_id
    left join alias_map as quoted
        on
            counted.platform = quoted.platform
            and counted.quoted_post_id = quoted.alias_id
)

select * from resolved
