-- Tags in clusters on one as-of day, with their use.
with

tags as (
    select * from clustered_tags
)

select * from tags
