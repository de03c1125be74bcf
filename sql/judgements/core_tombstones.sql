-- What becomes of each staged withdrawal: out, or a duplicate.
with

delivered as (
    select
        platform,
        entity,
        record_id
    from stg_bluesky__tombstones
    union all by name
    select
        platform,
        entity,
        record_id
    from stg_twitter__tombstones
),

observed as (
    select
        platform,
        entity,
        record_id,
        deleted_at,
        action,
        reason,
        revision,
        is_context,
        observed_at,
        source_file,
        source_sha256,
        source_row,
        source_item,
        day
    from stg_bluesky__tombstones__all_days
    union all by name
    select
        platform,
        entity,
        record_id,
        deleted_at,
        action,
        reason,
        revision,
        is_context,
        observed_at,
        source_file,
        source_sha256,
        source_row,
        source_item,
        day
    from stg_twitter__tombstones__all_days
),

alias_map as (
    select * from post_aliases
),

wanted as (
    select distinct
        delivered.platform,
        delivered.entity,
        coalesce(alias_map.post_id, delivered.record_id) as record_id
    from delivered
    left join alias_map
        on
            delivered.entity = 'post'
            and delivered.platform = alias_map.platform
            and delivered.record_id = alias_map.alias_id
),

named as (
    select
        observed.* replace (
            coalesce(alias_map.post_id, observed.record_id) as record_id
        )
    from observed
    left join alias_map
        on
            observed.entity = 'post'
            and observed.platform = alias_map.platform
            and observed.record_id = alias_map.alias_id
),

candidates as (
    select named.*
    from named
    semi join wanted
        on
            named.platform = wanted.platform
            and named.entity = wanted.entity
            and named.record_id = wanted.record_id
),

-- Nothing restores after a purge; among hide and restore the latest holds.
ranked as (
    select
        *,
        row_number() over best as place,
        first_value(revision) over best as winning_revision,
        first_value(hash(action, reason, deleted_at)) over best
            as winning_print
    from candidates
    window
        best as (
            partition by platform, entity, record_id
            order by
                action = 'purge' desc,
                deleted_at desc,
                revision desc,
                observed_at desc,
                source_file desc,
                source_row desc,
                source_item desc
        )
),

judged_rows as (
    select
        platform,
        entity,
        record_id,
        source_file,
        source_sha256,
        source_row,
        source_item,
        day,
        case
            when place = 1 then 'out'
            when
                revision = winning_revision
                and hash(action, reason, deleted_at) = winning_print
                then 'duplicate/same_record'
            else 'duplicate/superseded'
        end as disposition
    from ranked
)

select * from judged_rows
