-- The export counts events as it writes them: as many of each kind as the
-- profiles of personas.
with

exports as (
    select * from out_persona_exports
),

profiles as (
    select * from out_persona_profiles
),

told as (
    unpivot (
        select
            day,
            persona_id,
            coalesce(n_likes, 0) as "like",
            coalesce(n_unlikes, 0) as unlike,
            coalesce(n_reposts, 0) as repost,
            coalesce(n_unreposts, 0) as unrepost,
            coalesce(n_follows, 0) as follow,
            coalesce(n_unfollows, 0) as unfollow,
            coalesce(n_blocks, 0) as block,
            coalesce(n_unblocks, 0) as unblock,
            coalesce(n_post_updates, 0) as post_update,
            coalesce(n_post_deletes, 0) as post_delete,
            coalesce(n_ignored, 0) as ignore,
            n_quotes as quote
        from profiles
    )
    on columns(* exclude (day, persona_id))
    into name line_kind value n_told
),

broken as (
    select
        exports.day,
        exports.persona_id,
        exports.line_kind,
        exports.n_events,
        told.n_told
    from exports
    inner join told
        on
            exports.day = told.day
            and exports.persona_id = told.persona_id
            and exports.line_kind = told.line_kind
    where exports.n_events - exports.over_cap != told.n_told
)

select * from broken
