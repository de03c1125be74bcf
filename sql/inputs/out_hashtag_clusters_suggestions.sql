-- Searches that the platform suggested with a post of the window, as delivered.
with

media_text as (
    select * from core_post_media_text
),

suggested as (
    select distinct text
    from media_text
    where media_text_kind = 'platform_suggestion'
    order by text
)

select * from suggested
