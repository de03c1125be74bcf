-- A value is given or there is a reason why not; what a model says names it.
with

attributes as (
    select * from out_account_attributes
),

broken as (
    select
        day,
        platform,
        account_id,
        attribute,
        value,
        reason,
        model_id
    from attributes
    where
        abstained != (value is null)
        or (value is null) != coalesce(reason != 'by_place', false)
        or (model_id is null) != coalesce(reason = 'no_model', false)
        or (probability is null and value is not null and reason is null)
        or (second_probability > probability)
)

select * from broken
