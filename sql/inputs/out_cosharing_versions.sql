-- By which rules the contents of each day of a window were made.
with

daily as (
    select * from feat_account_content
),

listed as (
    select distinct
        day,
        content_mode,
        content_version
    from daily
    order by day, content_mode, content_version
)

select * from listed
