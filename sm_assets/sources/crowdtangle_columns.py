"""The columns of CrowdTangle exports: one name whatever the vintage, and which vintage a header is.

Here: delivered names and what they map to. Not here: reading of any row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sm_assets.contracts.delivered.crowdtangle import CELLS
from sm_assets.errors import UnknownVintage
from sm_assets.sources.csv_file import ColumnOf, Header, column_mapper

# Delivered name -> raw column, in the order of the 2021 export.
_FACEBOOK = {
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
    "Views": "post_views",
    "Photo": "photo",
    "Title": "title",
}
_INSTAGRAM = (
    "page_name", "user_name", "followers_at_posting", "post_created", "post_created_date", "post_created_time", "type",
    "total_interactions", "likes", "comments", "post_views", "url", "link", "photo", "title", "description",
    "image_text", "sponsor_id", "sponsor_name", "overperforming_score",
)  # fmt: skip
# Posts of the CrowdTangle API (its wiki, pages Post and Account); of nested objects the names are joined.
_API = {
    "platform": "platform_name",
    "platformId": "platform_post_id",
    "date": "post_created",
    "updated": "updated",
    "type": "type",
    "title": "link_text",
    "description": "description",
    "message": "message",
    "link": "link",
    "expandedLinks": "expanded_links",
    "postUrl": "url",
    "imageText": "image_text",
    "languageCode": "language",
    "subscriberCount": "subscribers_at_posting",
    "videoLengthMS": "video_length_ms",
    "liveVideoStatus": "video_share_status",
    "media": "multimedia",
    "caption": "link_caption",
    "account_id": "crowdtangle_account_id",
    "account_platformId": "facebook_id",
    "account_name": "page_name",
    "account_handle": "user_name",
    "account_accountType": "account_type",
    "account_pageCategory": "page_category",
    "account_pageAdminTopCountry": "page_admin_top_country",
    "account_pageDescription": "page_description",
    "account_pageCreatedDate": "page_created",
    "brandedContentSponsor_platformId": "sponsor_id",
    "brandedContentSponsor_name": "sponsor_name",
    "statistics_actual_likeCount": "likes",
    "statistics_actual_favoriteCount": "likes",
    "statistics_actual_commentCount": "comments",
    "statistics_actual_shareCount": "shares",
    "statistics_actual_loveCount": "love",
    "statistics_actual_wowCount": "wow",
    "statistics_actual_hahaCount": "haha",
    "statistics_actual_sadCount": "sad",
    "statistics_actual_angryCount": "angry",
    "statistics_actual_careCount": "care",
    "statistics_actual_videoPostViewCount": "post_views",
    "statistics_actual_viewCount": "post_views",
    "statistics_actual_videoTotalViewCount": "total_views",
    "statistics_actual_videoAllCrosspostsViewCount": "total_views_for_all_crossposts",
    "score": "overperforming_score",
}
# Fields of the Meta Content Library's posts (its data dictionary).
_MCL = {
    "id": "mcl_post_id",
    "creation_time": "post_created",
    "modified_time": "modified",
    "text": "message",
    "lang": "language",
    "content_type": "type",
    "media_type": "type",
    "hashtags": "delivered_hashtags",
    "mcl_url": "url",
    "multimedia": "multimedia",
    "image_text": "image_text",
    "shared_post_id": "shared_post_id",
    "post_owner.id": "mcl_owner_id",
    "post_owner.name": "page_name",
    "post_owner.username": "user_name",
    "post_owner.type": "account_type",
    "surface.id": "surface_id",
    "surface.name": "surface_name",
    "surface.type": "surface_type",
    "link_attachment.link": "link",
    "link_attachment.name": "link_text",
    "link_attachment.caption": "link_caption",
    "link_attachment.description": "description",
    "branded_content_page_id": "sponsor_id",
    "statistics.reaction_count": "reactions",
    "statistics.like_count": "likes",
    "statistics.comment_count": "comments",
    "statistics.share_count": "shares",
    "statistics.love_count": "love",
    "statistics.wow_count": "wow",
    "statistics.haha_count": "haha",
    "statistics.sad_count": "sad",
    "statistics.angry_count": "angry",
    "statistics.care_count": "care",
    "statistics.views": "post_views",
}
# What only posts on Facebook have there.
_MCL_FACEBOOK = frozenset({"reactions", "shares", "love", "wow", "haha", "sad", "angry", "care", "surface_id"})

RAW_COLUMNS: tuple[str, ...] = tuple(CELLS)
COUNT_COLUMNS = (
    "likes_at_posting", "followers_at_posting", "total_interactions", "likes", "comments", "shares", "love", "wow",
    "haha", "sad", "angry", "care", "reactions", "post_views",
)  # fmt: skip
# What Total Interactions is the sum of.
PARTS = ("likes", "comments", "shares", "love", "wow", "haha", "sad", "angry", "care")
_NAME_OF = (
    {column: name for names in (_MCL, _API, _ALIASES) for name, column in names.items()}
    | {column: name for name, column in _FACEBOOK.items()}
    | {column: name for name, column in _PREFIXES.items()}
)


def delivered_name(column: str) -> str:
    """The export's name of a raw column."""
    return _NAME_OF[column]


@dataclass(frozen=True, slots=True)
class Family:
    """Vintages whose columns have the same names: delivered name -> raw column, how one begins -> raw column."""

    names: Mapping[str, str]
    prefixes: Mapping[str, str] = field(default_factory=dict)

    def mapper(self, stated: Mapping[str, str] | None = None) -> ColumnOf:
        """From a delivered name to a raw column; what the user states goes first."""
        return column_mapper(self.names, stated, self.prefixes)

    def name_of(self, column: str) -> str:
        """The family's name of a raw column."""
        return next((name for name, to in self.names.items() if to == column), _NAME_OF[column])


