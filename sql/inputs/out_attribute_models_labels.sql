-- Labels of accounts that have traits on the as-of day, with what tells whose
-- hand is behind the account; `later`: made after the day.
with

gone as (
    select * from gone_accounts
),

labels as (
    select labels.*
    from feat_account_labels__all_days as labels
    anti join gone
        on
            labels.platform = gone.platform
            and labels.account_id = gone.record_id
),

traits as (
    select * from out_account_traits
),

networks as (
    select * from out_cosharing_members
),

languages as (
    select * from feat_account_language
),

profiles as (
    select * from latest_profiles
),

as_of as (
    select max(day) as as_of_day from requested_days
),

written as (
    select
        platform,
        account_id,
        lang,
        sum(n_posts) as n
    from languages
    where lang != 'und'
    group by platform, account_id, lang
),

spoken as (
    select * from written
    qualify row_number() over (
        partition by platform, account_id
        order by n desc, lang asc
    ) = 1
),

placed as (
    select
        labels.attribute,
        labels.platform,
        labels.account_id,
        labels.value,
        labels."group" as label_group,
        networks.cluster_id::varchar as network,
        profiles.description as bio,
        profiles.handle,
        coalesce(spoken.lang, 'und') as lang,
        labels.day > as_of.as_of_day as is_later,
        traits.account_id is not null as has_traits
    from labels
    cross join as_of
    left join traits
        on
            labels.platform = traits.platform
            and labels.account_id = traits.account_id
    left join networks
        on
            labels.platform = networks.platform
            and labels.account_id = networks.account_id
    left join profiles
        on
            labels.platform = profiles.platform
            and labels.account_id = profiles.account_id
    left join spoken
        on
            labels.platform = spoken.platform
            and labels.account_id = spoken.account_id
)

select * from placed
