-- No row of core or of the features above it is left of a withdrawn record;
-- else materialise the days found here again.
with

withdrawals as (
    select * from standing_withdrawals
),

posts as (
    select * from core_posts__all_days
),

interactions as (
    select * from core_interactions__all_days
),

follows as (
    select * from core_follows__all_days
),

contents as (
    select * from core_post_contents__all_days
),

languages as (
    select * from feat_post_language__all_days
),

accounts as (
    select * from core_accounts__all_days
),

profiles as (
    select * from core_account_history__all_days
),

found as (
    select
        'core_posts' as table_name,
        platform,
        'post' as entity,
        post_id as record_id,
        account_id,
        revision,
        day
    from posts
    union all
    select
        'core_interactions' as table_name,
        platform,
        case
            when contains(interaction_id, '#') then 'post'
            else 'interaction'
        end as entity,
        split_part(interaction_id, '#', 1) as record_id,
        account_id,
        revision,
        day
    from interactions
    union all
    select
        'core_follows' as table_name,
        platform,
        'follow' as entity,
        follow_id as record_id,
        follower_account_id as account_id,
        revision,
        day
    from follows
    union all
    select
        'core_post_contents' as table_name,
        contents.platform,
        'post' as entity,
        contents.post_id as record_id,
        contents.account_id,
        posts.revision,
        contents.day
    from contents
    left join posts
        on
            contents.platform = posts.platform
            and contents.post_id = posts.post_id
    union all
    select
        'feat_post_language' as table_name,
        languages.platform,
        'post' as entity,
        languages.post_id as record_id,
        languages.account_id,
        posts.revision,
        languages.day
    from languages
    left join posts
        on
            languages.platform = posts.platform
            and languages.post_id = posts.post_id
    union all
    select
        'core_accounts' as table_name,
        platform,
        'account' as entity,
        account_id as record_id,
        account_id,
        null as revision,
        day
    from accounts
    union all
    select
        'core_account_history' as table_name,
        platform,
        'account' as entity,
        account_id as record_id,
        account_id,
        null as revision,
        day
    from profiles
),

of_records as (
    select
        found.table_name,
        found.platform,
        found.record_id,
        found.day
    from found
    inner join withdrawals
        on
            found.platform = withdrawals.platform
            and found.entity = withdrawals.entity
            and found.record_id = withdrawals.record_id
            and (
                found.revision is null
                or not withdrawals.is_platform_revision
                or found.revision like '____-__-__T%'
                or found.revision <= withdrawals.revision
            )
),

of_accounts as (
    select
        found.table_name,
        found.platform,
        found.record_id,
        found.day
    from found
    inner join withdrawals
        on
            withdrawals.entity = 'account'
            and found.platform = withdrawals.platform
            and found.account_id = withdrawals.record_id
),

left_over as (
    select * from of_records
    union distinct
    select * from of_accounts
)

select * from left_over