EXPORTS = Family(_FACEBOOK | _ALIASES, _PREFIXES)
API = Family(_API | {name.replace("_", "."): column for name, column in _API.items()})
MCL = Family(_MCL)


@dataclass(frozen=True, slots=True)
class Vintage:
    """One known form of export.

    Attributes:
        family: where its names stand.
        needs: raw columns that it must have; of `a|b` one.
        lacks: raw columns that it must not have.
        named: delivered names of which it must have one; empty: any.
        unlike: delivered names by which a raw column must not go.
        columns: raw columns that a whole file of it has.
    """

    family: Family
    needs: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


_EVERY = (*_FACEBOOK.values(), *_PREFIXES.values())
_PAGE = ("page_category", "page_admin_top_country", "page_description", "page_created")
_OF_2020 = tuple(column for column in _EVERY if column not in _PAGE)
_OLD = tuple(column for column in _OF_2020 if column not in ("post_created_date", "post_created_time", "care"))
_MINIMUM = ("page_name", "post_created", "url")
# In the order of the test. Without an address no post of an export could be told from another.
VINTAGES: dict[str, Vintage] = {
    "fb_2021": Vintage(
        EXPORTS, ("page_name", "facebook_id", "page_admin_top_country", "post_created", "post_created_date"),
        unlike=("Group Name", "Account", "Created"), columns=_EVERY,
    ),
    "fb_2020": Vintage(
        EXPORTS, (*_MINIMUM, "facebook_id"), _PAGE, unlike=("Group Name", "Account", "Created"), columns=_OF_2020
    ),
    "fb_old": Vintage(
        EXPORTS, (*_MINIMUM, "facebook_id"), named=("Page Likes at Posting", "Created"),
        unlike=("Group Name", "Account"), columns=_OLD,
    ),
    "instagram": Vintage(EXPORTS, _MINIMUM, ("facebook_id",), named=("Account",), columns=_INSTAGRAM),
    "fb_subset": Vintage(EXPORTS, _MINIMUM, unlike=("Account",), columns=_EVERY),
    "api_flat": Vintage(
        API, ("platform_post_id", "facebook_id|crowdtangle_account_id", "post_created", "message"),
        columns=tuple(dict.fromkeys(_API.values())),
    ),
    "mcl": Vintage(
        MCL, ("mcl_post_id", "post_created", "mcl_owner_id"), columns=tuple(dict.fromkeys(_MCL.values()))
    ),
}  # fmt: skip
_GROUP_LIKE = ("fb_2021", "fb_2020", "fb_old")
_HISTORY = frozenset({"timestep", "score date (gmt)"})


def missing_columns(vintage: str, header: Header) -> list[str]:
    """Delivered names of the columns that the vintage has and the file lacks."""
    known = VINTAGES["fb_2020" if vintage == "fb_group" else vintage]
    return [known.family.name_of(column) for column in known.columns if column not in header.positions]


def lacking(name: str, header: Header) -> list[str]:
    """What a header lacks to be of a vintage, in delivered names; empty: it is."""
    vintage = VINTAGES[name]
    names = {found.casefold() for found in header.names}
    used = {header.names[position].casefold() for position in header.positions.values()}
    lacks = []
    for need in vintage.needs:
        columns = need.split("|")
        if not any(column in header.positions for column in columns):
            lacks.append(" or ".join(vintage.family.name_of(column) for column in columns))
    if vintage.named and not any(found.casefold() in names for found in vintage.named):
        lacks.append(" or ".join(vintage.named))
    lacks += [f"no {vintage.family.name_of(column)}" for column in vintage.lacks if column in header.positions]
    lacks += [f"no {found}" for found in vintage.unlike if found.casefold() in used]
    return lacks


def vintage_of(header: Header, family: Family) -> str | None:
    """The first vintage of the family that fits; None: no one does."""
    if {name.casefold() for name in header.names} >= _HISTORY:
        return "history"
    if family is EXPORTS and is_group(header):
        # The columns of a group have the names of a page's, but for the first.
        names = tuple("Page Name" if name.casefold() == "group name" else name for name in header.names)
        as_page = Header(names, header.positions, header.unknown)
        if any(not lacking(name, as_page) for name in _GROUP_LIKE):
            return "fb_group"
    return next((name for name, v in VINTAGES.items() if v.family is family and not lacking(name, header)), None)


def is_group(header: Header) -> bool:
    """Whether the accounts are groups."""
    position = header.positions.get("page_name")
    return position is not None and header.names[position].casefold() == "group name"


def mcl_platform(columns: Mapping[str, object]) -> str:
    """The platform of a Meta Content Library file by the columns it has: fields of Facebook posts, else Instagram."""
    return "instagram" if "delivered_hashtags" in columns and not _MCL_FACEBOOK & set(columns) else "facebook"


def unknown_vintage(path: object, headers: Sequence[tuple[Family, Header]]) -> UnknownVintage:
    """The error that names the nearest vintage and what the file lacks.

    Args:
        path: of the file.
        headers: the file's header by the names of each family.
    """
    lacks = {
        name: lacking(name, header)
        for family, header in headers
        for name, vintage in VINTAGES.items()
        if vintage.family is family
    }
    nearest = min(lacks, key=lambda name: len(lacks[name]) / len(VINTAGES[name].needs))
    found = ", ".join(headers[0][1].names[:50])
    return UnknownVintage(
        f"{path}: no known export of posts has these columns: {found}. Nearest: {nearest}, which also needs "
        f"{', '.join(lacks[nearest])}. Export posts with all columns, or map names with `columns` in a sidecar."
    )
