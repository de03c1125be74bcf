-- Members of profile clusters of both models on one as-of day.
with

profiles as (
    select * from out_profile_clusters
),

members as (
    select
        'profiles_' || model as analysis,
        platform,
        account_id as item_id,
        cluster_id::integer as cluster_id
    from profiles
    where cluster_id is not null
)

select * from members
