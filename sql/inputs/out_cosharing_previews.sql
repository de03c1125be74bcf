-- How each content of a window begins, and where its link leads.
with

contents as (
    select * from core_post_contents
),

shown as (
    select
        content_id,
        min(preview) as preview,
        min(
            case
                when content_kind = 'link'
                    then nullif(
                        regexp_extract(preview, '^[a-z]+://([^/?#:]+)', 1), ''
                    )
            end
        ) as domain
    from contents
    where guard is null
    group by content_id
    order by content_id
)

select * from shown
