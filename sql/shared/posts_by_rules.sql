-- Posts, and whether they count by the rules of the run: kind, platform,
-- language by the model, or as declared where the model is not certain.
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

judged_posts as (
    select
        posts.platform,
        posts.post_id,
        posts.account_id,
        posts.post_kind,
        posts.parent_post_id,
        posts.parent_account_id,
        posts.quoted_post_id,
        posts.text,
        posts.posted_at,
        languages.lang,
        posts.day,
        list_contains(rules.kinds, posts.post_kind)
        and (
            len(rules.platforms) = 0
            or list_contains(rules.platforms, posts.platform)
        )
        and case
            when languages.lang is null then false
            when
                len(rules.languages) = 0
                or list_contains(rules.languages, languages.lang)
                then true
            -- Looked at last: taking declared languages apart costs most.
            when languages.lang = 'und'
                then coalesce(
                    list_has_any(
                        rules.languages,
                        string_split(
                            regexp_replace(
                                lower(
                                    array_to_string(posts.language_codes, ' ')
                                ),
                                '[-_][^ ]*', '', 'g'
                            ),
                            ' '
                        )
                    ),
                    false
                )
            else false
        end as is_eligible
    from posts
    cross join rules
    left join languages
        on
            posts.platform = languages.platform
            and posts.post_id = languages.post_id
            and posts.day = languages.day
)

select * from judged_posts
