-- To which domains the numbered accounts link how often.
with

accounts as (
    select * from run_settings
),

activity as (
    select * from feat_account_activity
),

links as (
    select
        platform,
        account_id,
        unnest(domains) as domain,
        unnest(domain_counts) as n_links
    from activity
    where len(domains) > 0
),

added as (
    select
        platform,
        account_id,
        domain,
        sum(n_links)::bigint as n_links
    from links
    group by platform, account_id, domain
),

numbered as (
    select
        accounts.number,
        added.n_links,
        -- Short addresses of a platform are no address of a country.
        if(
            added.domain = 'youtu.be', 'com', split_part(added.domain, '.', -1)
        ) as top_level
    from added
    inner join accounts
        on
            added.platform = accounts.platform
            and added.account_id = accounts.account_id
    order by accounts.number, added.n_links, top_level
)

select * from numbered
