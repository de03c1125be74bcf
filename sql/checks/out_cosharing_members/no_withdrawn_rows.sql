-- No output names a withdrawn post or account; else materialise the days found
-- here again.
with

-- Everything that names a post.
of_posts as (
    select
        'out_cosharing_evidence' as table_name,
        platform_a as platform,
        sample_post_id_a as post_id,
        day
    from out_cosharing_evidence__all_days
    union all
    select
        'out_cosharing_evidence' as table_name,
        platform_b as platform,
        sample_post_id_b as post_id,
        day
    from out_cosharing_evidence__all_days
),

-- Everything that names an account.
of_accounts as (
    select
        'out_cosharing_pairs' as table_name,
        platform_a as platform,
        account_id_a as account_id,
        day
    from out_cosharing_pairs__all_days
    union all
    select
        'out_cosharing_pairs' as table_name,
        platform_b as platform,
        account_id_b as account_id,
        day
    from out_cosharing_pairs__all_days
    union all
    select
        'out_cosharing_clusters' as table_name,
        seed_platform as platform,
        seed_account_id as account_id,
        day
    from out_cosharing_clusters__all_days
    union all
    select
        'out_cosharing_members' as table_name,
        platform,
        account_id,
        day
    from out_cosharing_members__all_days
    union all
    select
        'out_cosharing_evidence' as table_name,
        platform_a as platform,
        account_id_a as account_id,
        day
    from out_cosharing_evidence__all_days
    union all
    select
        'out_cosharing_evidence' as table_name,
        platform_b as platform,
        account_id_b as account_id,
        day
    from out_cosharing_evidence__all_days
),

left_posts as (
    select
        of_posts.table_name,
        of_posts.platform,
        gone_posts.record_id,
        of_posts.day
    from of_posts
    inner join gone_posts
        on
            of_posts.platform = gone_posts.platform
            and of_posts.post_id = gone_posts.record_id
),

left_accounts as (
    select
        of_accounts.table_name,
        of_accounts.platform,
        gone_accounts.record_id,
        of_accounts.day
    from of_accounts
    inner join gone_accounts
        on
            of_accounts.platform = gone_accounts.platform
            and of_accounts.account_id = gone_accounts.record_id
),

left_over as (
    select * from left_posts
    union distinct
    select * from left_accounts
)

select * from left_over
