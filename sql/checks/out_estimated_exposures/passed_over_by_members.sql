-- Every row is of a member of the snapshot and of a post of somebody else that
-- came before the session and that the member did not act on by that day.
with

exposures as (
    select * from out_estimated_exposures
),

members as (
    select * from out_personas
),

actions as (
    select distinct
        exposures.day,
        exposures.platform,
        exposures.account_id,
        exposures.post_id
    from exposures
    inner join core_interactions__all_days
        on
            exposures.platform = core_interactions__all_days.platform
            and exposures.account_id = core_interactions__all_days.account_id
            and exposures.post_id = core_interactions__all_days.object_post_id
            and exposures.day >= core_interactions__all_days.day
    where
        core_interactions__all_days.kind in (
            'like', 'repost', 'quote', 'reply'
        )
),

broken as (
    select
        exposures.day,
        exposures.platform,
        exposures.account_id,
        exposures.post_id
    from exposures
    left join members
        on
            exposures.day = members.day
            and exposures.platform = members.platform
            and exposures.account_id = members.account_id
    left join actions
        on
            exposures.day = actions.day
            and exposures.platform = actions.platform
            and exposures.account_id = actions.account_id
            and exposures.post_id = actions.post_id
    where
        members.persona_id is distinct from exposures.persona_id
        or actions.post_id is not null
        or exposures.author_account_id = exposures.account_id
        or exposures.visible_at >= exposures.session_started_at
)

select * from broken
