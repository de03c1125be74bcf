-- Messages of threads, with what the threads of a persona are ordered by.
with

messages as (
    select * from out_persona_conversations
),

begun as (
    select
        persona_id,
        platform,
        chain_id,
        account_id as first_account_id,
        posted_at as first_posted_at
    from messages
    where position = 0
),

placed as (
    select
        messages.persona_id,
        messages.chain_id,
        messages.position,
        messages.platform,
        messages.account_id,
        messages.text,
        messages.posted_at,
        begun.first_account_id,
        begun.first_posted_at
    from messages
    inner join begun
        on
            messages.persona_id = begun.persona_id
            and messages.platform = begun.platform
            and messages.chain_id = begun.chain_id
)

select * from placed
