-- No file of unstated direction looks as if it had the other one; else state
-- `direction` in a sidecar of each file named here and materialise
-- raw_edges__edges and all that follows again.
with

settings as (
    select * from run_settings
),

assumed as (
    select unnest(files_of_assumed_direction) as source_file
    from settings
),

edges as (
    select
        source_file,
        parsed.platform,
        parsed.follower_account_id as follower,
        parsed.followed_account_id as followed
    from raw_edges__edges
),

doubtful as (
    select edges.*
    from edges
    semi join assumed on edges.source_file = assumed.source_file
),

stated as (
    select distinct
        edges.platform,
        edges.follower,
        edges.followed
    from edges
    anti join assumed on edges.source_file = assumed.source_file
),

sides as (
    select
        source_file,
        count(*) as n_edges,
        approx_count_distinct(follower) as n_followers,
        approx_count_distinct(followed) as n_followed
    from doubtful
    group by source_file
),

reversed as (
    select
        doubtful.source_file,
        count(*) as n_reversed
    from doubtful
    semi join stated
        on
            doubtful.platform = stated.platform
            and doubtful.follower = stated.followed
            and doubtful.followed = stated.follower
    group by doubtful.source_file
),

suspects as (
    select
        sides.source_file,
        sides.n_edges,
        sides.n_followers,
        sides.n_followed,
        coalesce(reversed.n_reversed, 0) as n_reversed
    from sides
    left join reversed on sides.source_file = reversed.source_file
    where
        sides.n_followed > 10 * sides.n_followers
        or 2 * coalesce(reversed.n_reversed, 0) > sides.n_edges
)

select * from suspects
