-- cluster_id is set exactly for accounts of status member.
with

members as (
    select * from out_cosharing_members
),

broken as (
    select
        day,
        platform,
        account_id
    from members
    where (cluster_id is not null) != (status = 'member')
)

select * from broken
