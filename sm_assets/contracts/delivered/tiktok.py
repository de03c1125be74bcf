"""What collections of TikTok videos deliver: the columns of raw_tiktok__videos.

Here: every column of every vintage under one name, that of pyktok where it has one. Not here: how a file is read
(`sm_assets.sources.tiktok`).
"""

from __future__ import annotations

from sm_assets.contracts.delivered.record import Record
from sm_assets.contracts.makers import count, flag, number, text, time
from sm_assets.contracts.schema import Column

# Delivered cells: what a sidecar's `columns` may map delivered names to.
CELLS = {
    "row_number": "Number of the row in the file before it was filtered",
    "video_id": "Id of the video",
    "video_timestamp": "Time of the post: the collector's local clock, or seconds since 1970",
    "video_duration": "Length of the video in seconds",
    "video_locationcreated": "Country in which the video was made or its author is registered",
    "suggested_words": "Searches that the platform suggests beside the video",
    "video_diggcount": "Likes of the video",
    "video_sharecount": "Shares of the video",
    "video_commentcount": "Comments on the video",
    "video_playcount": "Views of the video",
    "video_favoritescount": "How often the video was saved",
    "video_description": "Caption of the video",
    "video_is_ad": "Whether the video is paid content",
    "video_stickers": "Texts laid over the video",
    "author_username": "Handle of the author",
    "author_name": "Name of the author",
    "author_followercount": "Followers of the author",
    "author_followingcount": "Accounts that the author follows",
    "author_heartcount": "Likes that the author's videos received",
    "author_videocount": "Videos of the author",
    "author_diggcount": "Likes that the author gave",
    "author_verified": "Whether the author is verified",
    "hashtags": "Hashtags as a list",
    "voice_to_text": "Speech of the video in words",
    "video_mention_list": "Accounts that the caption names, as a list",
    "hashtag_info_list": "Hashtags with their ids and descriptions",
    "sticker_info_list": "Stickers of the video",
    "effect_ids": "Effects of the video",
    "effect_info_list": "Effects with their names",
    "music_id": "Id of the music",
    "playlist_id": "Id of the playlist",
    "video_label": "Labels that the platform put on the video",
    "video_tag": "Tags that the platform put on the video",
    "is_stem_verified": "Whether the platform verified it as science content",
}
# What the reader found in caption and lists. It lies outside of `parsed` because it holds what people wrote.
_LISTS = {
    "hashtag_list": "Hashtags without #, order and repeats kept.",
    "hashtag_list_normalised": "The same in Unicode form NFKC, case-folded, without blanks around.",
    "mention_list": "Handles that the caption names, without @.",
    "suggestion_list": "Suggested searches one by one, order and repeats kept.",
}
# The reader's own readings of the delivered cells: everything that can reject or repair has happened before staging.
_PARSED = Column(
    "parsed",
    "struct",
    "The reader's readings of the delivered cells; staging renames and casts them.",
    fields=(
        text("post_id", "Post as keyed."),
        text("account_id", "Account as keyed: the handle in lower case."),
        time("posted_at", "Time of the post in UTC."),
        text("time_source", "Whose clock it comes from: the platform's, or the key's.", "platform", "key"),
        count("likes", "likes", "Likes."),
        count("shares", "shares", "Shares."),
        count("comments", "comments", "Comments."),
        count("views", "views", "Views."),
        number("duration_seconds", "seconds", "Length of the video.", 0),
        text("country_code", "Two capital letters."),
        flag("is_ad", "Paid content."),
        count("author_followers", "accounts", "Followers of the author."),
        count("author_following", "accounts", "Accounts that the author follows."),
        count("author_hearts", "likes", "Likes that the author's videos received."),
        count("author_videos", "posts", "Videos of the author."),
        flag("is_verified", "The author is verified."),
    ),
)

COLUMNS: dict[str, Column] = (
    {"parsed": _PARSED}
    | {name: text(name, f"{what}, as delivered.") for name, what in CELLS.items()}
    | {name: Column(name, "list<text>", what) for name, what in _LISTS.items()}
)
RECORDS = (
    Record(
        name="videos",
        description="Videos as delivered: every cell as text, whatever the vintage.",
        grain="one video of one landing file",
        columns=(
            f"source_line {' '.join(f'{name}?' for name in CELLS)} extra? {' '.join(f'{name}?' for name in _LISTS)} "
            "zone? exported_at? parsed"
        ),
        day="Day of the post in UTC; the partition.",
    ),
)
