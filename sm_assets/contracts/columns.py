"""Every column once: type, unit, meaning, allowed values.

Here: the registry. Tables pick from it (`pick`) and may only say whether a column may be null and describe it more
sharply. Delivered columns of a source are entries `<source>.<name>`, all text. Not here: which table has which column.
"""

from __future__ import annotations

from sm_assets.contracts.schema import Column, picker

SOURCES = ("crowdtangle",)
PLATFORMS = ("facebook", "instagram", "other")
CONTENT_KINDS = ("text", "link", "image_text", "joined")
CONTENT_MODES = ("canonical", "compat")
STATUSES = ("member", "near_tie", "aggregator", "weak", "viral_only", "unshared", "lone_seed", "too_few_contents")
REJECT_REASONS = (
    "malformed_json",
    "not_an_object",
    "truncated_record",
    "truncated_stream",
    "unterminated_quote",
    "missing_columns",
    "extra_columns",
    "unterminated_last_line",
    "oversize_record",
    "missing_key",
    "bad_key",
    "missing_account",
    "bad_time",
    "ambiguous_zone",
    "ambiguous_entity",
    "api_error",
    "bad_edge",
    "truncated_array",
    "pickle_refused",
)


def _text(name: str, description: str, *allowed: str) -> Column:
    return Column(name, "text", description, allowed=allowed)


def _count(name: str, unit: str, description: str, minimum: float = 0) -> Column:
    return Column(name, "int64", description, unit=unit, minimum=minimum)


def _time(name: str, description: str) -> Column:
    return Column(name, "timestamp", description, unit="UTC")


def _share(name: str, description: str) -> Column:
    return Column(name, "float64", description, unit="share", minimum=0, maximum=1)


def _number(
    name: str, unit: str, description: str, minimum: float | None = None, maximum: float | None = None
) -> Column:
    return Column(name, "float64", description, unit=unit, minimum=minimum, maximum=maximum)


def _flag(name: str, description: str) -> Column:
    return Column(name, "bool", description)


_PROVENANCE = (
    _text("source", "Who delivered the record.", *SOURCES),
    _text("source_file", "Path of the landing file below the data root; of equal files the first path."),
    _text("source_sha256", "SHA-256 of the landing file's bytes as delivered."),
    _count("source_row", "records", "Position of the record in its file: 1-based count of non-blank records.", 1),
    Column("source_item", "int32", "Position inside a container of records, else 0.", unit="records", minimum=0),
    _count("source_line", "lines", "Physical line on which the record starts; the header is line 1.", 1),
    _text("vintage", "Which known form of export the file has."),
    Column("warnings", "list<text>", "Repairs of single cells, as `field:code`."),
    _text("zone", "Abbreviation or offset by which local times of the record were read."),
    _text("extra", "Delivered columns that no vintage knows, as a JSON object."),
    _time("exported_at", "When the file was exported, from sidecar or file name."),
    _time("observed_at", "When the platform's state was captured."),
    _flag("is_context", "Arrived only inside another record; proves nothing about the coverage of its day."),
    _text("revision", "Orders the revisions of one record, compared as text."),
    _text(
        "time_source",
        "Whose clock the event's time comes from.",
        "platform",
        "client",
        "key",
        "received",
        "observed",
    ),
    _time("claimed_at", "The client's own time, kept even when refused."),
    Column("day", "date", "Day of the event in UTC; the partition.", unit="UTC day"),
    _count(
        "line",
        "lines",
        "Physical line on which the rejected piece starts, after decompression; the header is line 1.",
        0,
    ),
    _count("byte_offset", "bytes", "Where the rejected piece starts in the decompressed file."),
    _count("byte_length", "bytes", "Length of the rejected piece."),
    _count("record", "records", "1-based count of the rejected record, if it can be counted.", 0),
    _text("reason", "Why the record was rejected.", *REJECT_REASONS),
    _text("detail", "What was found."),
    _text("raw_excerpt", "First 512 bytes of the rejected piece."),
)

