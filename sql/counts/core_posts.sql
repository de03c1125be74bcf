-- Deliveries that lost: equal to the winner, or superseded by it.
with

staged as (
    select * from stg_crowdtangle__posts
),

ranked as (
    select
        platform,
        post_id,
        revision,
        hash(
            account_id,
            operation,
            posted_at,
            post_kind,
            parent_post_id,
            quoted_post_id,
            text,
            url,
            media_kind,
            likes_count,
            reactions_count,
            comments_count,
            shares_count,
            quotes_count,
            views_count,
            interactions_count,
            account_followers_count,
            video_duration_seconds
        ) as print,
        row_number() over best as place,
        first_value(revision) over best as winning_revision,
        first_value(print) over best as winning_print
    from staged
    window
        best as (
            partition by platform, post_id
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

judged as (
    select
        case
            when revision = winning_revision and print = winning_print
                then 'duplicate/same_record'
            else 'duplicate/superseded'
        end as entry
    from ranked
    where place > 1
),

counted as (
    select
        'rows_in' as entry,
        count(*) as n_rows
    from staged
    union all
    select
        entry,
        count(*) as n_rows
    from judged
    group by entry
)

select * from counted
