-- Every raw row of a tweet that is no retweet has exactly one staged row.
with

records as (
    select * from raw_twitter__tweets
),

counted as (
    select
        'rows_in' as entry,
        count(*) as n_rows
    from records
    where parsed.entity = 'post'
)

select * from counted