_ENTITIES = (
    _text("platform", "Network in whose id space the ids of this row live.", *PLATFORMS),
    _text("account_id", "Id of the account on its platform."),
    _text("account_kind", "What the account is.", "page", "group", "profile", "account"),
    _text("handle", "Name in the account's address, without @."),
    _text("display_name", "Name shown to readers."),
    _text("description", "Text that describes the account or the link."),
    _text("url", "Address as delivered."),
    _text("location", "Place as the account states it."),
    _text("category", "Category as the platform names it."),
    _count("followers_count", "accounts", "Followers of the account."),
    _count("following_count", "accounts", "Accounts that the account follows."),
    _count("posts_count", "posts", "Posts of the account as the platform counts them."),
    _count("account_likes_count", "likes", "Likes of the page itself, or hearts received."),
    _flag("is_verified", "Verified by the platform."),
    _flag("is_protected", "Readable for approved followers only."),
    _text("country_code", "ISO 3166-1 alpha-2 code, capitals."),
    _time("account_created_at", "When the account was created."),
    _text("post_id", "Id of the post on its platform."),
    _text("operation", "What the record says happened.", "create", "update", "observe"),
    _time("posted_at", "When the post was published."),
    _text("post_kind", "Quote, else reply, else post.", "post", "reply", "quote"),
    _text("parent_post_id", "Post that this one replies to."),
    _text("parent_account_id", "Author of the post that this one replies to."),
    _text("root_post_id", "First post of the thread."),
    _text("quoted_post_id", "Post that this one quotes."),
    _text("quoted_account_id", "Author of the quoted post."),
    _text("text", "The post's message as delivered; null: no text."),
    _flag("text_is_truncated", "The text was cut by the exporter."),
    Column("alias_ids", "list<text>", "All ids of the post's versions, when there is more than one."),
    Column("language_codes", "list<text>", "Languages that the post declares (BCP 47), order kept."),
    _text("media_kind", "Main medium of the post.", "none", "photo", "video", "live", "link", "album", "poll", "other"),
    _count("likes_count", "likes", "Likes at the time of observation; null: not delivered."),
    _count("reactions_count", "reactions", "Likes and all other reactions; null: not delivered."),
    _count("comments_count", "comments", "Comments; null: not delivered."),
    _count("shares_count", "shares", "Shares; null: not delivered."),
    _count("quotes_count", "posts", "Quotes; null: not delivered."),
    _count("views_count", "views", "Views; null: not delivered."),
    _count("interactions_count", "interactions", "All interactions, unweighted; null: not delivered."),
    _count("account_followers_count", "accounts", "Followers of the author when the post was published."),
    _number("video_duration_seconds", "seconds", "Length of the video.", 0),
    _flag("is_ad", "Paid content."),
    _flag("is_sensitive", "Marked as sensitive by author or platform."),
    _count("edits_count", "edits", "Later revisions of the post; repeated observations are none."),
    _time("edited_at", "When the revision kept here was made, if the post was edited."),
    _time("metrics_observed_at", "Latest observation among the counts."),
    _count("files_count", "files", "Landing files that delivered the post.", 1),
    Column("ordinal", "int32", "Position among the post's children of this kind, from 0.", minimum=0),
    _text("expanded_url", "The address behind a short link, as the platform gives it."),
    _text("final_url", "Where the link leads in the end, as the platform gives it."),
    _text("title", "Headline of the linked page."),
    _text(
        "link_role",
        "External page, quoted post, the post's own media, or the platform itself.",
        "external",
        "quote",
        "media",
        "self",
    ),
    _text(
        "media_text_kind",
        "Where the text comes from.",
        "image_text",
        "alt_text",
        "voice_to_text",
        "title",
        "platform_suggestion",
    ),
    Column(
        "roles",
        "list<text>",
        "In which roles the account was seen on the day, sorted.",
        allowed=("actor", "author", "followed", "follower", "mentioned", "object", "profile"),
    ),
    _time("profile_observed_at", "Latest observation that the profile's columns come from."),
    Column("first_seen_day", "date", "First day on which the account was seen in any role.", unit="UTC day"),
    _flag("profile_from_later", "No profile was known up to this day: some column comes from a later day."),
)

