-- The first hundred words of a sample of ten posts of each numbered account;
-- which posts it is depends on their ids alone.
with

accounts as (
    select * from run_settings
),

posts as (
    select
        platform,
        account_id,
        left(text, 1000) as text,
        hash(post_id) as place
    from core_posts
    where text is not null
),

sampled as (
    select
        platform,
        account_id,
        min_by(text, place, 10) as texts
    from posts
    group by platform, account_id
),

said as (
    select
        accounts.number,
        regexp_extract_all(
            lower(left(array_to_string(sampled.texts, ' '), 700)),
            '[\p{L}\p{M}\p{N}'']+'
        )[1:100] as words
    from sampled
    inner join accounts
        on
            sampled.platform = accounts.platform
            and sampled.account_id = accounts.account_id
),

counted as (
    select
        number,
        words,
        len(words) as n_words,
        list_unique(words) as n_distinct
    from said
    order by number
)

select * from counted
