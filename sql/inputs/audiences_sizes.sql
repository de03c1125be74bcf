-- Influencers in each community on each day, by platform; cluster_id null: in
-- none.
with

influencers as (
    select * from out_audience_members
),

sizes as (
    select
        day,
        'audiences of ' || platform as clustering,
        community_id as cluster_id,
        count(*) as n_items
    from influencers
    group by all
)

select * from sizes
