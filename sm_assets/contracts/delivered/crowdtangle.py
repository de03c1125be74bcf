"""What CrowdTangle exports deliver: the columns of raw_crowdtangle__posts.

Here: every column of every vintage under one name. Not here: how a file is read (`sm_assets.sources.crowdtangle`).
"""

from __future__ import annotations

from sm_assets.contracts.delivered.record import Record
from sm_assets.contracts.makers import count, number, text, time
from sm_assets.contracts.schema import Column

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
    "reactions",
    "post_views",
)
# The reader's own readings of the delivered cells: everything that can reject or repair has happened before staging.
_PARSED = Column(
    "parsed",
    "struct",
    "The reader's readings of the delivered cells; staging renames and casts them.",
    fields=(
        text("platform", "Platform of the post."),
        text("account_id", "Account as keyed."),
        text("account_kind", "What the account is: page, group, profile or account."),
        text("post_id", "Post as keyed."),
        time("posted_at", "Time of the post in UTC."),
        time("page_created_at", "When the page was created."),
        text("country_code", "Country of the page's administrators, ISO 3166-1 alpha-2 capitals."),
        *(count(name, "", f"{name} as a whole number.") for name in _PARSED_COUNTS),
        number("video_seconds", "seconds", "Length of the video."),
    ),
)

CELLS = {
    "page_name": "Name of the page, group or account",
    "user_name": "Name in the page's address",
    "facebook_id": "Numeric id of the page or group",
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
    "post_views": "Views of the post, or of its video in this post",
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
    "photo": "Address of the photo of an Instagram post",
    "title": "Title of the post's medium",
    "platform_name": "Platform as the API names it",
    "platform_post_id": "The platform's id of the post, from the API",
    "crowdtangle_account_id": "CrowdTangle's own id of the account, not the platform's",
    "account_type": "Kind of account",
    "subscribers_at_posting": "Followers or likes when it posted, as the dashboard was set",
    "video_length_ms": "Length of the video in milliseconds",
    "expanded_links": "Links of the post with where they lead",
    "updated": "When CrowdTangle last looked at the post, UTC",
    "language": "Language of the text as the platform detected it",
    "mcl_post_id": "Meta Content Library id of the post, not the platform's",
    "mcl_owner_id": "Meta Content Library id of the account, not the platform's",
    "reactions": "All reactions to the post",
    "delivered_hashtags": "Hashtags as a field of their own",
    "link_caption": "Site of the linked page",
    "multimedia": "Media of the post",
    "surface_type": "Kind of place where the post stands",
    "surface_id": "Meta Content Library id of the place where the post stands",
    "surface_name": "Name of the place where the post stands",
    "shared_post_id": "Meta Content Library id of the post that is shared",
    "modified": "When the post was last changed",
}
_FOUND = {
    "hashtags": "Hashtags found in the text, without #, in their order.",
    "hashtags_normalised": "The same, NFKC and case-folded.",
    "mentions": "Names behind @ found in the text, in their order.",
}

COLUMNS = (
    {"parsed": _PARSED}
    | {name: text(name, f"{what}, as delivered.") for name, what in CELLS.items()}
    | {name: Column(name, "list<text>", what) for name, what in _FOUND.items()}
)
RECORDS = (
    Record(
        name="posts",
        description="Posts of CrowdTangle exports as delivered: every cell as text, whatever the vintage.",
        grain="one data row of one landing file",
        columns=(
            f"source_line {' '.join(f'{name}?' for name in (*CELLS, *_FOUND))} extra? warnings? zone? exported_at? "
            "parsed"
        ),
        day="Day of the post in UTC; the partition.",
    ),
)
