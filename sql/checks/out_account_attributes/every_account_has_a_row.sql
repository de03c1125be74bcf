-- Every account with traits has a row for each attribute of its day.
with

attributes as (
    select * from out_account_attributes
),

traits as (
    select * from out_account_traits
),

expected as (
    select
        attributes.day,
        count(distinct attributes.attribute) as n_attributes,
        count(*) as n_rows
    from attributes
    group by attributes.day
),

accounts as (
    select
        traits.day,
        count(*) as n_accounts
    from traits
    group by traits.day
),

broken as (
    select
        expected.day,
        expected.n_rows,
        expected.n_attributes * accounts.n_accounts as n_expected
    from expected
    inner join accounts on expected.day = accounts.day
    where expected.n_rows != expected.n_attributes * accounts.n_accounts
)

select * from broken
