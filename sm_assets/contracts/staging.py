"""Contracts of the staged tables: one per entity, met by every source that delivers it.

Here: the entities' columns, and which source delivers which entity. Not here: the renaming itself
(sql/staging/<source>/).
"""

from __future__ import annotations

from sm_assets.contracts.columns import pick
from sm_assets.contracts.raw import POSITION
from sm_assets.contracts.schema import Column, Table

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
CHILD = "post_id ordinal account_id posted_at revision"
LINK = "url expanded_url? final_url? title? description? link_role"
MEDIA_TEXT = "media_text_kind text"
PROFILE_WORDS = {
    "description": "The account's own description, perhaps cut by the exporter.",
    "url": "Address of the account.",
}
LINK_WORDS = {"url": "The link as it stands in the post.", "description": "Description of the linked page."}


def _staged(source: str, entity: str, what: str, grain: str, columns: tuple[Column, ...], *more_key: str) -> Table:
    return Table(
        name=f"stg_{source}__{entity}",
        description=f"{what} of {source}, renamed and typed, nothing joined or dropped.",
        grain=grain,
        key=(*POSITION, *more_key),
        columns=columns,
    )


_ACCOUNT_DAY = (
    "Day of the post whose row carried the profile, in UTC: such a row states the page as it was at posting. "
    "The partition."
)

TABLES = (
    _staged(
        "crowdtangle",
        "posts",
        "Posts",
        "one observation of a post",
        pick(f"{HEADER} {POST} day", day="Day of the post in UTC; the partition."),
    ),
    _staged(
        "crowdtangle",
        "accounts",
        "Profiles",
        "one observation of a profile",
        pick(f"{HEADER} account_id {PROFILE} day", day=_ACCOUNT_DAY, **PROFILE_WORDS),
    ),
    _staged(
        "crowdtangle",
        "post_links",
        "Links in posts",
        "one link of one observation of a post",
        pick(f"{HEADER} {CHILD} {LINK} day", **LINK_WORDS),
        "ordinal",
    ),
    _staged(
        "crowdtangle",
        "post_media_text",
        "Texts in the media of posts",
        "one text of one observation of a post",
        pick(f"{HEADER} {CHILD} {MEDIA_TEXT} day", text="The text in the medium."),
        "ordinal",
    ),
)
