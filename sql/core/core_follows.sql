-- One row per pair: its latest follow, or the first list that has it.
with

delivered as (
    select * from stg_bluesky__follows
    union all by name
    select * from stg_edges__follows
),

verdicts as (
    select * from judged
    where disposition = 'out'
),

winners as (
    select delivered.*
    from delivered
    inner join verdicts
        on
            delivered.source_sha256 = verdicts.source_sha256
            and delivered.source_row = verdicts.source_row
            and delivered.source_item = verdicts.source_item
            and delivered.day = verdicts.day
)

select * from winners
