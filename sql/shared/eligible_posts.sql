-- Posts that count by the rules of the run: kind, platform, language by the
-- model, or as declared where the model is not certain.
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
        *,
        list_transform(
            coalesce(language_codes, []),
            lambda code: lower(split_part(replace(code, '_', '-'), '-', 1))
        ) as declared_languages
    from posts
),

eligible as (
    select
        declared.platform,
        declared.post_id,
        declared.account_id,
        declared.post_kind,
        declared.parent_post_id,
        declared.parent_account_id,
        declared.quoted_post_id,
        declared.text,
        declared.posted_at,
        languages.lang,
        declared.day
    from declared
    inner join rules
        on
            list_contains(rules.kinds, declared.post_kind)
            and (
                len(rules.platforms) = 0
                or list_contains(rules.platforms, declared.platform)
            )
    inner join languages
        on
            declared.platform = languages.platform
            and declared.post_id = languages.post_id
            and declared.day = languages.day
    where
        len(rules.languages) = 0
        or list_contains(rules.languages, languages.lang)
        or (
            languages.lang = 'und'
            and list_has_any(rules.languages, declared.declared_languages)
        )
)

select * from eligible
