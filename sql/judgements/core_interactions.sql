-- What becomes of each staged interaction: out, a duplicate, withdrawn.
with

delivered as (
    select
        platform,
        interaction_id
    from stg_bluesky__interactions
    union all by name
    select
        platform,
        interaction_id
    from stg_twitter__interactions
),

observed as (
    select
        platform,
        interaction_id,
        kind,
        account_id,
        object_post_id,
        object_account_id,
        interacted_at,
        revision,
        is_context,
        observed_at,
        source_file,
        source_sha256,
        source_row,
        source_item,
        day
    from stg_bluesky__interactions__all_days
    union all by name
    select
        platform,
        interaction_id,
        kind,
        account_id,
        object_post_id,
        object_account_id,
        interacted_at,
        revision,
        is_context,
        observed_at,
        source_file,
        source_sha256,
        source_row,
        source_item,
        day
    from stg_twitter__interactions__all_days
),

alias_map as (
    select * from post_aliases
),

withdrawals as (
    select * from standing_withdrawals
),

-- What is withdrawn as a post may be a repost, which no notice tells.
of_records as (
    select
        platform,
        record_id,
        max(action) as action,
        max(revision) as revision,
        bool_and(is_platform_revision) as is_platform_revision
    from withdrawals
    where entity in ('post', 'interaction')
    group by all
),

wanted as (
    select distinct
        delivered.platform,
        coalesce(
            alias_map.post_id
            || '#'
            || split_part(delivered.interaction_id, '#', 2),
            delivered.interaction_id
        ) as interaction_id
    from delivered
    left join alias_map
        on
            delivered.platform = alias_map.platform
            and split_part(delivered.interaction_id, '#', 1)
            = alias_map.alias_id
            and contains(delivered.interaction_id, '#')
),

named as (
    select
        observed.* replace (
            coalesce(
                alias_map.post_id
                || '#'
                || split_part(observed.interaction_id, '#', 2),
                observed.interaction_id
            ) as interaction_id
        )
    from observed
    left join alias_map
        on
            observed.platform = alias_map.platform
            and split_part(observed.interaction_id, '#', 1)
            = alias_map.alias_id
            and contains(observed.interaction_id, '#')
),

candidates as (
    select named.*
    from named
    semi join wanted
        on
            named.platform = wanted.platform
            and named.interaction_id = wanted.interaction_id
),

-- A reply or quote goes with its post.
weighed as (
    select
        candidates.*,
        case
            when
                'purge' in (of_account.action, of_record.action)
                then 'withdrawn/purged'
            when
                coalesce(of_account.action, of_record.action) is not null
                then 'withdrawn/hidden'
        end as withdrawn
    from candidates
    left join of_records as of_record
        on
            candidates.platform = of_record.platform
            and split_part(candidates.interaction_id, '#', 1)
            = of_record.record_id
            and not (
                of_record.is_platform_revision
                and candidates.revision not like '____-__-__T%'
                and candidates.revision > of_record.revision
            )
    left join withdrawals as of_account
        on
            of_account.entity = 'account'
            and candidates.platform = of_account.platform
            and candidates.account_id = of_account.record_id
),

ranked as (
    select
        *,
        row_number() over best as place,
        first_value(revision) over best as winning_revision,
        first_value(hash(object_post_id, object_account_id, interacted_at))
            over best as winning_print
    from weighed
    window
        best as (
            partition by platform, interaction_id, withdrawn is null
            order by
                revision desc,
                is_context asc,
                observed_at desc,
                source_file desc,
                source_row desc,
                source_item desc
        )
),

judged_rows as (
    select
        platform,
        interaction_id,
        source_file,
        source_sha256,
        source_row,
        source_item,
        kind,
        day,
        case
            when withdrawn is not null then withdrawn
            when place = 1 then 'out'
            when
                revision = winning_revision
                and hash(object_post_id, object_account_id, interacted_at)
                = winning_print
                then 'duplicate/same_record'
            else 'duplicate/superseded'
        end as disposition
    from ranked
)

select * from judged_rows
