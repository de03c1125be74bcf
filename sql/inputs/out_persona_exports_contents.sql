-- Posts of the window, with the text of those that count, their author's
-- persona, and the hashes by which they are named.
with

posts as (
    select * from posts_by_rules
),

members as (
    select
        platform,
        account_id,
        persona_id
    from out_personas
    where persona_id is not null
),

contents as (
    select
        posts.platform,
        posts.post_id,
        posts.account_id,
        posts.post_kind,
        case when posts.is_eligible then posts.text end as text,
        posts.posted_at,
        posts.is_eligible,
        members.persona_id,
        members.persona_id is not null as is_kept,
        hash(posts.platform, posts.post_id) as post_hash,
        hash(posts.platform, posts.account_id) as account_hash
    from posts
    left join members
        on
            posts.platform = members.platform
            and posts.account_id = members.account_id
)

select * from contents
