-- The link of a raw row, if it has one. A headline without a link belongs to
-- the post's own address.
with

records as (
    select
        *,
        -- The API lists links with where they lead; the first is the post's.
        coalesce(
            final_link,
            nullif(
                regexp_extract(
                    expanded_links,
                    '[''"]expanded[''"]\s*:\s*[''"]([^''"]+)',
                    1
                ),
                ''
            )
        ) as leads_to
    from raw_crowdtangle__posts
),

renamed as (
    select
        'crowdtangle' as source,
        parsed.platform,
        source_file,
        source_sha256,
        source_row,
        source_item,
        observed_at,
        false as is_context,
        parsed.post_id,
        cast(0 as integer) as ordinal,
        parsed.account_id,
        parsed.posted_at,
        strftime(observed_at, '%Y-%m-%dT%H:%M:%S.%fZ') as revision,
        coalesce(link, leads_to, url) as url,
        cast(null as varchar) as expanded_url,
        leads_to as final_url,
        link_text as title,
        case when parsed.platform = 'facebook' then description end
            as description,
        case
            when
                regexp_matches(
                    coalesce(leads_to, link, url),
                    '^(https?://)?([^/?#]*[.])?'
                    || '(facebook[.]com|fb[.]com|fb[.]watch|instagram[.]com)'
                    || '(:[0-9]+)?([/?#]|$)',
                    'i'
                )
                then 'self'
            else 'external'
        end as link_role,
        day
    from records
    where
        coalesce(link, leads_to, link_text) is not null
        or (parsed.platform = 'facebook' and description is not null)
),

kept as (
    select * from renamed
    where url is not null
)

select * from kept
