-- Posts and replies by members of personas that count by the rules of the
-- clustering.
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

written as (
    select
        members.persona_id,
        posts.platform,
        posts.post_id,
        posts.account_id,
        posts.parent_post_id,
        posts.text,
        posts.posted_at
    from posts
    inner join members
        on
            posts.platform = members.platform
            and posts.account_id = members.account_id
)

select * from written
