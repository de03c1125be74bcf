-- Clusters of a model are numbered 0, 1, 2 ... without a gap, the largest
-- first.
with

members as (
    select
        day,
        model,
        cluster_id,
        count(*) as n_accounts
    from out_profile_clusters
    where cluster_id is not null
    group by day, model, cluster_id
),

placed as (
    select
        *,
        row_number()
            over (
                partition by day, model
                order by n_accounts desc, cluster_id asc
            )
        - 1 as place
    from members
),

broken as (
    select * from placed
    where place != cluster_id
)

select * from broken
