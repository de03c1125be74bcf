-- What becomes of each staged follow: out, a duplicate, withdrawn.
with

delivered as (
    select
        platform,
        follower_account_id,
        followed_account_id
    from stg_bluesky__follows
    union all by name
    select
        platform,
        follower_account_id,
        followed_account_id
    from stg_edges__follows
),

observed as (
    select
        platform,
        follow_id,
        follower_account_id,
        followed_account_id,
        followed_at,
        weight,
        revision,
        is_context,
        observed_at,
        source_file,
        source_sha256,
        source_row,
        source_item,
        day
    from stg_bluesky__follows__all_days
    union all by name
    select
        platform,
        follow_id,
        follower_account_id,
        followed_account_id,
        followed_at,
        weight,
        revision,
        is_context,
        observed_at,
        source_file,
        source_sha256,
        source_row,
        source_item,
        day
    from stg_edges__follows__all_days
),

withdrawals as (
    select * from standing_withdrawals
),

wanted as (
    select distinct
        platform,
        follower_account_id,
        followed_account_id
    from delivered
),

candidates as (
    select observed.*
    from observed
    semi join wanted
        on
            observed.platform = wanted.platform
            and observed.follower_account_id = wanted.follower_account_id
            and observed.followed_account_id = wanted.followed_account_id
),

weighed as (
    select
        candidates.*,
        case
            when
                'purge'
                in (of_record.action, of_follower.action, of_followed.action)
                then 'withdrawn/purged'
            when
                coalesce(
                    of_record.action, of_follower.action, of_followed.action
                ) is not null
                then 'withdrawn/hidden'
        end as withdrawn
    from candidates
    left join withdrawals as of_record
        on
            of_record.entity = 'follow'
            and candidates.platform = of_record.platform
            and candidates.follow_id = of_record.record_id
            and not (
                of_record.is_platform_revision
                and candidates.revision not like '____-__-__T%'
                and candidates.revision > of_record.revision
            )
    left join withdrawals as of_follower
        on
            of_follower.entity = 'account'
            and candidates.platform = of_follower.platform
            and candidates.follower_account_id = of_follower.record_id
    left join withdrawals as of_followed
        on
            of_followed.entity = 'account'
            and candidates.platform = of_followed.platform
            and candidates.followed_account_id = of_followed.record_id
),

-- A follow with a time beats a list; of lists the earliest tells the day.
ranked as (
    select
        *,
        row_number() over best as place,
        first_value(revision) over best as winning_revision,
        first_value(hash(follow_id, followed_at, weight)) over best
            as winning_print
    from weighed
    window
        best as (
            partition by
                platform,
                follower_account_id,
                followed_account_id,
                withdrawn is null
            order by
                followed_at is null,
                case when followed_at is not null then revision end desc,
                case when followed_at is null then day end asc,
                case when followed_at is null then observed_at end asc,
                observed_at desc,
                source_file desc,
                source_row desc,
                source_item desc
        )
),

judged_rows as (
    select
        platform,
        follower_account_id,
        followed_account_id,
        source_file,
        source_sha256,
        source_row,
        source_item,
        day,
        case
            when withdrawn is not null then withdrawn
            when place = 1 then 'out'
            when
                revision = winning_revision
                and hash(follow_id, followed_at, weight) = winning_print
                then 'duplicate/same_record'
            else 'duplicate/superseded'
        end as disposition
    from ranked
)

select * from judged_rows
