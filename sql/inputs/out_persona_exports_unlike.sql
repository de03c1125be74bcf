-- Rows of what was made from personas that do not fit the personas that are
-- there, by table.
with

members as (
    select
        platform,
        account_id,
        persona_id,
        params_hash
    from out_personas
    where persona_id is not null
),

populations as (
    select
        persona_id,
        params_hash,
        count(*) as n_accounts
    from members
    group by persona_id, params_hash
),

messages as (
    select * from out_persona_conversations
),

exposures as (
    select * from out_estimated_exposures
),

profiles as (
    select * from out_persona_profiles
),

unlike_messages as (
    select
        'out_persona_conversations' as made_from_them,
        count(*) as n_unlike
    from messages
    left join members
        on
            messages.platform = members.platform
            and messages.account_id = members.account_id
            and messages.persona_id = members.persona_id
            and messages.params_hash = members.params_hash
    where members.persona_id is null
),

-- Their own hash is over more than the personas.
unlike_exposures as (
    select
        'out_estimated_exposures' as made_from_them,
        count(*) as n_unlike
    from exposures
    left join members
        on
            exposures.platform = members.platform
            and exposures.account_id = members.account_id
            and exposures.persona_id = members.persona_id
    where members.persona_id is null
),

unlike_profiles as (
    select
        'out_persona_profiles' as made_from_them,
        count(*) as n_unlike
    from populations
    full outer join profiles on populations.persona_id = profiles.persona_id
    where
        populations.n_accounts is distinct from profiles.n_accounts
        or populations.params_hash is distinct from profiles.params_hash
),

counted as (
    select * from unlike_messages
    union all
    select * from unlike_exposures
    union all
    select * from unlike_profiles
),

unlike_rows as (
    select * from counted
    where n_unlike > 0
)

select * from unlike_rows
