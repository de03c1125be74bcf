-- What each account did on each day, in numbers that add up over days.
with

posts as (
    select * from core_posts
),

links as (
    select
        platform,
        post_id,
        account_id,
        day,
        nullif(
            regexp_replace(
                regexp_extract(
                    lower(coalesce(final_url, expanded_url, url)),
                    '^(?:https?:)?(?://)?(?:[^/?#@]*@)?'
                    || '([^/?#:@]+\.[^/?#:@]+)',
                    1
                ),
                '^www[0-9]*\.|\.$', '', 'g'
            ),
            ''
        ) as domain
    from core_post_links
    where link_role = 'external'
),

hashtags as (
    select * from core_post_hashtags
),

mentions as (
    select * from core_post_mentions
),

interactions as (
    select * from core_interactions
    where kind in ('like', 'repost')
),

follows as (
    select * from core_follows
    where not is_snapshot
),

-- An emoji is a flag, a key cap, or a picture with all that is joined to it.
-- Texts of one byte per character hold none.
described as (
    select
        platform,
        post_id,
        account_id,
        post_kind,
        posted_at,
        media_kind,
        day,
        coalesce(length(text), 0) as n_chars,
        coalesce(len(regexp_extract_all(text, '\S+')), 0) as n_words,
        case
            when strlen(text) > length(text)
                then len(
                    regexp_extract_all(
                        text,
                        '[\x{1F1E6}-\x{1F1FF}]{2}|[0-9#*]\x{FE0F}?\x{20E3}|'
                        || '[\x{1F300}-\x{1F3FA}\x{1F400}-\x{1FAFF}'
                        || '\x{1F004}\x{1F0CF}\x{2600}-\x{27BF}'
                        || '\x{231A}-\x{231B}\x{23E9}-\x{23FA}'
                        || '\x{2B1B}-\x{2B1C}\x{2B50}\x{2B55}]'
                        || '[\x{FE0F}\x{1F3FB}-\x{1F3FF}'
                        || '\x{E0020}-\x{E007F}]*'
                        || '(?:\x{200D}[\x{2640}\x{2642}\x{2600}-\x{27BF}'
                        || '\x{2B1B}\x{1F300}-\x{1FAFF}]'
                        || '[\x{FE0F}\x{1F3FB}-\x{1F3FF}]*)*'
                    )
                )
            else 0
        end as n_emoji
    from posts
),

spaced as (
    select
        *,
        date_sub(
            'second',
            lag(posted_at) over (
                partition by platform, account_id, day
                order by posted_at, post_id
            ),
            posted_at
        ) as gap_s
    from described
),

placed as (
    select
        *,
        hour(posted_at) as hour_at,
        second(posted_at) as second_at,
        -- Of nothing but nulls DuckDB counts null, and not 0.
        coalesce(
            case when gap_s > 0 then floor(log2(gap_s))::bigint else gap_s end,
            -1
        ) as gap_at
    from spaced
),

written as (
    select
        platform,
        account_id,
        day,
        count(*) filter (where post_kind = 'post') as n_posts,
        count(*) filter (where post_kind = 'reply') as n_replies,
        count(*) filter (where post_kind = 'quote') as n_quotes,
        count(*) filter (
            where media_kind in ('photo', 'album', 'video', 'live')
        ) as n_with_media,
        sum(n_chars) as n_chars,
        sum(n_words) as n_words,
        sum(n_emoji) as n_emoji,
        -- Counts of a fixed size go to disk where memory ends; maps would not.
        [
            count_if(hour_at = 0), count_if(hour_at = 1),
            count_if(hour_at = 2), count_if(hour_at = 3),
            count_if(hour_at = 4), count_if(hour_at = 5),
            count_if(hour_at = 6), count_if(hour_at = 7),
            count_if(hour_at = 8), count_if(hour_at = 9),
            count_if(hour_at = 10), count_if(hour_at = 11),
            count_if(hour_at = 12), count_if(hour_at = 13),
            count_if(hour_at = 14), count_if(hour_at = 15),
            count_if(hour_at = 16), count_if(hour_at = 17),
            count_if(hour_at = 18), count_if(hour_at = 19),
            count_if(hour_at = 20), count_if(hour_at = 21),
            count_if(hour_at = 22), count_if(hour_at = 23)
        ]::bigint[] as hours,
        [
            count_if(gap_at = 0), count_if(gap_at = 1),
            count_if(gap_at = 2), count_if(gap_at = 3),
            count_if(gap_at = 4), count_if(gap_at = 5),
            count_if(gap_at = 6), count_if(gap_at = 7),
            count_if(gap_at = 8), count_if(gap_at = 9),
            count_if(gap_at = 10), count_if(gap_at = 11),
            count_if(gap_at = 12), count_if(gap_at = 13),
            count_if(gap_at = 14), count_if(gap_at = 15),
            count_if(gap_at = 16), count_if(gap_at = 17)
        ]::bigint[] as gaps,
        [
            count_if(second_at = 0), count_if(second_at = 1),
            count_if(second_at = 2), count_if(second_at = 3),
            count_if(second_at = 4), count_if(second_at = 5),
            count_if(second_at = 6), count_if(second_at = 7),
            count_if(second_at = 8), count_if(second_at = 9),
            count_if(second_at = 10), count_if(second_at = 11),
            count_if(second_at = 12), count_if(second_at = 13),
            count_if(second_at = 14), count_if(second_at = 15),
            count_if(second_at = 16), count_if(second_at = 17),
            count_if(second_at = 18), count_if(second_at = 19),
            count_if(second_at = 20), count_if(second_at = 21),
            count_if(second_at = 22), count_if(second_at = 23),
            count_if(second_at = 24), count_if(second_at = 25),
            count_if(second_at = 26), count_if(second_at = 27),
            count_if(second_at = 28), count_if(second_at = 29),
            count_if(second_at = 30), count_if(second_at = 31),
            count_if(second_at = 32), count_if(second_at = 33),
            count_if(second_at = 34), count_if(second_at = 35),
            count_if(second_at = 36), count_if(second_at = 37),
            count_if(second_at = 38), count_if(second_at = 39),
            count_if(second_at = 40), count_if(second_at = 41),
            count_if(second_at = 42), count_if(second_at = 43),
            count_if(second_at = 44), count_if(second_at = 45),
            count_if(second_at = 46), count_if(second_at = 47),
            count_if(second_at = 48), count_if(second_at = 49),
            count_if(second_at = 50), count_if(second_at = 51),
            count_if(second_at = 52), count_if(second_at = 53),
            count_if(second_at = 54), count_if(second_at = 55),
            count_if(second_at = 56), count_if(second_at = 57),
            count_if(second_at = 58), count_if(second_at = 59)
        ]::bigint[] as seconds,
        min(posted_at) as first_at,
        max(posted_at) as last_at
    from placed
    group by platform, account_id, day
),

