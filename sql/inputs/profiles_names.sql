-- Accounts with a known term on one as-of day as a map shows them: name and
-- biography, which is cut: nobody reads more beside a point.
with

profiles as (
    select * from out_profile_clusters
    where status in ('member', 'noise')
),

members as (
    select
        'profiles_' || model as analysis,
        platform,
        account_id as item_id,
        cluster_id::integer as cluster_id,
        coalesce(display_name, handle, account_id)
        || coalesce(': ' || left(bio, 400), '') as name
    from profiles
    order by model, platform, account_id
)

select * from members
