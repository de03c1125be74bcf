-- What is known of each account with a content in a window.
with

daily as (
    select * from feat_account_content
),

posts as (
    select * from core_posts
),

profiles as (
    select * from core_accounts
),

languages as (
    select * from feat_account_language
),

carriers as (
    select distinct
        platform,
        account_id
    from daily
),

summed_posts as (
    select
        platform,
        account_id,
        count(*) as n_posts,
        cast(coalesce(sum(interactions_count), 0) as bigint)
            as total_interactions,
        last(account_followers_count order by posted_at, post_id)
        filter (where account_followers_count is not null) as followers
    from posts
    group by platform, account_id
),

latest_profiles as (
    select * from profiles
    qualify row_number() over (
        partition by platform, account_id
        order by day desc
    ) = 1
),

summed_languages as (
    select
        platform,
        account_id,
        lang,
        sum(n_posts) as n_posts
    from languages
    where lang <> 'und'
    group by platform, account_id, lang
),

main_languages as (
    select * from summed_languages
    qualify row_number() over (
        partition by platform, account_id
        order by n_posts desc, lang asc
    ) = 1
),

described as (
    select
        carriers.platform,
        carriers.account_id,
        latest_profiles.display_name,
        latest_profiles.handle,
        coalesce(
            latest_profiles.url,
            case carriers.platform
                when 'facebook' then 'https://facebook.com/'
                when 'instagram' then 'https://www.instagram.com/'
            end || coalesce(latest_profiles.handle, carriers.account_id)
        ) as url,
        latest_profiles.country_code,
        main_languages.lang as language,
        coalesce(summed_posts.followers, latest_profiles.followers_count)
            as followers,
        summed_posts.total_interactions,
        summed_posts.n_posts
    from carriers
    inner join summed_posts
        on
            carriers.platform = summed_posts.platform
            and carriers.account_id = summed_posts.account_id
    left join latest_profiles
        on
            carriers.platform = latest_profiles.platform
            and carriers.account_id = latest_profiles.account_id
    left join main_languages
        on
            carriers.platform = main_languages.platform
            and carriers.account_id = main_languages.account_id
    order by carriers.platform, carriers.account_id
)

select * from described
