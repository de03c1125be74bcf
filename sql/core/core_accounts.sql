-- Accounts seen on the requested days, with the profile known by their end.
with

posts as (
    select * from core_posts
),

history as (
    select * from core_account_history
),

requested as (
    select * from requested_days
),

collected as (
    select
        platform,
        account_id,
        day,
        'author' as seen_as
    from posts
    union all
    select
        platform,
        account_id,
        day,
        'profile' as seen_as
    from history
),

seen as (
    select
        platform,
        account_id,
        day,
        list_sort(list_distinct(list(seen_as))) as roles
    from collected
    group by all
),

-- Each column as it was known by the end of the day, and as it was known next.
-- Windows, because a join of days with days would grow with their square.
surveyed as (
    select
        seen.platform,
        seen.account_id,
        seen.day,
        seen.roles,
        min(seen.day) over (
            partition by seen.platform, seen.account_id
        ) as first_seen_day,
        last_value(history.account_kind ignore nulls) over known
            as known_account_kind,
        first_value(history.account_kind ignore nulls) over later
            as later_account_kind,
        last_value(history.handle ignore nulls) over known
            as known_handle,
        first_value(history.handle ignore nulls) over later
            as later_handle,
        last_value(history.display_name ignore nulls) over known
            as known_display_name,
        first_value(history.display_name ignore nulls) over later
            as later_display_name,
        last_value(history.description ignore nulls) over known
            as known_description,
        first_value(history.description ignore nulls) over later
            as later_description,
        last_value(history.url ignore nulls) over known
            as known_url,
        first_value(history.url ignore nulls) over later
            as later_url,
        last_value(history.location ignore nulls) over known
            as known_location,
        first_value(history.location ignore nulls) over later
            as later_location,
        last_value(history.category ignore nulls) over known
            as known_category,
        first_value(history.category ignore nulls) over later
            as later_category,
        last_value(history.followers_count ignore nulls) over known
            as known_followers_count,
        first_value(history.followers_count ignore nulls) over later
            as later_followers_count,
        last_value(history.following_count ignore nulls) over known
            as known_following_count,
        first_value(history.following_count ignore nulls) over later
            as later_following_count,
        last_value(history.posts_count ignore nulls) over known
            as known_posts_count,
        first_value(history.posts_count ignore nulls) over later
            as later_posts_count,
        last_value(history.account_likes_count ignore nulls) over known
            as known_account_likes_count,
        first_value(history.account_likes_count ignore nulls) over later
            as later_account_likes_count,
        last_value(history.is_verified ignore nulls) over known
            as known_is_verified,
        first_value(history.is_verified ignore nulls) over later
            as later_is_verified,
        last_value(history.is_protected ignore nulls) over known
            as known_is_protected,
        first_value(history.is_protected ignore nulls) over later
            as later_is_protected,
        last_value(history.country_code ignore nulls) over known
            as known_country_code,
        first_value(history.country_code ignore nulls) over later
            as later_country_code,
        last_value(history.account_created_at ignore nulls) over known
            as known_account_created_at,
        first_value(history.account_created_at ignore nulls) over later
            as later_account_created_at,
        last_value(history.observed_at ignore nulls) over known
            as known_observed_at,
        first_value(history.observed_at ignore nulls) over later
            as later_observed_at
    from seen
    left join history
        on
            seen.platform = history.platform
            and seen.account_id = history.account_id
            and seen.day = history.day
    window
        known as (
            partition by seen.platform, seen.account_id
            order by seen.day
            rows between unbounded preceding and current row
        ),
        later as (
            partition by seen.platform, seen.account_id
            order by seen.day
            rows between current row and unbounded following
        )
),

filled as (
    select
        surveyed.platform,
        surveyed.account_id,
        surveyed.roles,
        coalesce(surveyed.known_account_kind, surveyed.later_account_kind)
            as account_kind,
        coalesce(surveyed.known_handle, surveyed.later_handle)
            as handle,
        coalesce(surveyed.known_display_name, surveyed.later_display_name)
            as display_name,
        coalesce(surveyed.known_description, surveyed.later_description)
            as description,
        coalesce(surveyed.known_url, surveyed.later_url)
            as url,
        coalesce(surveyed.known_location, surveyed.later_location)
            as location,
        coalesce(surveyed.known_category, surveyed.later_category)
            as category,
        coalesce(surveyed.known_followers_count, surveyed.later_followers_count)
            as followers_count,
        coalesce(surveyed.known_following_count, surveyed.later_following_count)
            as following_count,
        coalesce(surveyed.known_posts_count, surveyed.later_posts_count)
            as posts_count,
        coalesce(
            surveyed.known_account_likes_count,
            surveyed.later_account_likes_count
        )
            as account_likes_count,
        coalesce(surveyed.known_is_verified, surveyed.later_is_verified)
            as is_verified,
        coalesce(surveyed.known_is_protected, surveyed.later_is_protected)
            as is_protected,
        coalesce(surveyed.known_country_code, surveyed.later_country_code)
            as country_code,
        coalesce(
            surveyed.known_account_created_at, surveyed.later_account_created_at
        )
            as account_created_at,
        coalesce(surveyed.known_observed_at, surveyed.later_observed_at)
            as profile_observed_at,
        (
            (
                surveyed.known_account_kind is null
                and surveyed.later_account_kind is not null
            )
            or (
                surveyed.known_handle is null
                and surveyed.later_handle is not null
            )
            or (
                surveyed.known_display_name is null
                and surveyed.later_display_name is not null
            )
            or (
                surveyed.known_description is null
                and surveyed.later_description is not null
            )
            or (
                surveyed.known_url is null
                and surveyed.later_url is not null
            )
            or (
                surveyed.known_location is null
                and surveyed.later_location is not null
            )
            or (
                surveyed.known_category is null
                and surveyed.later_category is not null
            )
            or (
                surveyed.known_followers_count is null
                and surveyed.later_followers_count is not null
            )
            or (
                surveyed.known_following_count is null
                and surveyed.later_following_count is not null
            )
            or (
                surveyed.known_posts_count is null
                and surveyed.later_posts_count is not null
            )
            or (
                surveyed.known_account_likes_count is null
                and surveyed.later_account_likes_count is not null
            )
            or (
                surveyed.known_is_verified is null
                and surveyed.later_is_verified is not null
            )
            or (
                surveyed.known_is_protected is null
                and surveyed.later_is_protected is not null
            )
            or (
                surveyed.known_country_code is null
                and surveyed.later_country_code is not null
            )
            or (
                surveyed.known_account_created_at is null
                and surveyed.later_account_created_at is not null
            )
        ) as profile_from_later,
        surveyed.first_seen_day,
        surveyed.day
    from surveyed
    inner join requested on surveyed.day = requested.day
)

select * from filled
