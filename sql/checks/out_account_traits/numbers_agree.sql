-- Numbers that follow from each other agree: shares of a whole add up, and a
-- country by place has its rule.
with

traits as (
    select
        *,
        hours_00_05 + hours_06_11 + hours_12_17 + hours_18_23 as all_hours,
        language_en + language_de + language_es + language_fr + language_pt
        + language_it + language_ja as known_languages,
        links_us + links_uk + links_de + links_fr + links_es + links_br
            as known_links
    from out_account_traits
),

broken as (
    select
        day,
        platform,
        account_id
    from traits
    where
        abs(all_hours - 1) > 1e-9
        or rhythm_replies + rhythm_quotes > 1 + 1e-9
        or known_languages > 1 + 1e-9
        or known_links > 1 + 1e-9
        or language_top > 1 + 1e-9
        or round(power(10, rhythm_posts) - 1) != n_posts
        or round(rhythm_posts_a_day * rhythm_active_days) != n_posts
        or (place_country is null) != (place_rule is null)
)

select * from broken
