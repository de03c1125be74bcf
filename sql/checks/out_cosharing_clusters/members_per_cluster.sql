-- cluster_size is the number of accounts that name the network.
with

clusters as (
    select * from out_cosharing_clusters
),

members as (
    select * from out_cosharing_members
),

counted as (
    select
        day,
        cluster_id,
        count(*) as n_members
    from members
    where cluster_id is not null
    group by day, cluster_id
),

broken as (
    select
        clusters.day,
        clusters.cluster_id
    from clusters
    left join counted
        on
            clusters.day = counted.day
            and clusters.cluster_id = counted.cluster_id
    where clusters.cluster_size is distinct from counted.n_members
)

select * from broken
