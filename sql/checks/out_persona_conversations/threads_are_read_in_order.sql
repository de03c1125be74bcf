-- Places of a thread run from 0 without a gap; each post but the first has a
-- parent before it, one reply nearer to the beginning.
with

messages as (
    select
        *,
        row_number() over (
            partition by day, persona_id, platform, chain_id
            order by position
        ) - 1 as place
    from out_persona_conversations
),

with_parents as (
    select
        messages.*,
        parents.depth as depth_of_parent
    from messages
    left join messages as parents
        on
            messages.day = parents.day
            and messages.persona_id = parents.persona_id
            and messages.platform = parents.platform
            and messages.chain_id = parents.chain_id
            and messages.parent_position = parents.position
),

broken as (
    select * from with_parents
    where
        position != place
        or (position = 0) != (post_id = chain_id)
        or (position = 0) != (parent_position is null)
        or (position = 0) != (depth = 0)
        or (
            position > 0
            and coalesce(
                parent_position >= position or depth != depth_of_parent + 1,
                true
            )
        )
)

select * from broken
