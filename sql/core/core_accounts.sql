-- Accounts seen on the requested days, with the profile known by their end.
with

posts as (
    select * from core_posts
),

history as (
    select * from core_account_history
),

interactions as (
    select * from core_interactions
),

follows as (
    select * from core_follows
),

mentions as (
    select * from core_post_mentions
),

all_posts as (
    select * from core_posts__all_days
),

all_history as (
    select * from core_account_history__all_days
),

all_interactions as (
    select * from core_interactions__all_days
),

all_follows as (
    select * from core_follows__all_days
),

all_mentions as (
    select * from core_post_mentions__all_days
),

withdrawals as (
    select * from standing_withdrawals
    where entity = 'account'
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
    union all
    select
        platform,
        account_id,
        day,
        'actor' as seen_as
    from interactions
    union all
    select
        platform,
        object_account_id as account_id,
        day,
        'object' as seen_as
    from interactions
    where object_account_id is not null
    union all
    select
        platform,
        follower_account_id as account_id,
        day,
        'follower' as seen_as
    from follows
    union all
    select
        platform,
        followed_account_id as account_id,
        day,
        'followed' as seen_as
    from follows
    union all
    select
        platform,
        mentioned_account_id as account_id,
        day,
        'mentioned' as seen_as
    from mentions
    where mentioned_account_id is not null
),

roles_by_day as (
    select
        platform,
        account_id,
        day,
        list_sort(list_distinct(list(seen_as))) as roles
    from collected
    group by all
),

-- Accounts that are hidden or purged have no row.
seen as (
    select roles_by_day.*
    from roles_by_day
    anti join withdrawals
        on
            roles_by_day.platform = withdrawals.platform
            and roles_by_day.account_id = withdrawals.record_id
),

ever_seen as (
    select
        platform,
        account_id,
        day
    from all_posts
    union all
    select
        platform,
        account_id,
        day
    from all_history
    union all
    select
        platform,
        account_id,
        day
    from all_interactions
    union all
    select
        platform,
        object_account_id as account_id,
        day
    from all_interactions
    where object_account_id is not null
    union all
    select
        platform,
        follower_account_id as account_id,
        day
    from all_follows
    union all
    select
        platform,
        followed_account_id as account_id,
        day
    from all_follows
    union all
    select
        platform,
        mentioned_account_id as account_id,
        day
    from all_mentions
    where mentioned_account_id is not null
),

first_days as (
    select
        ever_seen.platform,
        ever_seen.account_id,
        min(ever_seen.day) as first_seen_day
    from ever_seen
    semi join seen
        on
            ever_seen.platform = seen.platform
            and ever_seen.account_id = seen.account_id
    group by all
),

profiles as (
    select all_history.*
    from all_history
    semi join seen
        on
            all_history.platform = seen.platform
            and all_history.account_id = seen.account_id
),

-- Each column as it was known by a day, and as it was known next from there.
known_by_day as (
    select
        platform,
        account_id,
        day,
        last_value(account_kind ignore nulls) over known as account_kind,
        last_value(handle ignore nulls) over known as handle,
        last_value(display_name ignore nulls) over known as display_name,
        last_value(description ignore nulls) over known as description,
        last_value(url ignore nulls) over known as url,
        last_value(location ignore nulls) over known as location,
        last_value(category ignore nulls) over known as category,
        last_value(followers_count ignore nulls) over known as followers_count,
        last_value(following_count ignore nulls) over known as following_count,
        last_value(posts_count ignore nulls) over known as posts_count,
        last_value(account_likes_count ignore nulls) over known
            as account_likes_count,
        last_value(is_verified ignore nulls) over known as is_verified,
        last_value(is_protected ignore nulls) over known as is_protected,
        last_value(country_code ignore nulls) over known as country_code,
        last_value(account_created_at ignore nulls) over known
            as account_created_at,
        last_value(observed_at ignore nulls) over known as observed_at
    from profiles
    window
        known as (
            partition by platform, account_id
            order by day
            rows between unbounded preceding and current row
        )
),

