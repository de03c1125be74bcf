-- Every account with a content in the window is listed under one status.
with

members as (
    select * from out_cosharing_members
),

contents as (
    select * from feat_account_content
),

window_lengths as (
    select * from run_settings
),

listed as (
    select
        day,
        count(*) as n_accounts
    from members
    group by day
),

carriers as (
    select distinct
        listed.day,
        contents.platform,
        contents.account_id
    from listed
    cross join window_lengths
    inner join contents
        on
            listed.day >= contents.day
            and listed.day < contents.day + window_lengths.window_days
),

counted as (
    select
        day,
        count(*) as n_accounts
    from carriers
    group by day
),

broken as (
    select
        listed.day,
        listed.n_accounts,
        counted.n_accounts as n_carriers
    from listed
    left join counted on listed.day = counted.day
    where listed.n_accounts is distinct from counted.n_accounts
)

select * from broken
