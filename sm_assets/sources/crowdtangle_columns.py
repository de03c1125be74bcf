"""The columns of CrowdTangle exports: one name whatever the vintage, and which vintage a header is.

Here: header names and what they map to. Not here: reading of any row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sm_assets.errors import UnknownVintage

# Delivered name -> raw column, in the order of the 2021 export.
_DELIVERED = {
    "Page Name": "page_name",
    "User Name": "user_name",
    "Facebook Id": "facebook_id",
    "Page Category": "page_category",
    "Page Admin Top Country": "page_admin_top_country",
    "Page Description": "page_description",
    "Page Created": "page_created",
    "Likes at Posting": "likes_at_posting",
    "Followers at Posting": "followers_at_posting",
    "Post Created": "post_created",
    "Post Created Date": "post_created_date",
    "Post Created Time": "post_created_time",
    "Type": "type",
    "Total Interactions": "total_interactions",
    "Likes": "likes",
    "Comments": "comments",
    "Shares": "shares",
    "Love": "love",
    "Wow": "wow",
    "Haha": "haha",
    "Sad": "sad",
    "Angry": "angry",
    "Care": "care",
    "Video Share Status": "video_share_status",
    "Is Video Owner?": "is_video_owner",
    "Post Views": "post_views",
    "Total Views": "total_views",
    "Total Views For All Crossposts": "total_views_for_all_crossposts",
    "Video Length": "video_length",
    "URL": "url",
    "Message": "message",
    "Link": "link",
    "Final Link": "final_link",
    "Image Text": "image_text",
    "Link Text": "link_text",
    "Description": "description",
    "Sponsor Id": "sponsor_id",
    "Sponsor Name": "sponsor_name",
    "Sponsor Category": "sponsor_category",
}
# The two score columns carry the dashboard's weights in their names.
_PREFIXES = {
    "Total Interactions (weighted": "total_interactions_weighted",
    "Overperforming Score": "overperforming_score",
}
# Names of other vintages for the same column.
_ALIASES = {
    "Group Name": "page_name",
    "Account": "page_name",
    "Created": "post_created",
    "Page Likes at Posting": "likes_at_posting",
}

RAW_COLUMNS: tuple[str, ...] = (*_DELIVERED.values(), *_PREFIXES.values())
COUNT_COLUMNS = (
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
# What Total Interactions is the sum of.
PARTS = ("likes", "comments", "shares", "love", "wow", "haha", "sad", "angry", "care")

_BY_NAME = {name.casefold(): column for name, column in (_DELIVERED | _ALIASES).items()}
_NAME_OF = {column: name for name, column in (_DELIVERED | _PREFIXES).items()}

# Vintage -> (columns it must have, delivered names that it must not have), in the order of the test.
VINTAGES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "fb_2021": (("page_name", "facebook_id", "page_admin_top_country", "post_created", "post_created_date"), ()),
    "fb_2020": (
        ("page_name", "facebook_id", "post_created", "url"),
        ("page_category", "page_admin_top_country", "page_description", "page_created"),
    ),
    "fb_subset": (("page_name", "post_created", "url"), ()),
}
# Names that only exports of another kind have.
_FOREIGN = ("group name", "account", "created", "page likes at posting", "timestep", "score date (gmt)")


def delivered_name(column: str) -> str:
    """The export's name of a raw column."""
    return _NAME_OF[column]


def fold_name(name: str) -> str:
    """A header name without byte order mark, no-break spaces and repeated blanks."""
    return re.sub(r"\s+", " ", name.replace("\ufeff", "").replace("\u00a0", " ")).strip()


@dataclass(frozen=True)
class Header:
    """A header mapped to raw columns.

    Attributes:
        names: delivered names, folded.
        positions: raw column -> position of the field.
        unknown: delivered name -> position, for columns with no raw column (or a second one of the same name).
    """

    names: tuple[str, ...]
    positions: dict[str, int]
    unknown: dict[str, int]

    @classmethod
    def of(cls, names: list[str], mapped: dict[str, str] | None = None) -> Header:
        """Map delivered names; `mapped` (delivered name -> raw column) overrides."""
        own = {fold_name(name).casefold(): column for name, column in (mapped or {}).items()}
        positions: dict[str, int] = {}
        unknown: dict[str, int] = {}
        folded = tuple(fold_name(name) for name in names)
        for position, name in enumerate(folded):
            key = name.casefold()
            column = own.get(key) or _BY_NAME.get(key)
            if column is None:
                column = next((to for prefix, to in _PREFIXES.items() if key.startswith(prefix.casefold())), None)
            if column is not None and column not in positions:
                positions[column] = position
                continue
            label, n = name or f"column {position + 1}", 2
            while label in unknown:
                label, n = f"{name} ({n})", n + 1
            unknown[label] = position
        return cls(folded, positions, unknown)

    @property
    def missing(self) -> list[str]:
        """Delivered names of the known columns that the file lacks."""
        return [_NAME_OF[column] for column in RAW_COLUMNS if column not in self.positions]

    def vintage(self, path: object) -> str:
        """The first vintage that fits.

        Raises:
            UnknownVintage: none fits; the message names the nearest and what it lacks.
        """
        foreign = [name for name in self.names if name.casefold() in _FOREIGN]
        for vintage, (required, forbidden) in VINTAGES.items():
            if (
                not foreign
                and all(column in self.positions for column in required)
                and not any(column in self.positions for column in forbidden)
            ):
                return vintage
        nearest = min(VINTAGES, key=lambda v: len([c for c in VINTAGES[v][0] if c not in self.positions]))
        lacks = [_NAME_OF[column] for column in VINTAGES[nearest][0] if column not in self.positions]
        raise UnknownVintage(
            f"{path}: no known CrowdTangle page export has these columns: {', '.join(self.names[:50])}. "
            f"Nearest: {nearest}"
            + (
                f", which also needs {', '.join(lacks)}."
                if lacks
                else f"; columns of another kind of export: {', '.join(foreign)}."
            )
            + " Export posts of Facebook pages with all columns, or map names with `columns` in a sidecar."
        )
