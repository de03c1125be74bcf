-- Sizes of profile clusters of both models on each day; cluster_id null: in
-- none, though the biography could be read.
with

profiles as (
    select * from out_profile_clusters
    where status in ('member', 'noise')
),

sizes as (
    select
        day,
        'profiles_' || model as clustering,
        cluster_id,
        count(*) as n_items
    from profiles
    group by all
)

select * from sizes
