-- Every account has a row in both models, with the same biography; the one has
-- no known term if the other has none.
with

profiles as (
    select * from out_profile_clusters
),

broken as (
    select
        day,
        platform,
        account_id,
        count(*) as n_rows
    from profiles
    group by day, platform, account_id
    having
        count(*) != 2
        or count(distinct coalesce(bio, '')) > 1
        or count(distinct status in ('no_bio', 'no_known_word')) > 1
)

select * from broken