_CONTENTS = (
    _text("content_mode", "Rules by which contents are told apart.", *CONTENT_MODES),
    _text("content_kind", "Part of the post that the content is.", *CONTENT_KINDS),
    _text("content_id", "32 hex digits of BLAKE2b over kind and canonical content; the same on every platform."),
    _flag("is_primary", "First content of its post that passes its guard."),
    _count("n_chars", "characters", "Length of the canonical content."),
    _text("guard", "Why the content is not compared; null: it is.", "too_short", "boilerplate"),
    _text("content_version", "Version of the content rules and lists."),
    _text("preview", "First 200 characters of the content."),
    _count("n_posts", "posts", "Posts.", 0),
    _time("first_at", "Earliest post."),
    _time("last_at", "Latest post."),
    _text("sample_post_id", "Earliest of these posts."),
    _text("sample_url", "Address of the sample post."),
    _text("language", "ISO code of the language model's label; `no_text`: nothing to read."),
    _share("language_probability", "Probability that the model gives its label; 0 where there is no text."),
    _share("mean_probability", "Mean probability of the label over the posts."),
)

_COSHARING = (
    _text("method", "How networks were found.", "linkage", "seeded"),
    _text("platform_a", "Platform of the first account.", *PLATFORMS),
    _text("account_id_a", "First account of the pair; (platform, id) of a before that of b."),
    _text("platform_b", "Platform of the second account.", *PLATFORMS),
    _text("account_id_b", "Second account of the pair."),
    _count("n_contents", "contents", "Distinct contents."),
    _count("n_contents_a", "pieces", "Pieces of evidence of the first account: what one post brings counts once."),
    _count("n_contents_b", "pieces", "Pieces of evidence of the second account: what one post brings counts once."),
    _count(
        "n_shared",
        "pieces",
        "Pieces of evidence that both accounts carry: posts that agree in text and link count once.",
    ),
    _count("n_shared_text", "contents", "Texts that both accounts carry."),
    _count("n_shared_link", "contents", "Links that both accounts carry."),
    _count("n_shared_image_text", "contents", "Image texts that both accounts carry."),
    _count("n_shared_contents", "pieces", "Pieces of evidence that another account of the window carries too."),
    _share("coverage_a", "Shared part of the first account's contents."),
    _share("coverage_b", "Shared part of the second account's contents."),
    _number("npmi", "nats / nats", "Normalised pointwise mutual information of the two accounts.", -1.000001, 1.000001),
    _number("damped_npmi", "nats / nats", "npmi times 1 - exp(-min(n_a, n_b) / 4).", -1.000001, 1.000001),
    _share("p_value", "Chance of as many shared contents if both had drawn theirs at random; null: not tested."),
    _number("median_gap_s", "seconds", "Median time between the two accounts' first posts of a shared content.", 0),
    _time("first_shared_at", "First post of a shared content."),
    _time("last_shared_at", "Last post of a shared content."),
    _count("cluster_id", "", "Number of the network inside its snapshot."),
    _text("seed_platform", "Platform of the network's seed.", *PLATFORMS),
    _text("seed_account_id", "Seed: the account that the network is named after."),
    _count("cluster_size", "accounts", "Accounts in the network.", 2),
    _count("n_platforms", "platforms", "Platforms in the network.", 1),
    _count("total_interactions", "interactions", "Sum of all interactions of the posts in the window."),
    _number("cluster_score", "", "cluster_size * log10(followers of the seed + 1).", 0),
    _share("density", "Linked pairs of members out of all pairs."),
    _number("mean_membership_score", "", "Mean membership score of the members."),
    _text("cluster_lang", "Most frequent language of the members; null: no language known."),
    _text("top_domain", "Host that most contents of the network link to."),
    _text("top_preview", "Beginning of the content that most members carry."),
    _text("status", "What became of the account.", *STATUSES),
    _text("status_reason", "The same in one plain sentence with the numbers."),
    _flag("is_seed", "The network is named after this account."),
    _count("followers", "accounts", "Followers by the latest post or profile in the window."),
    _number("membership_score", "", "Score of the account against its network."),
    _share(
        "coverage_within_cluster",
        "Share of the account's contents that the network (linkage) or its seed (seeded) carries.",
    ),
    _number("pmi_with_seed", "bits", "Pointwise mutual information with the seed."),
    _number("npmi_with_seed", "bits / bits", "The same, normalised.", -1.000001, 1.000001),
    _number("dnpmi_with_seed", "bits / bits", "The same, damped for accounts of few contents.", -1.000001, 1.000001),
    _count("second_cluster_id", "", "Next best network."),
    _number("second_score", "", "Score against the next best network."),
    _count("n_posts_a", "posts", "Posts of the content by the first account in the window.", 1),
    _count("n_posts_b", "posts", "Posts of the content by the second account in the window.", 1),
    _time("first_at_a", "First post of the content by the first account."),
    _time("last_at_a", "Last post of the content by the first account."),
    _time("first_at_b", "First post of the content by the second account."),
    _time("last_at_b", "Last post of the content by the second account."),
    _number("gap_s", "seconds", "Time between the two accounts' first posts of the content.", 0),
    _text("sample_post_id_a", "First post of the content by the first account."),
    _text("sample_url_a", "Address of that post."),
    _text("sample_post_id_b", "First post of the content by the second account."),
    _text("sample_url_b", "Address of that post."),
    _count("n_accounts", "accounts", "Accounts that carry the content in the window.", 2),
)

