-- A raw row has one staged row for each tweet that it reposts, answers, quotes.
with

records as (
    select * from raw_twitter__tweets
),

counted as (
    select
        'rows_in' as entry,
        count(*) filter (where parsed.entity = 'repost')
        + count(parsed.parent_post_id)
        + count(parsed.quoted_post_id) as n_rows
    from records
)

select * from counted
