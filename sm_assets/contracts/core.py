"""Contracts of the core tables: all platforms as one.

Here: accounts, posts, their children and contents. Not here: which row wins (sql/core/).
"""

from __future__ import annotations

from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import Reference, Table
from sm_assets.contracts.staging import (
    CHILD,
    FOLLOW,
    HASHTAG,
    INTERACTION,
    INTERACTION_WORDS,
    LINK,
    LINK_WORDS,
    MEDIA_TEXT,
    MENTION,
    POST,
    PROFILE,
    PROFILE_WORDS,
    TOMBSTONE,
    TOMBSTONE_WORDS,
)

_POST_KEY = ("platform", "post_id")
_TO_POST = Reference(_POST_KEY, "core_posts", _POST_KEY)
_WINNER = "source source_file source_sha256 source_row source_item"
_LATEST_WORDS = {"account_kind": "What the account is; null: no profile was ever observed."} | PROFILE_WORDS


def _children(name: str, what: str, grain: str, columns: str, **words: str) -> Table:
    return Table(
        name=f"core_{name}",
        description=f"{what} of the winning delivery of each post.",
        grain=grain,
        key=(*_POST_KEY, "ordinal"),
        unique_over_days=True,
        columns=pick(f"platform {CHILD} {columns} source_sha256 source_row source_item day", **words),
        references=(_TO_POST,),
    )


TABLES = (
    Table(
        name="core_posts",
        description=(
            "Posts of all platforms. Of several deliveries of one post the latest revision and observation wins; each "
            "count is its latest delivered one. Reposts are no posts; withdrawn posts are not here."
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
        name="core_interactions",
        description="What accounts did to posts and to each other: likes, reposts, replies, quotes, blocks.",
        grain="one interaction",
        key=("platform", "interaction_id"),
        unique_over_days=True,
        columns=pick(f"platform {INTERACTION} {_WINNER} observed_at is_context day", **INTERACTION_WORDS),
    ),
    Table(
        name="core_follows",
        description=(
            "Who follows whom. Of several follows of one pair the latest stands; a pair known from lists only lies on "
            "the day of its earliest list. A pair that a later list lacks is no unfollow."
        ),
        grain="one pair of follower and followed",
        key=("platform", "follower_account_id", "followed_account_id"),
        unique_over_days=True,
        columns=pick(
            f"platform {FOLLOW} {_WINNER} observed_at is_context day",
            day="Day on which the follow was made, else first observed, in UTC; the partition.",
        ),
    ),
    Table(
        name="core_tombstones",
        description=(
            "Records that were withdrawn, with what they were about where that is known, never with their text. Of "
            "several withdrawals of one record a purge stands, else the latest."
        ),
        grain="one withdrawn record",
        key=("platform", "entity", "record_id"),
        unique_over_days=True,
        columns=pick(
            f"platform {TOMBSTONE} object_post_id? object_account_id? {_WINNER} observed_at day",
            day="Day of the withdrawal in UTC; the partition.",
            **TOMBSTONE_WORDS,
        ),
    ),
    _children("post_links", "Links", "one link of one post", LINK, **LINK_WORDS),
    _children("post_hashtags", "Hashtags", "one hashtag of one post", HASHTAG),
    _children("post_mentions", "Accounts named in posts,", "one mention of one post", MENTION),
    _children(
        "post_media_text",
        "Texts in the media",
        "one text of one post",
        MEDIA_TEXT,
        text="The text in the medium.",
    ),
    Table(
        name="core_post_deliveries",
        description="In which collections a post was delivered: a donor's file, a query, a list.",
        grain="one post in one collection",
        key=(*_POST_KEY, "delivery"),
        unique_over_days=True,
        columns=pick("platform post_id delivery files_count day", files_count="Landing files of the collection."),
        references=(_TO_POST,),
    ),
    Table(
        name="core_account_history",
        description=(
            "The last observed profile of each account on each day it was observed; each column has its last value of "
            "the day, because a name and a handle may arrive apart."
        ),
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
