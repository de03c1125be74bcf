-- How many posts and replies of each persona stand to become messages of
-- threads.
with

members as (
    select
        platform,
        account_id,
        persona_id
    from out_personas
    where persona_id is not null
),

posts as (
    select * from eligible_posts
    where post_kind in ('post', 'reply')
),

counted as (
    select
        members.persona_id,
        count(*) as n_events
    from posts
    inner join members
        on
            posts.platform = members.platform
            and posts.account_id = members.account_id
    group by members.persona_id
    order by members.persona_id
)

select * from counted
