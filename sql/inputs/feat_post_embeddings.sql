-- Posts in the order of the table of vectors, and whether their language is
-- one that is asked for: by the model, or as declared where it is not certain.
with

rules as (
    select * from text_rules
),

posts as (
    select * from core_posts
),

languages as (
    select * from feat_post_language
),

declared as (
    select
        platform,
        post_id,
        account_id,
        text,
        day,
        list_transform(
            coalesce(language_codes, []),
            lambda code: lower(split_part(replace(code, '_', '-'), '-', 1))
        ) as declared_languages
    from posts
),

labelled as (
    select
        declared.*,
        coalesce(languages.lang, 'und') as lang
    from declared
    left join languages
        on
            declared.platform = languages.platform
            and declared.post_id = languages.post_id
            and declared.day = languages.day
),

judged as (
    select
        labelled.platform,
        labelled.post_id,
        labelled.account_id,
        labelled.text,
        labelled.lang,
        labelled.day,
        len(rules.languages) = 0
        or list_contains(rules.languages, labelled.lang)
        or (
            labelled.lang = 'und'
            and list_has_any(rules.languages, labelled.declared_languages)
        ) as is_wanted
    from labelled
    cross join rules
    order by labelled.day, labelled.platform, labelled.post_id
)

select * from judged
