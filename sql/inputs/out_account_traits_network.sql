-- To how many others the numbered accounts turn.
with

accounts as (
    select * from run_settings
),

mentions as (
    select
        platform,
        account_id,
        count(*) as n_mentions,
        count(
            distinct coalesce(
                mentioned_account_id, '@' || lower(mentioned_handle)
            )
        ) as n_mentioned
    from core_post_mentions
    group by platform, account_id
),

replies as (
    select
        platform,
        account_id,
        count(parent_account_id) as n_replies_known,
        count(*) filter (where parent_account_id = account_id)
            as n_self_replies,
        count(distinct parent_account_id) filter (
            where parent_account_id != account_id
        ) as n_replied
    from core_posts
    where post_kind = 'reply'
    group by platform, account_id
),

reposts as (
    select
        platform,
        account_id,
        count(object_account_id) as n_reposts_known,
        count(distinct object_account_id) as n_reposted
    from core_interactions
    where kind = 'repost'
    group by platform, account_id
),

numbered as (
    select
        accounts.number,
        coalesce(mentions.n_mentions, 0) as n_mentions_known,
        coalesce(mentions.n_mentioned, 0) as n_mentioned,
        coalesce(replies.n_replies_known, 0) as n_replies_known,
        coalesce(replies.n_self_replies, 0) as n_self_replies,
        coalesce(replies.n_replied, 0) as n_replied,
        coalesce(reposts.n_reposts_known, 0) as n_reposts_known,
        coalesce(reposts.n_reposted, 0) as n_reposted
    from accounts
    left join mentions
        on
            accounts.platform = mentions.platform
            and accounts.account_id = mentions.account_id
    left join replies
        on
            accounts.platform = replies.platform
            and accounts.account_id = replies.account_id
    left join reposts
        on
            accounts.platform = reposts.platform
            and accounts.account_id = reposts.account_id
    order by accounts.number
)

select * from numbered
