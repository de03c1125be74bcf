-- Every followed account of the requested days with its number in their order.
with

followed as (
    select distinct
        platform,
        followed_account_id
    from core_follows
),

numbered as (
    select
        platform,
        followed_account_id,
        (row_number() over (order by platform, followed_account_id) - 1)
        ::uinteger as account
    from followed
)

select * from numbered
