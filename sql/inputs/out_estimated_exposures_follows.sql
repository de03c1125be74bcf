-- Whom members follow, and since when.
with

follows as (
    select * from follows_of_members
)

select * from follows
