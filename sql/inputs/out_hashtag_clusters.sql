-- Tags of every scope by the rules of the run, with the posts that carry them.
with

posts as (
    select * from core_posts
),

rules as (
    select * from hashtag_rules
),

forms as (
    select * from suggestion_forms
),

deliveries as (
    select * from core_post_deliveries
),

relevant as (
    select distinct
        feat_post_relevance.platform,
        feat_post_relevance.post_id
    from feat_post_relevance
    inner join rules on feat_post_relevance.list_name = rules.list_name
),

wanted as (
    select
        posts.platform,
        posts.post_id,
        posts.account_id,
        posts.posted_at
    from posts
    cross join rules
    left join relevant
        on
            posts.platform = relevant.platform
            and posts.post_id = relevant.post_id
    where
        (rules.list_name = '' or relevant.post_id is not null)
        and (
            len(rules.countries) = 0
            or list_contains(rules.countries, posts.country_code)
        )
        and (rules.keep_ads or not coalesce(posts.is_ad, false))
),

hashtags as (
    select distinct
        'hashtag' as unit,
        platform,
        post_id,
        hashtag_normalised as tag
    from core_post_hashtags
),

suggestions as (
    select distinct
        'suggestion' as unit,
        core_post_media_text.platform,
        core_post_media_text.post_id,
        forms.tag
    from core_post_media_text
    inner join forms on core_post_media_text.text = forms.text
    where core_post_media_text.media_text_kind = 'platform_suggestion'
),

tags as (
    select * from hashtags
    union all by name
    select * from suggestions
),

tagged as (
    select
        wanted.*,
        tags.unit,
        tags.tag
    from wanted
    inner join tags
        on
            wanted.platform = tags.platform
            and wanted.post_id = tags.post_id
    cross join rules
    where
        tags.tag != ''
        and list_contains(rules.units, tags.unit)
        and not list_contains(rules.stop_tags, tags.tag)
),

scoped as (
    select
        'all' as scope_kind,
        'all' as scope,
        *
    from tagged
    union all by name
    select
        'delivery' as scope_kind,
        deliveries.delivery as scope,
        tagged.*
    from tagged
    inner join deliveries
        on
            tagged.platform = deliveries.platform
            and tagged.post_id = deliveries.post_id
    union all by name
    select
        'account' as scope_kind,
        platform || '/' || account_id as scope,
        *
    from tagged
),

asked as (
    select scoped.*
    from scoped
    inner join rules on list_contains(rules.scopes, scoped.scope_kind)
),

counted as (
    select
        scope_kind,
        scope,
        unit,
        tag,
        count(*) as n_posts,
        count(distinct row(platform, account_id)) as n_accounts,
        min(posted_at) as first_at,
        max(posted_at) as last_at,
        min((posted_at, platform, post_id)) as earliest
    from asked
    group by scope_kind, scope, unit, tag
),

frequent as (
    select
        counted.*,
        count(*)
            over (
                partition by counted.scope_kind, counted.scope, counted.unit
            )
            as n_tags
    from counted
    inner join rules on counted.n_posts >= rules.min_posts
),

kept as (
    select
        frequent.scope_kind,
        frequent.scope,
        frequent.unit,
        frequent.tag,
        frequent.n_posts,
        frequent.n_accounts,
        frequent.first_at,
        frequent.last_at,
        frequent.earliest[2] as sample_platform,
        frequent.earliest[3] as sample_post_id
    from frequent
    inner join rules
        on
            frequent.scope_kind != 'account'
            or frequent.n_tags >= rules.min_tags
    order by
        frequent.scope_kind,
        frequent.scope,
        frequent.unit,
        frequent.tag
)

select * from kept
