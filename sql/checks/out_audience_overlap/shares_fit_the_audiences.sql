-- Nobody shares more followers than either audience has; ranks have no gap.
with

overlap as (
    select * from out_audience_overlap
),

ranked as (
    select
        *,
        row_number() over (
            partition by day, platform, account_id
            order by neighbour_rank
        ) as place
    from overlap
),

broken as (
    select
        day,
        platform,
        account_id,
        neighbour_account_id
    from ranked
    where
        place != neighbour_rank
        or n_shared > least(n_followers, neighbour_n_followers)
        or account_id = neighbour_account_id
        or is_exact != (jaccard_exact is not null)
)

select * from broken
