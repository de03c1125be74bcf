-- How many posts of each account are in which language, per day.
with

post_languages as (
    select * from feat_post_language
),

counted as (
    select
        platform,
        account_id,
        lang,
        count(*) as n_posts,
        -- Ordered: a sum of doubles depends on the order of its terms.
        list_avg(list(lang_prob order by posted_at, post_id))
            as mean_probability,
        min(posted_at) as first_at,
        day
    from post_languages
    group by platform, account_id, lang, day
)

select * from counted
