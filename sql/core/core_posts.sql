-- One row per post: the winning delivery, each count its latest delivered one.
with

staged as (
    select * from stg_crowdtangle__posts
),

ranked as (
    select
        *,
        row_number() over (
            partition by platform, post_id
            order by
                revision desc,
                text_is_truncated asc,
                is_context asc,
                observed_at desc,
                source_file desc,
                source_row desc,
                source_item desc
        ) as place
    from staged
),

winners as (
    select
        * exclude (
            place,
            likes_count,
            reactions_count,
            comments_count,
            shares_count,
            quotes_count,
            views_count,
            interactions_count
        )
    from ranked
    where place = 1
),

summarised as (
    select
        platform,
        post_id,
        last(
            likes_count
            order by observed_at, source_file, source_row, source_item
        ) filter (where likes_count is not null) as likes_count,
        last(
            reactions_count
            order by observed_at, source_file, source_row, source_item
        ) filter (where reactions_count is not null) as reactions_count,
        last(
            comments_count
            order by observed_at, source_file, source_row, source_item
        ) filter (where comments_count is not null) as comments_count,
        last(
            shares_count
            order by observed_at, source_file, source_row, source_item
        ) filter (where shares_count is not null) as shares_count,
        last(
            quotes_count
            order by observed_at, source_file, source_row, source_item
        ) filter (where quotes_count is not null) as quotes_count,
        last(
            views_count
            order by observed_at, source_file, source_row, source_item
        ) filter (where views_count is not null) as views_count,
        last(
            interactions_count
            order by observed_at, source_file, source_row, source_item
        ) filter (where interactions_count is not null) as interactions_count,
        max(observed_at) filter (
            where coalesce(
                likes_count,
                reactions_count,
                comments_count,
                shares_count,
                quotes_count,
                views_count,
                interactions_count
            ) is not null
        ) as metrics_observed_at,
        greatest(
            count(distinct revision) filter (where operation != 'observe') - 1,
            0
        ) as edits_count,
        count(distinct source_sha256) as files_count
    from staged
    group by all
),

combined as (
    select
        winners.*,
        summarised.likes_count,
        summarised.reactions_count,
        summarised.comments_count,
        summarised.shares_count,
        summarised.quotes_count,
        summarised.views_count,
        summarised.interactions_count,
        summarised.metrics_observed_at,
        summarised.edits_count,
        case when summarised.edits_count > 0 then winners.observed_at end
            as edited_at,
        summarised.files_count
    from winners
    inner join summarised
        on
            winners.platform = summarised.platform
            and winners.post_id = summarised.post_id
)

select * from combined