_PARSED_COUNTS = (
    "likes_at_posting",
    "followers_at_posting",
    "total_interactions",
    "likes",
    "comments",
    "shares",
    "love",
    "wow",
    "haha",
    "sad",
    "angry",
    "care",
    "post_views",
)
# The reader's own readings of the delivered cells: everything that can reject or repair has happened before staging.
_PARSED = Column(
    "parsed",
    "struct",
    "The reader's readings of the delivered cells; staging renames and casts them.",
    fields=(
        _text("platform", "Platform of the post."),
        _text("account_id", "Account as keyed."),
        _text("post_id", "Post as keyed."),
        _time("posted_at", "Time of the post in UTC."),
        _time("page_created_at", "When the page was created."),
        *(_count(name, "", f"{name} as a whole number.") for name in _PARSED_COUNTS),
        _number("video_seconds", "seconds", "Length of the video."),
    ),
)

_CROWDTANGLE = {
    "page_name": "Name of the page, group or account",
    "user_name": "Name in the page's address",
    "facebook_id": "Numeric id of the page",
    "page_category": "Category of the page",
    "page_admin_top_country": "Country most of the page's administrators are in",
    "page_description": "Description of the page, cut by the exporter",
    "page_created": "When the page was created",
    "likes_at_posting": "Likes of the page when it posted",
    "followers_at_posting": "Followers of the page when it posted",
    "post_created": "Local time of the post with its zone",
    "post_created_date": "Local date of the post",
    "post_created_time": "Local time of day of the post",
    "type": "Kind of post",
    "total_interactions": "Sum of all interactions",
    "likes": "Likes of the post",
    "comments": "Comments on the post",
    "shares": "Shares of the post",
    "love": "Reactions Love",
    "wow": "Reactions Wow",
    "haha": "Reactions Haha",
    "sad": "Reactions Sad",
    "angry": "Reactions Angry",
    "care": "Reactions Care",
    "video_share_status": "Whether the video is owned, shared or crossposted",
    "is_video_owner": "Whether the page owns the video",
    "post_views": "Views of the post's video in this post",
    "total_views": "Views of the video",
    "total_views_for_all_crossposts": "Views of the video over all posts that carry it",
    "video_length": "Length of the video",
    "url": "Address of the post",
    "message": "Text of the post",
    "link": "First link of the post",
    "final_link": "Where the link leads",
    "image_text": "Text recognised in the image",
    "link_text": "Headline of the linked page",
    "description": "Description of the linked page, or the text of an Instagram post",
    "sponsor_id": "Id of the sponsor",
    "sponsor_name": "Name of the sponsor",
    "sponsor_category": "Category of the sponsor",
    "total_interactions_weighted": "Sum of all interactions by the dashboard's weights",
    "overperforming_score": "CrowdTangle's score by the dashboard's weights",
}
DELIVERED = {"crowdtangle": tuple(_CROWDTANGLE)}

COLUMNS: dict[str, Column] = {
    column.name: column for column in (*_PROVENANCE, *_ENTITIES, *_CONTENTS, *_COSHARING, _PARSED)
} | {f"crowdtangle.{name}": _text(name, f"{what}, as delivered.") for name, what in _CROWDTANGLE.items()}

pick = picker(COLUMNS)
