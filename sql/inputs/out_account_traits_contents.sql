-- How many contents the numbered accounts carry, and how many of them others
-- carry too.
with

accounts as (
    select * from run_settings
),

contents as (
    select
        platform,
        account_id,
        content_mode,
        content_id,
        content_kind,
        sum(n_posts) as n_posts
    from feat_account_content
    group by platform, account_id, content_mode, content_id, content_kind
),

shared as (
    select
        content_mode,
        content_id
    from contents
    group by content_mode, content_id
    having count(*) > 1
),

judged as (
    select
        contents.platform,
        contents.account_id,
        contents.content_kind,
        contents.n_posts,
        shared.content_id is not null as is_shared
    from contents
    left join shared
        on
            contents.content_mode = shared.content_mode
            and contents.content_id = shared.content_id
),

counted as (
    select
        platform,
        account_id,
        count(*) as n_contents,
        count(*) filter (where is_shared) as n_coshared,
        count(*) filter (where content_kind = 'text') as n_distinct_texts,
        (sum(n_posts) filter (where content_kind = 'text'))::bigint
            as n_posts_with_text
    from judged
    group by platform, account_id
),

numbered as (
    select
        accounts.number,
        counted.n_contents,
        counted.n_coshared,
        counted.n_distinct_texts,
        counted.n_posts_with_text
    from counted
    inner join accounts
        on
            counted.platform = accounts.platform
            and counted.account_id = accounts.account_id
    order by accounts.number
)

select * from numbered
