-- Of every file and entity, rows in are rows out, duplicates, rejects,
-- ignored and withdrawn rows together; else rows were lost or counted twice on
-- the way: materialise the days of these files again from raw to core, and
-- report it if the sums stay open.
with

counted as (
    select * from out_ingest_report
),

sums as (
    select
        day,
        source_file,
        stage,
        entity,
        coalesce(sum(rows) filter (where disposition = 'in'), 0) as rows_in,
        coalesce(
            sum(rows) filter (where disposition not in ('in', 'repaired')), 0
        ) as rows_accounted
    from counted
    group by all
),

broken as (
    select * from sums
    where rows_in != rows_accounted
)

select * from broken
