-- Members have a cluster and a strength, all others have neither.
with

profiles as (
    select * from out_profile_clusters
),

broken as (
    select * from profiles
    where
        (status = 'member') != (cluster_id is not null)
        or (status = 'member') != (strength is not null)
        or (status = 'no_bio' and bio is not null)
        or (status = 'no_known_word' and n_terms > 0)
)

select * from broken
