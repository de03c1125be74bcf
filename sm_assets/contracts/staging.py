"""Contracts of the staged tables: one per entity, met by every source that delivers it.

Here: the entities' columns, and which source delivers which entity. Not here: the renaming itself
(sql/staging/<source>/).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sm_assets.contracts.columns import pick
from sm_assets.contracts.raw import POSITION
from sm_assets.contracts.schema import Table

HEADER = "source platform source_file source_sha256 source_row source_item observed_at is_context"
PROFILE = (
    "account_kind handle? display_name? description? url? location? category? followers_count? following_count? "
    "posts_count? account_likes_count? is_verified? is_protected? country_code? account_created_at?"
)
POST = (
    "post_id account_id revision operation posted_at time_source claimed_at? post_kind parent_post_id? "
    "parent_account_id? root_post_id? quoted_post_id? quoted_account_id? text? text_is_truncated alias_ids? "
    "language_codes? url? country_code? media_kind likes_count? reactions_count? comments_count? shares_count? "
    "quotes_count? views_count? interactions_count? account_followers_count? video_duration_seconds? is_ad? "
    "is_sensitive?"
)
INTERACTION = (
    "interaction_id kind account_id object_post_id? object_account_id? interacted_at time_source claimed_at? revision"
)
FOLLOW = (
    "follow_id follower_account_id followed_account_id followed_at? time_source claimed_at? is_snapshot weight? "
    "revision"
)
TOMBSTONE = "entity record_id account_id? interaction_kind? deleted_at record_day? action withdrawal.reason revision"
CHILD = "post_id ordinal account_id posted_at revision"
LINK = "url expanded_url? final_url? title? description? link_role"
HASHTAG = "hashtag hashtag_normalised"
MENTION = "mentioned_account_id? mentioned_handle?"
MEDIA_TEXT = "media_text_kind text"
PROFILE_WORDS = {
    "description": "The account's own description, perhaps cut by the exporter.",
    "url": "Address of the account.",
}
LINK_WORDS = {"url": "The link as it stands in the post.", "description": "Description of the linked page."}
INTERACTION_WORDS = {"account_id": "Account that acts."}
TOMBSTONE_WORDS = {"account_id": "Account whose record was withdrawn."}
_POST_DAY = "Day of the post in UTC; the partition."


@dataclass(frozen=True, slots=True)
class Entity:
    """What one staged table holds, whoever delivers it.

    Attributes:
        columns: what follows the header.
        more_key: what besides the position of the raw row makes a row unique.
        day: what the partition day means.
        words: sharper descriptions of columns.
    """

    what: str
    grain: str
    columns: str
    day: str
    more_key: tuple[str, ...] = ()
    words: dict[str, str] = field(default_factory=dict)


ENTITIES = {
    "posts": Entity("Posts", "one observation or revision of a post", f"{POST} delivery", _POST_DAY),
    "accounts": Entity(
        "Profiles",
        "one observation of a profile",
        f"account_id {PROFILE}",
        "Day on which the profile was as the row tells, in UTC; the partition.",
        words=PROFILE_WORDS,
    ),
    "interactions": Entity(
        "Interactions",
        "one interaction of one raw row",
        INTERACTION,
        "Day of the interaction in UTC; the partition.",
        ("kind",),
        INTERACTION_WORDS,
    ),
    "follows": Entity(
        "Follows",
        "one observation of a follow",
        FOLLOW,
        "Day on which the follow was made, else observed, in UTC; the partition.",
    ),
    "tombstones": Entity(
        "Withdrawals of records",
        "one withdrawal",
        TOMBSTONE,
        "Day of the withdrawal in UTC; the partition.",
        words=TOMBSTONE_WORDS,
    ),
    "post_links": Entity(
        "Links in posts",
        "one link of one observation of a post",
        f"{CHILD} {LINK}",
        _POST_DAY,
        ("ordinal",),
        LINK_WORDS,
    ),
    "post_hashtags": Entity(
        "Hashtags of posts", "one hashtag of one observation of a post", f"{CHILD} {HASHTAG}", _POST_DAY, ("ordinal",)
    ),
    "post_mentions": Entity(
        "Accounts that posts name",
        "one mention of one observation of a post",
        f"{CHILD} {MENTION}",
        _POST_DAY,
        ("ordinal",),
    ),
    "post_media_text": Entity(
        "Texts in the media of posts",
        "one text of one observation of a post",
        f"{CHILD} {MEDIA_TEXT}",
        _POST_DAY,
        ("ordinal",),
        {"text": "The text in the medium."},
    ),
}

# A source that cannot deliver an entity has no such table.
DELIVERS = {
    "crowdtangle": "posts accounts post_links post_hashtags post_mentions post_media_text",
    "bluesky": (
        "posts accounts interactions follows tombstones post_links post_hashtags post_mentions post_media_text"
    ),
    "twitter": "posts accounts interactions tombstones post_links post_hashtags post_mentions post_media_text",
    "tiktok": "posts accounts post_hashtags post_mentions post_media_text",
    "edges": "accounts follows",
}


def _staged(source: str, name: str) -> Table:
    entity = ENTITIES[name]
    return Table(
        name=f"stg_{source}__{name}",
        description=f"{entity.what} of {source}, renamed and typed, nothing joined or dropped.",
        grain=entity.grain,
        key=(*POSITION, *entity.more_key),
        columns=pick(f"{HEADER} {entity.columns} day", day=entity.day, **entity.words),
    )


TABLES = tuple(_staged(source, name) for source, names in DELIVERS.items() for name in names.split())
