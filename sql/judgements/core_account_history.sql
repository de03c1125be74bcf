-- What becomes of each staged profile: out, a duplicate, withdrawn.
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

withdrawals as (
    select * from standing_withdrawals
),

prints as (
    select
        *,
        hash(
            account_kind,
            handle,
            display_name,
            description,
            url,
            location,
            category,
            followers_count,
            following_count,
            posts_count,
            account_likes_count,
            is_verified,
            is_protected,
            country_code,
            account_created_at
        ) as print
    from delivered
),

weighed as (
    select
        prints.*,
        case withdrawals.action
            when 'purge' then 'withdrawn/purged'
            when 'hide' then 'withdrawn/hidden'
        end as withdrawn
    from prints
    left join withdrawals
        on
            withdrawals.entity = 'account'
            and prints.platform = withdrawals.platform
            and prints.account_id = withdrawals.record_id
),

ranked as (
    select
        *,
        row_number() over best as place,
        first_value(print) over best as winning_print
    from weighed
    window
        best as (
            partition by platform, account_id, day, withdrawn is null
            order by
                observed_at desc,
                is_context asc,
                source_file desc,
                source_row desc,
                source_item desc
        )
),

judged_rows as (
    select
        platform,
        account_id,
        source_file,
        source_sha256,
        source_row,
        source_item,
        day,
        case
            when withdrawn is not null then withdrawn
            when place = 1 then 'out'
            when print = winning_print then 'duplicate/same_record'
            else 'duplicate/superseded'
        end as disposition
    from ranked
)

select * from judged_rows
