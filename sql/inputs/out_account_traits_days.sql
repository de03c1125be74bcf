-- When the numbered accounts wrote, by day.
with

accounts as (
    select * from run_settings
),

activity as (
    select
        platform,
        account_id,
        n_posts + n_replies + n_quotes as n_texts,
        hours,
        gaps,
        seconds,
        day
    from feat_account_activity
),

numbered as (
    select
        accounts.number,
        activity.n_texts,
        activity.hours,
        activity.gaps,
        activity.seconds,
        activity.day
    from activity
    inner join accounts
        on
            activity.platform = accounts.platform
            and activity.account_id = accounts.account_id
    where activity.n_texts > 0
)

select * from numbered
