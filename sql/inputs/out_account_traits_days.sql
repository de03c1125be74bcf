-- When accounts wrote, by day.
with

activity as (
    select
        platform,
        account_id,
        n_posts + n_replies + n_quotes as n_texts,
        hours,
        gaps,
        seconds
    from feat_account_activity
),

active as (
    select * from activity
    where n_texts > 0
)

select * from active
