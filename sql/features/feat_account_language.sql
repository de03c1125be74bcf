-- How many posts of each account are in which language, per day.
with

post_languages as (
    select * from feat_post_language
),

counted as (
    select
        platform,
        account_id,
        language,
        count(*) as n_posts,
        -- Ordered: a sum of doubles depends on the order of its terms.
        list_avg(list(language_probability order by posted_at, post_id))
            as mean_probability,
        min(posted_at) as first_at,
        day
    from post_languages
    group by platform, account_id, language, day
)

select * from counted
