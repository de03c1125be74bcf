-- The last observed profile of each account on each day.
with

staged as (
    select * from stg_crowdtangle__accounts
),

ranked as (
    select
        *,
        row_number() over (
            partition by platform, account_id, day
            order by
                observed_at desc,
                source_file desc,
                source_row desc,
                source_item desc
        ) as place
    from staged
),

kept as (
    select * exclude (place, source, source_file, is_context)
    from ranked
    where place = 1
)

select * from kept
