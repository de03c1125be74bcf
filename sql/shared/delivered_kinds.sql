-- Kinds of events that a platform delivers, by all days of the lake: whoever
-- delivers withdrawals delivers those of each kind, and edits.
with

interactions as (
    select distinct
        platform,
        kind
    from core_interactions__all_days
    where kind in ('like', 'repost', 'block')
),

follows as (
    select distinct
        platform,
        'follow' as kind
    from core_follows__all_days
    where not is_snapshot
),

tombstones as (
    select distinct
        platform,
        case entity when 'interaction' then interaction_kind else entity end
            as kind
    from core_tombstones__all_days
),

edited as (
    select distinct platform
    from core_posts__all_days
    where edits_count > 0
),

withdrawing as (
    select distinct platform from tombstones
),

-- Whatever is taken back was delivered, though core no longer holds it.
done as (
    select * from interactions
    union distinct
    select * from follows
    union distinct
    select * from tombstones
    where kind in ('like', 'repost', 'block', 'follow')
),

kinds as (
    select
        platform,
        kind as line_kind
    from done
    union all
    select
        done.platform,
        'un' || done.kind as line_kind
    from done
    semi join withdrawing on done.platform = withdrawing.platform
    union all
    select
        platform,
        'post_delete' as line_kind
    from withdrawing
    union distinct
    select
        platform,
        'post_update' as line_kind
    from withdrawing
    union distinct
    select
        platform,
        'post_update' as line_kind
    from edited
)

select * from kinds
