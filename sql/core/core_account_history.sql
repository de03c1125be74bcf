-- The last observed profile of each account on each day.
with

delivered as (
    select * from stg_crowdtangle__accounts
    union all by name
    select * from stg_bluesky__accounts
    union all by name
    select * from stg_twitter__accounts
    union all by name
    select * from stg_tiktok__accounts
    union all by name
    select * from stg_edges__accounts
),

verdicts as (
    select * from judged
    where disposition = 'out'
),

bare as (
    select * exclude (source, source_file, is_context)
    from delivered
),

winners as (
    select bare.*
    from bare
    inner join verdicts
        on
            bare.source_sha256 = verdicts.source_sha256
            and bare.source_row = verdicts.source_row
            and bare.source_item = verdicts.source_item
            and bare.day = verdicts.day
)

select * from winners
