-- Biographies of one as-of day with their clusters of both models.
with

profiles as (
    select * from out_profile_clusters
),

bios as (
    select
        'profiles_' || model as analysis,
        platform,
        account_id,
        bio,
        bio_lang,
        cluster_id
    from profiles
    order by model, platform, account_id
)

select * from bios
