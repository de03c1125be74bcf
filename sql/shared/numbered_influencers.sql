-- Influencers of a snapshot with their number among those of their platform.
with

influencers as (
    select
        platform,
        account_id
    from feat_audiences
),

numbered as (
    select
        platform,
        account_id,
        (
            row_number() over (partition by platform order by account_id)
            - 1
        )::integer as number
    from influencers
)

select * from numbered
