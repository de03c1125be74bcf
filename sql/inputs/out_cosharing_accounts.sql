-- What is known of each account with a content in a window.
with

daily as (
    select * from feat_account_content
),

posts as (
    select * from core_posts
),

known as (
    select * from latest_profiles
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
        known.display_name,
        known.handle,
        coalesce(
            known.url,
            case carriers.platform
                when 'facebook' then 'https://facebook.com/'
                when 'instagram' then 'https://www.instagram.com/'
            end || coalesce(known.handle, carriers.account_id)
        ) as url,
        known.country_code,
        main_languages.lang as language,
        coalesce(summed_posts.followers, known.followers_count)
            as followers,
        summed_posts.total_interactions,
        summed_posts.n_posts
    from carriers
    inner join summed_posts
        on
            carriers.platform = summed_posts.platform
            and carriers.account_id = summed_posts.account_id
    left join known
        on
            carriers.platform = known.platform
            and carriers.account_id = known.account_id
    left join main_languages
        on
            carriers.platform = main_languages.platform
            and carriers.account_id = main_languages.account_id
    order by carriers.platform, carriers.account_id
)

select * from described
