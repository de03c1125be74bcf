-- Posts in, and those that join an earlier row of their account.
with

post_languages as (
    select * from feat_post_language
),

combinations as (
    select distinct
        platform,
        account_id,
        lang,
        day
    from post_languages
),

counted as (
    select
        'rows_in' as entry,
        count(*) as n_rows
    from post_languages
    union all
    select
        'merged/same_account_and_language' as entry,
        (select count(*) from post_languages) - count(*) as n_rows
    from combinations
)

select * from counted