linked as (
    select
        platform,
        account_id,
        day,
        count(*) as n_links,
        count(distinct post_id) as n_with_link
    from links
    group by platform, account_id, day
),

led_to as (
    select
        platform,
        account_id,
        day,
        domain,
        count(*) as n_links
    from links
    where domain is not null
    group by platform, account_id, day, domain
),

hosts as (
    select
        platform,
        account_id,
        day,
        list(domain order by domain) as domains,
        list(n_links order by domain) as domain_counts
    from led_to
    group by platform, account_id, day
),

tagged as (
    select
        platform,
        account_id,
        day,
        count(*) as n_hashtags,
        count(distinct post_id) as n_with_hashtag
    from hashtags
    group by platform, account_id, day
),

mentioned as (
    select
        platform,
        account_id,
        day,
        count(*) as n_mentions,
        count(distinct post_id) as n_with_mention
    from mentions
    group by platform, account_id, day
),

acted as (
    select
        platform,
        account_id,
        day,
        count(*) filter (where kind = 'repost') as n_reposts,
        count(*) filter (where kind = 'like') as n_likes
    from interactions
    group by platform, account_id, day
),

followed as (
    select
        platform,
        follower_account_id as account_id,
        day,
        count(*) as n_follows
    from follows
    group by platform, follower_account_id, day
),

accounts as (
    select
        platform,
        account_id,
        day
    from written
    union distinct
    select
        platform,
        account_id,
        day
    from acted
    union distinct
    select
        platform,
        account_id,
        day
    from followed
),

joined as (
    select
        accounts.platform,
        accounts.account_id,
        coalesce(written.n_posts, 0) as n_posts,
        coalesce(written.n_replies, 0) as n_replies,
        coalesce(written.n_quotes, 0) as n_quotes,
        coalesce(acted.n_reposts, 0) as n_reposts,
        coalesce(acted.n_likes, 0) as n_likes,
        coalesce(followed.n_follows, 0) as n_follows,
        coalesce(written.hours, list_resize([]::bigint[], 24, 0)) as hours,
        coalesce(linked.n_with_link, 0) as n_with_link,
        coalesce(tagged.n_with_hashtag, 0) as n_with_hashtag,
        coalesce(mentioned.n_with_mention, 0) as n_with_mention,
        coalesce(written.n_with_media, 0) as n_with_media,
        coalesce(written.n_chars, 0) as n_chars,
        coalesce(written.n_words, 0) as n_words,
        coalesce(written.n_emoji, 0) as n_emoji,
        coalesce(linked.n_links, 0) as n_links,
        coalesce(tagged.n_hashtags, 0) as n_hashtags,
        coalesce(mentioned.n_mentions, 0) as n_mentions,
        coalesce(written.gaps, list_resize([]::bigint[], 18, 0)) as gaps,
        coalesce(written.seconds, list_resize([]::bigint[], 60, 0)) as seconds,
        coalesce(hosts.domains, []) as domains,
        coalesce(hosts.domain_counts, []) as domain_counts,
        written.first_at,
        written.last_at,
        accounts.day
    from accounts
    left join written
        on
            accounts.platform = written.platform
            and accounts.account_id = written.account_id
            and accounts.day = written.day
    left join linked
        on
            accounts.platform = linked.platform
            and accounts.account_id = linked.account_id
            and accounts.day = linked.day
    left join hosts
        on
            accounts.platform = hosts.platform
            and accounts.account_id = hosts.account_id
            and accounts.day = hosts.day
    left join tagged
        on
            accounts.platform = tagged.platform
            and accounts.account_id = tagged.account_id
            and accounts.day = tagged.day
    left join mentioned
        on
            accounts.platform = mentioned.platform
            and accounts.account_id = mentioned.account_id
            and accounts.day = mentioned.day
    left join acted
        on
            accounts.platform = acted.platform
            and accounts.account_id = acted.account_id
            and accounts.day = acted.day
    left join followed
        on
            accounts.platform = followed.platform
            and accounts.account_id = followed.account_id
            and accounts.day = followed.day
)

select * from joined
