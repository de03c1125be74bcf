-- What members of personas did in the window, and whether what it was done to
-- was withdrawn.
with

events as (
    select * from persona_events
),

withdrawals as (
    select distinct
        platform,
        entity,
        record_id
    from standing_withdrawals
),

judged_events as (
    select
        events.* replace (
            case
                when events.object_post_id is null
                    then events.object_account_id
            end as object_account_id
        ),
        posts.record_id is not null
        or accounts.record_id is not null as object_withdrawn
    from events
    left join withdrawals as posts
        on
            posts.entity = 'post'
            and events.platform = posts.platform
            and events.object_post_id = posts.record_id
    left join withdrawals as accounts
        on
            accounts.entity = 'account'
            and events.platform = accounts.platform
            and events.object_account_id = accounts.record_id
)

select * from judged_events
