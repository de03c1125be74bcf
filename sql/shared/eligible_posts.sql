-- Posts that count by the rules of the run.
with

posts as (
    select * from posts_by_rules
),

eligible as (
    select * exclude (is_eligible)
    from posts
    where is_eligible
)

select * from eligible
