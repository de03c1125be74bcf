-- Shares and the Jaccard index of a link belong to the same numbers of members.
with

links as (
    select * from out_cluster_links
),

broken as (
    select
        day,
        analysis,
        link
    from links
    where
        previous_day >= day
        or previous_day < day - interval 7 day
        or (relation in ('born', 'ended')) <> (n_common = 0)
        or (cluster_id is null) <> (relation = 'ended')
        or (previous_cluster_id is null) <> (relation = 'born')
        or abs(
            jaccard * (1 / share_previous + 1 / share_current - 1) - 1
        ) > 1e-9
)

select * from broken
