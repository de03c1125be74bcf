-- Lists have their lengths, and hours, seconds and gaps hold every post once.
with

accounts as (
    select
        platform,
        account_id,
        day,
        n_posts + n_replies + n_quotes as n_written,
        n_links,
        hours,
        gaps,
        seconds,
        domains,
        domain_counts
    from feat_account_activity
),

broken as (
    select * from accounts
    where
        len(hours) != 24
        or len(gaps) != 18
        or len(seconds) != 60
        or len(domains) != len(domain_counts)
        or list_sum(hours) != n_written
        or list_sum(seconds) != n_written
        or list_sum(gaps) != greatest(n_written - 1, 0)
        or coalesce(list_sum(domain_counts), 0) > n_links
)

select * from broken
