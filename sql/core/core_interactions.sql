-- One row per interaction: the winning delivery.
with

delivered as (
    select * from stg_bluesky__interactions
    union all by name
    select * from stg_twitter__interactions
),

verdicts as (
    select * from judged
    where disposition = 'out'
),

alias_map as (
    select * from post_aliases
),

-- References to any version of a post lead to the post.
winners as (
    select
        delivered.* replace (
            verdicts.interaction_id as interaction_id,
            coalesce(alias_map.post_id, delivered.object_post_id)
                as object_post_id
        )
    from delivered
    inner join verdicts
        on
            delivered.source_sha256 = verdicts.source_sha256
            and delivered.source_row = verdicts.source_row
            and delivered.source_item = verdicts.source_item
            and delivered.kind = verdicts.kind
            and delivered.day = verdicts.day
            and delivered.platform = verdicts.platform
    left join alias_map
        on
            delivered.platform = alias_map.platform
            and delivered.object_post_id = alias_map.alias_id
)

select * from winners
