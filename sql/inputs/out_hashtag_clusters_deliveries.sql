-- The deliveries of the window, with the number of their posts.
with

deliveries as (
    select * from core_post_deliveries
),

counted as (
    select
        delivery,
        count(*) as n_posts
    from deliveries
    group by delivery
    order by delivery
)

select * from counted
