-- Contents of posts that go no further, and those that meet on one account.
with

contents as (
    select * from core_post_contents
),

judged as (
    select
        case
            when guard is not null then 'guarded/' || guard
            when
                row_number() over (
                    partition by
                        platform,
                        account_id,
                        content_mode,
                        content_id,
                        day,
                        guard is null
                    order by posted_at, post_id
                ) > 1
                then 'merged/same_account_and_content'
        end as entry
    from contents
),

counted as (
    select
        'rows_in' as entry,
        count(*) as n_rows
    from contents
    union all
    select
        entry,
        count(*) as n_rows
    from judged
    where entry is not null
    group by entry
)

select * from counted
