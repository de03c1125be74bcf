-- How many texts of each persona are in which language.
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
),

counted as (
    select
        members.persona_id,
        posts.lang,
        count(*) as n_texts
    from posts
    inner join members
        on
            posts.platform = members.platform
            and posts.account_id = members.account_id
    group by members.persona_id, posts.lang
    order by members.persona_id, posts.lang
)

select * from counted
