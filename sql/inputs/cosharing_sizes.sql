-- Sizes of networks on each day; cluster_id null: in none, though the account
-- shared enough with others to come near one.
with

accounts as (
    select * from out_cosharing_members
    where status not in ('unshared', 'viral_only', 'too_few_contents')
),

sizes as (
    select
        day,
        'cosharing' as clustering,
        cluster_id,
        count(*) as n_items
    from accounts
    group by day, cluster_id
)

select * from sizes