known_from_day as (
    select
        platform,
        account_id,
        day,
        first_value(account_kind ignore nulls) over later as account_kind,
        first_value(handle ignore nulls) over later as handle,
        first_value(display_name ignore nulls) over later as display_name,
        first_value(description ignore nulls) over later as description,
        first_value(url ignore nulls) over later as url,
        first_value(location ignore nulls) over later as location,
        first_value(category ignore nulls) over later as category,
        first_value(followers_count ignore nulls) over later as followers_count,
        first_value(following_count ignore nulls) over later as following_count,
        first_value(posts_count ignore nulls) over later as posts_count,
        first_value(account_likes_count ignore nulls) over later
            as account_likes_count,
        first_value(is_verified ignore nulls) over later as is_verified,
        first_value(is_protected ignore nulls) over later as is_protected,
        first_value(country_code ignore nulls) over later as country_code,
        first_value(account_created_at ignore nulls) over later
            as account_created_at,
        first_value(observed_at ignore nulls) over later as observed_at
    from profiles
    window
        later as (
            partition by platform, account_id
            order by day
            rows between current row and unbounded following
        )
),

marked as (
    select
        platform,
        account_id,
        day,
        null as profile_day
    from seen
    union all
    select
        platform,
        account_id,
        day,
        day as profile_day
    from profiles
),

-- Windows, because a join of days with days would grow with their square.
surveyed as (
    select
        platform,
        account_id,
        day,
        profile_day,
        max(profile_day) over (
            partition by platform, account_id
            order by day
            range between unbounded preceding and current row
        ) as known_day,
        min(profile_day) over (
            partition by platform, account_id
            order by day
            groups between 1 following and unbounded following
        ) as later_day
    from marked
),

placed as (
    select
        seen.*,
        surveyed.known_day,
        surveyed.later_day
    from seen
    inner join surveyed
        on
            seen.platform = surveyed.platform
            and seen.account_id = surveyed.account_id
            and seen.day = surveyed.day
            and surveyed.profile_day is null
),

filled as (
    select
        placed.platform,
        placed.account_id,
        placed.roles,
        coalesce(known.account_kind, later.account_kind)
            as account_kind,
        coalesce(known.handle, later.handle)
            as handle,
        coalesce(known.display_name, later.display_name)
            as display_name,
        coalesce(known.description, later.description)
            as description,
        coalesce(known.url, later.url)
            as url,
        coalesce(known.location, later.location)
            as location,
        coalesce(known.category, later.category)
            as category,
        coalesce(known.followers_count, later.followers_count)
            as followers_count,
        coalesce(known.following_count, later.following_count)
            as following_count,
        coalesce(known.posts_count, later.posts_count)
            as posts_count,
        coalesce(known.account_likes_count, later.account_likes_count)
            as account_likes_count,
        coalesce(known.is_verified, later.is_verified)
            as is_verified,
        coalesce(known.is_protected, later.is_protected)
            as is_protected,
        coalesce(known.country_code, later.country_code)
            as country_code,
        coalesce(known.account_created_at, later.account_created_at)
            as account_created_at,
        coalesce(known.observed_at, later.observed_at)
            as profile_observed_at,
        (
            (
                known.account_kind is null
                and later.account_kind is not null
            )
            or (
                known.handle is null
                and later.handle is not null
            )
            or (
                known.display_name is null
                and later.display_name is not null
            )
            or (
                known.description is null
                and later.description is not null
            )
            or (
                known.url is null
                and later.url is not null
            )
            or (
                known.location is null
                and later.location is not null
            )
            or (
                known.category is null
                and later.category is not null
            )
            or (
                known.followers_count is null
                and later.followers_count is not null
            )
            or (
                known.following_count is null
                and later.following_count is not null
            )
            or (
                known.posts_count is null
                and later.posts_count is not null
            )
            or (
                known.account_likes_count is null
                and later.account_likes_count is not null
            )
            or (
                known.is_verified is null
                and later.is_verified is not null
            )
            or (
                known.is_protected is null
                and later.is_protected is not null
            )
            or (
                known.country_code is null
                and later.country_code is not null
            )
            or (
                known.account_created_at is null
                and later.account_created_at is not null
            )
        ) as profile_from_later,
        first_days.first_seen_day,
        placed.day
    from placed
    inner join first_days
        on
            placed.platform = first_days.platform
            and placed.account_id = first_days.account_id
    left join known_by_day as known
        on
            placed.platform = known.platform
            and placed.account_id = known.account_id
            and placed.known_day = known.day
    left join known_from_day as later
        on
            placed.platform = later.platform
            and placed.account_id = later.account_id
            and placed.later_day = later.day
)

select * from filled
