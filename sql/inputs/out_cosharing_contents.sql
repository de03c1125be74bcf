-- Contents of each account in a window; the sample is its earliest post.
with

daily as (
    select * from feat_account_content
),

carried as (
    select
        platform,
        account_id,
        content_id,
        min(content_kind) as content_kind,
        bool_or(is_primary) as is_primary,
        cast(sum(n_posts) as bigint) as n_posts,
        min(first_at) as first_at,
        max(last_at) as last_at,
        first(sample_post_id order by first_at, sample_post_id)
            as sample_post_id,
        first(sample_url order by first_at, sample_post_id) as sample_url
    from daily
    group by platform, account_id, content_id
    order by platform, account_id, content_id
)

select * from carried
