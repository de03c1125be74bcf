-- Every member of a network shares a listed content with another member.
with

members as (
    select * from out_cosharing_members
),

evidence as (
    select * from out_cosharing_evidence
),

tied as (
    select
        day,
        cluster_id,
        platform_a as platform,
        account_id_a as account_id
    from evidence
    union
    select
        day,
        cluster_id,
        platform_b as platform,
        account_id_b as account_id
    from evidence
),

broken as (
    select
        members.day,
        members.platform,
        members.account_id
    from members
    left join tied
        on
            members.day = tied.day
            and members.cluster_id = tied.cluster_id
            and members.platform = tied.platform
            and members.account_id = tied.account_id
    where members.cluster_id is not null and tied.day is null
)

select * from broken
