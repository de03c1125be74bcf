-- Of each attribute one model is chosen and stored, and it is no yardstick.
with

models as (
    select * from out_attribute_models
),

counted as (
    select
        day,
        attribute,
        count(*) filter (where chosen) as n_chosen,
        count(*) filter (where sha256 is not null) as n_stored,
        count(*) filter (where manifest_sha256 is not null) as n_manifests,
        count(*) filter (
            where
            chosen
            and sha256 is not null
            and algorithm not in ('logistic_regression', 'majority')
        ) as n_right
    from models
    group by day, attribute
),

broken as (
    select * from counted
    where n_chosen != 1 or n_stored != 1 or n_manifests != 1 or n_right != 1
)

select * from broken
