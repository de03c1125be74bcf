-- Every event is a line or is counted under the reason why it is none.
with

exports as (
    select * from out_persona_exports
),

broken as (
    select * from exports
    where
        n_events
        != n_lines
        + target_unknown
        + target_not_eligible
        + target_withdrawn
        + nothing_before
        + over_cap
)

select * from broken
