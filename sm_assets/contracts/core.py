"""Contracts of the core tables: all platforms as one.

Here: accounts, posts, their children and contents. Not here: which row wins (sql/core/).
"""

from __future__ import annotations

from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import Reference, Table
from sm_assets.contracts.staging import CHILD, LINK, LINK_WORDS, MEDIA_TEXT, POST, PROFILE, PROFILE_WORDS

_POST_KEY = ("platform", "post_id")
_TO_POST = Reference(_POST_KEY, "core_posts", _POST_KEY)
_WINNER = "source source_file source_sha256 source_row source_item"
_LATEST_WORDS = {"account_kind": "What the account is; null: no profile was ever observed."} | PROFILE_WORDS

TABLES = (
    Table(
        name="core_posts",
        description=(
            "Posts of all platforms. Of several deliveries of one post the latest revision and observation wins; each "
            "count is its latest delivered one. Reposts are no posts."
        ),
        grain="one post",
        key=_POST_KEY,
        unique_over_days=True,
        columns=pick(
            f"platform {POST} {_WINNER} observed_at is_context edits_count edited_at? metrics_observed_at? files_count "
            "day",
            source_file="Landing file whose row won.",
            day="Day of the post in UTC; the partition.",
        ),
    ),
    Table(
        name="core_post_links",
        description="Links of the winning delivery of each post.",
        grain="one link of one post",
        key=(*_POST_KEY, "ordinal"),
        unique_over_days=True,
        columns=pick(f"platform {CHILD} {LINK} source_sha256 source_row source_item day", **LINK_WORDS),
        references=(_TO_POST,),
    ),
    Table(
        name="core_post_media_text",
        description="Texts in the media of the winning delivery of each post.",
        grain="one text of one post",
        key=(*_POST_KEY, "ordinal"),
        unique_over_days=True,
        columns=pick(
            f"platform {CHILD} {MEDIA_TEXT} source_sha256 source_row source_item day", text="The text in the medium."
        ),
        references=(_TO_POST,),
    ),
    Table(
        name="core_account_history",
        description="The last observed profile of each account on each day it was observed.",
        grain="one account on one day",
        key=("platform", "account_id"),
        columns=pick(
            f"platform account_id {PROFILE} observed_at source_sha256 source_row source_item day", **PROFILE_WORDS
        ),
    ),
    Table(
        name="core_accounts",
        description=(
            "Accounts seen on a day in any role, with the profile known by the end of that day: each column is its "
            "latest observed value, or the earliest later one where none was known yet. Readers of a window take an "
            "account's last row."
        ),
        grain="one account on one day it was seen",
        key=("platform", "account_id"),
        columns=pick(
            f"platform account_id roles account_kind? {PROFILE.split(' ', 1)[1]} profile_observed_at? "
            "profile_from_later first_seen_day day",
            **_LATEST_WORDS,
        ),
    ),
    Table(
        name="core_post_contents",
        description=(
            "What each post pushes: its text, link and image text in a form in which copies are equal. Contents that "
            "are too short or boilerplate stay here with their guard, so that counts add up, and go no further."
        ),
        grain="one content of one post",
        key=(*_POST_KEY, "content_mode", "content_kind"),
        unique_over_days=True,
        columns=pick(
            "platform account_id post_id posted_at content_mode content_kind content_id is_primary n_chars guard? "
            "content_version preview? day"
        ),
        references=(_TO_POST,),
        kinds=("python", "parquet"),
    ),
)
