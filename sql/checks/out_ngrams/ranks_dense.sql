-- Ranks go 1, 2, 3 ... without a gap in the order of posts and accounts.
with

ranked as (
    select
        *,
        row_number() over (
            partition by day, platform, lang, n
            order by n_posts desc, n_accounts desc, ngram asc
        ) as place
    from out_ngrams
),

broken as (
    select * from ranked
    where rank != place
)

select * from broken
