-- How many contents the numbered accounts carry, and how many of them others
-- carry too. Contents stand by their hashes: whole ids would cost twice.
with

accounts as (
    select * from run_settings
),

carried as (
    select
        accounts.number,
        feat_account_content.n_posts,
        feat_account_content.content_kind = 'text' as is_text,
        hash(
            feat_account_content.content_mode, feat_account_content.content_id
        ) as content_hash
    from feat_account_content
    inner join accounts
        on
            feat_account_content.platform = accounts.platform
            and feat_account_content.account_id = accounts.account_id
),

contents as (
    select
        number,
        content_hash,
        is_text,
        sum(n_posts)::bigint as n_posts
    from carried
    group by number, content_hash, is_text
),

shared as (
    select content_hash
    from contents
    group by content_hash
    having count(*) > 1
),

judged as (
    select
        contents.number,
        contents.is_text,
        contents.n_posts,
        shared.content_hash is not null as is_shared
    from contents
    left join shared on contents.content_hash = shared.content_hash
),

counted as (
    select
        number,
        count(*) as n_contents,
        count(*) filter (where is_shared) as n_coshared,
        count(*) filter (where is_text) as n_distinct_texts,
        (sum(n_posts) filter (where is_text))::bigint as n_posts_with_text
    from judged
    group by number
    order by number
)

select * from counted
