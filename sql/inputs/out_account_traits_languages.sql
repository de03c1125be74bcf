-- How many posts of the numbered accounts are in which language.
with

accounts as (
    select * from run_settings
),

languages as (
    select
        platform,
        account_id,
        lang,
        sum(n_posts)::bigint as n_posts
    from feat_account_language
    group by platform, account_id, lang
),

numbered as (
    select
        accounts.number,
        languages.lang,
        languages.n_posts
    from languages
    inner join accounts
        on
            languages.platform = accounts.platform
            and languages.account_id = accounts.account_id
    order by accounts.number, languages.lang
)

select * from numbered
