-- One row per withdrawn record, with what it was about where that is known.
with

delivered as (
    select * from stg_bluesky__tombstones
    union all by name
    select * from stg_twitter__tombstones
),

verdicts as (
    select * from judged
    where disposition = 'out'
),

bare as (
    select * exclude (is_context)
    from delivered
),

winners as (
    select bare.* replace (verdicts.record_id as record_id)
    from bare
    inner join verdicts
        on
            bare.source_sha256 = verdicts.source_sha256
            and bare.source_row = verdicts.source_row
            and bare.source_item = verdicts.source_item
            and bare.day = verdicts.day
),

interactions as (
    select
        platform,
        interaction_id,
        object_post_id,
        object_account_id
    from stg_bluesky__interactions__all_days
    where kind not in ('reply', 'quote')
),

follows as (
    select
        platform,
        follow_id,
        followed_account_id
    from stg_bluesky__follows__all_days
),

objects as (
    select
        platform,
        'interaction' as entity,
        interaction_id as record_id,
        object_post_id,
        object_account_id
    from interactions
    union all
    select
        platform,
        'follow' as entity,
        follow_id as record_id,
        null as object_post_id,
        followed_account_id as object_account_id
    from follows
),

known as (
    select
        objects.platform,
        objects.entity,
        objects.record_id,
        max(objects.object_post_id) as object_post_id,
        max(objects.object_account_id) as object_account_id
    from objects
    semi join winners
        on
            objects.platform = winners.platform
            and objects.entity = winners.entity
            and objects.record_id = winners.record_id
    group by all
),

completed as (
    select
        winners.*,
        known.object_post_id,
        known.object_account_id
    from winners
    left join known
        on
            winners.platform = known.platform
            and winners.entity = known.entity
            and winners.record_id = known.record_id
)

select * from completed
