-- Accounts are no more than posts, posts no more than occurrences, and those of
-- a language no more than those of all, where both are among the first.
with

ngrams as (
    select * from out_ngrams
),

of_all as (
    select * from ngrams
    where lang = 'all'
),

broken as (
    select
        ngrams.day,
        ngrams.platform,
        ngrams.lang,
        ngrams.n,
        ngrams.ngram
    from ngrams
    left join of_all
        on
            ngrams.day = of_all.day
            and ngrams.platform = of_all.platform
            and ngrams.n = of_all.n
            and ngrams.ngram = of_all.ngram
    where
        ngrams.n_accounts > ngrams.n_posts
        or ngrams.n_posts > ngrams.n_occurrences
        or ngrams.n_posts > of_all.n_posts
        or ngrams.n_accounts > of_all.n_accounts
        or ngrams.n_occurrences > of_all.n_occurrences
        or len(string_split(ngrams.ngram, ' ')) != ngrams.n
)

select * from broken
