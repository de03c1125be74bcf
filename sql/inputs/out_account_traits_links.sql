-- To which domains the numbered accounts link how often.
with

accounts as (
    select * from run_settings
),

activity as (
    select * from feat_account_activity
    where len(domains) > 0
),

links as (
    select
        accounts.number,
        unnest(activity.domains) as domain,
        unnest(activity.domain_counts) as n_links
    from activity
    inner join accounts
        on
            activity.platform = accounts.platform
            and activity.account_id = accounts.account_id
),

added as (
    select
        number,
        domain,
        sum(n_links)::bigint as n_links
    from links
    group by number, domain
),

ended as (
    select
        number,
        n_links,
        -- Short addresses of a platform are no address of a country.
        if(domain = 'youtu.be', 'com', split_part(domain, '.', -1))
            as top_level
    from added
    order by number, n_links, top_level
)

select * from ended
