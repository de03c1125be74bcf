-- Every account that wrote in the window: what it did, and what its profile
-- says. Nothing is counted of what the profile does not tell.
with

activity as (
    select
        platform,
        account_id,
        sum(n_posts + n_replies + n_quotes)::bigint as n_texts,
        sum(n_replies)::bigint as n_replies,
        sum(n_quotes)::bigint as n_quotes,
        sum(n_reposts)::bigint as n_reposts,
        sum(n_likes)::bigint as n_likes,
        sum(n_follows)::bigint as n_follows,
        sum(n_with_link)::bigint as n_with_link,
        sum(n_with_hashtag)::bigint as n_with_hashtag,
        sum(n_with_mention)::bigint as n_with_mention,
        sum(n_with_media)::bigint as n_with_media,
        sum(n_chars)::bigint as n_chars,
        sum(n_words)::bigint as n_words,
        sum(n_emoji)::bigint as n_emoji,
        sum(n_hashtags)::bigint as n_hashtags,
        sum(n_mentions)::bigint as n_mentions
    from feat_account_activity
    group by platform, account_id
),

-- Where a platform delivers no reposts at all, no account is known to make
-- none.
delivered as (
    select
        platform,
        sum(n_reposts) > 0 as has_reposts,
        sum(n_likes) > 0 as has_likes,
        sum(n_follows) > 0 as has_follows
    from activity
    group by platform
),

writers as (
    select
        platform,
        account_id
    from activity
    where n_texts > 0
),

known as (
    select
        latest_profiles.*,
        -- Bluesky's handles are domains; elsewhere dots stand inside names.
        lower(case latest_profiles.platform
            when 'bluesky' then split_part(latest_profiles.handle, '.', 1)
            else latest_profiles.handle
        end) as stem,
        regexp_extract_all(
            lower(latest_profiles.description), '[\p{L}\p{M}\p{N}'']+'
        ) as bio_words
    from latest_profiles
    semi join writers
        on
            latest_profiles.platform = writers.platform
            and latest_profiles.account_id = writers.account_id
),

profiles as (
    select
        platform as profile_platform,
        account_id as profile_account_id,
        stem,
        display_name,
        bio_words,
        location,
        country_code,
        is_verified,
        account_created_at,
        followers_count,
        following_count,
        posts_count,
        length(description) as bio_chars,
        len(regexp_extract_all(
            description, '(?i)(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.]+'
        )) as bio_urls,
        len(regexp_extract_all(
            description,
            '[\x{1F1E6}-\x{1F1FF}]{2}|[\x{1F300}-\x{1FAFF}\x{2600}-\x{27BF}]'
            || '[\x{FE0F}\x{1F3FB}-\x{1F3FF}]*'
            || '(?:\x{200D}[\x{2600}-\x{27BF}\x{1F300}-\x{1FAFF}]\x{FE0F}?)*'
        )) as bio_emoji,
        len(regexp_extract_all(
            description, '(?:^|[^\p{L}\p{N}&])#[\p{L}\p{N}_]'
        )) as bio_hashtags,
        len(regexp_extract_all(description, '(?:^|[^\p{L}\p{N}])@\w'))
            as bio_mentions,
        len(regexp_extract_all(description, '\p{Lu}')) as bio_capitals,
        len(regexp_extract_all(description, '\p{L}')) as bio_letters,
        len(regexp_extract_all(description, '\p{Nd}')) as bio_digits,
        length(stem) as handle_chars,
        len(regexp_extract_all(stem, '\p{Nd}')) as handle_digits,
        len(regexp_extract_all(stem, '[\p{L}\p{Nd}]')) as handle_signs,
        length(regexp_extract(stem, '\p{Nd}*$')) as handle_last_digits,
        length(display_name) as name_chars,
        len(regexp_extract_all(
            display_name,
            '[\x{1F1E6}-\x{1F1FF}]{2}|[\x{1F300}-\x{1FAFF}\x{2600}-\x{27BF}]'
        )) as name_emoji,
        len(regexp_extract_all(display_name, '\p{Lu}')) as name_capitals,
        len(regexp_extract_all(display_name, '\p{L}')) as name_letters
    from known
),

described as (
    select
        activity.*,
        delivered.has_reposts,
        delivered.has_likes,
        delivered.has_follows,
        profiles.*
    from activity
    inner join delivered on activity.platform = delivered.platform
    left join profiles
        on
            activity.platform = profiles.profile_platform
            and activity.account_id = profiles.profile_account_id
    where activity.n_texts > 0
    order by activity.platform, activity.account_id
)

select * from described
