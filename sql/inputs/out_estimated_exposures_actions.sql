-- Posts that members liked, reposted, quoted or replied to up to the as-of
-- day, and what of that they took back.
with

members as (
    select
        platform,
        account_id
    from out_personas
    where persona_id is not null
),

last_days as (
    select max(day) as as_of from requested_days
),

posts as (
    select * from core_posts
),

judged_posts as (
    select * from posts_with_vectors
),

standing as (
    select
        core_interactions__all_days.platform,
        core_interactions__all_days.account_id,
        core_interactions__all_days.object_post_id as post_id,
        true as stands
    from core_interactions__all_days
    inner join last_days
        on core_interactions__all_days.day <= last_days.as_of
    where
        core_interactions__all_days.kind in (
            'like', 'repost', 'quote', 'reply'
        )
        and core_interactions__all_days.object_post_id is not null
),

taken_back as (
    select
        core_tombstones__all_days.platform,
        core_tombstones__all_days.account_id,
        core_tombstones__all_days.object_post_id as post_id,
        false as stands
    from core_tombstones__all_days
    inner join last_days
        on
            core_tombstones__all_days.record_day is null
            or core_tombstones__all_days.record_day <= last_days.as_of
    where
        core_tombstones__all_days.entity = 'interaction'
        and core_tombstones__all_days.object_post_id is not null
),

actions as (
    select * from standing
    union all
    select * from taken_back
),

of_members as (
    select
        actions.platform,
        actions.account_id,
        actions.post_id,
        bool_or(actions.stands) as stands
    from actions
    semi join members
        on
            actions.platform = members.platform
            and actions.account_id = members.account_id
    group by all
),

described as (
    select
        of_members.platform,
        of_members.account_id,
        of_members.post_id,
        posts.account_id as author_account_id,
        of_members.stands,
        judged_posts.post_id is not null as is_eligible
    from of_members
    left join posts
        on
            of_members.platform = posts.platform
            and of_members.post_id = posts.post_id
    left join judged_posts
        on
            of_members.platform = judged_posts.platform
            and of_members.post_id = judged_posts.post_id
)

select * from described
