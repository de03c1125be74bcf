-- What the members of each persona did in the window, by kind of event; null
-- where no platform of the persona delivers the kind.
with

members as (
    select
        platform,
        account_id,
        persona_id
    from out_personas
    where persona_id is not null
),

posts as (
    select * from core_posts
),

interactions as (
    select * from core_interactions
),

follows as (
    select * from core_follows
    where not is_snapshot
),

tombstones as (
    select * from core_tombstones
),

ignored as (
    select * from out_estimated_exposures
),

-- One row per event of anybody.
events as (
    select
        platform,
        account_id,
        'n_' || kind || 's' as event
    from interactions
    where kind in ('like', 'repost', 'block')
    union all
    select
        platform,
        account_id,
        'n_un' || interaction_kind || 's' as event
    from tombstones
    where
        entity = 'interaction'
        and action != 'restore'
        and interaction_kind in ('like', 'repost', 'block')
    union all
    select
        platform,
        follower_account_id as account_id,
        'n_follows' as event
    from follows
    union all
    select
        platform,
        account_id,
        'n_unfollows' as event
    from tombstones
    where entity = 'follow' and action != 'restore'
    union all
    select
        platform,
        account_id,
        'n_post_deletes' as event
    from tombstones
    where entity = 'post' and action != 'restore'
    union all
    select
        platform,
        account_id,
        'n_post_updates' as event
    from posts
    where edits_count > 0
    union all
    select
        platform,
        account_id,
        'n_ignored' as event
    from ignored
),

-- A platform delivers a kind if anybody's event of it is there.
delivered as (
    select distinct
        platform,
        event
    from events
),

personas as (
    select
        persona_id,
        platform
    from members
    group by persona_id, platform
),

possible as (
    select distinct
        personas.persona_id,
        delivered.event
    from personas
    inner join delivered on personas.platform = delivered.platform
),

counted as (
    select
        members.persona_id,
        events.event,
        count(*) as n_events
    from events
    inner join members
        on
            events.platform = members.platform
            and events.account_id = members.account_id
    group by members.persona_id, events.event
),

filled as (
    select
        possible.persona_id,
        possible.event,
        coalesce(counted.n_events, 0) as n_events
    from possible
    left join counted
        on
            possible.persona_id = counted.persona_id
            and possible.event = counted.event
    order by possible.persona_id, possible.event
)

select * from filled
