"""What Bluesky files deliver: events of the stream, records of a repository, posts as a search found them.

Here: the columns of the raw tables; both versions of Jetstream and repositories fill the same ones. Not here: how a
file is read (`sm_assets.sources.bluesky`).
"""

from __future__ import annotations

from sm_assets.contracts.delivered.record import Record
from sm_assets.contracts.makers import count, flag, text, time
from sm_assets.contracts.schema import Column

_TIMES = (
    time("event_at", "When it happened, by the clock that is believed."),
    text("time_source", "Whose clock that is: client, key or received."),
    time("claimed_at", "The time that the client wrote, believed or not."),
)
# What the reader has decided: everything that can reject or repair has happened before staging.
_PARSED = Column(
    "parsed",
    "struct",
    "The reader's readings of the delivered cells; staging renames and casts them.",
    fields=(
        text("entity", "What the event is about: post, interaction, follow, account or tombstone."),
        text("record_id", "Address of the record, or the account of an account event."),
        *_TIMES,
        text("parent_post_id", "Post that the post replies to."),
        text("parent_account_id", "Author of that post."),
        text("root_post_id", "First post of the thread."),
        text("quoted_post_id", "Post that the post quotes."),
        text("quoted_account_id", "Author of that post."),
        text("interaction_kind", "like, repost or block; of withdrawn interactions too."),
        text("object_post_id", "Post that was liked or reposted."),
        text("object_account_id", "Account that was acted on or followed."),
        text("withdrawn_entity", "What a withdrawal withdraws."),
        text("action", "purge, hide or restore."),
        text("reason", "Why it was withdrawn."),
        Column("record_day", "date", "Day of the withdrawn record by its key."),
        text("media_kind", "Main medium of the post."),
        flag("is_sensitive", "The author labelled the post."),
        time("account_created_at", "When the account was created, as its profile states."),
    ),
)
_VIEW_PARSED = Column(
    "parsed",
    "struct",
    "The reader's readings of the delivered cells; staging renames and casts them.",
    fields=(
        text("account_id", "Author, from the address."),
        *_TIMES,
        count("replies", "posts", "Replies."),
        count("reposts", "reposts", "Reposts."),
        count("likes", "likes", "Likes."),
        count("quotes", "posts", "Quotes."),
    ),
)

_CELLS = {
    "did": "DID of the account whose repository it is",
    "kind": "Kind of event: commit, identity or account",
    "rev": "Revision of the repository",
    "operation": "create, update or delete",
    "collection": "Collection of the record",
    "rkey": "Key of the record in its collection",
    "cid": "Content id of the record",
    "created_at": "The record's createdAt, written by the client",
    "text": "Text of the post",
    "langs": "Languages that the post declares, a JSON list",
    "reply_parent_uri": "Address of the post that is replied to",
    "reply_root_uri": "Address of the first post of the thread",
    "quoted_uri": "Address of the embedded record",
    "subject": "Address or DID that a like, repost, follow or block is about",
    "embed": "What is embedded in the post, JSON",
    "facets": "Links, mentions and tags with their place in the text in UTF-8 bytes, JSON",
    "tags": "Hashtags outside the text, a JSON list",
    "labels": "Labels that the author gave, JSON",
    "display_name": "Name shown to readers",
    "profile_description": "Description of the account",
    "handle": "Handle of the account",
    "active": "Whether the account is active",
    "status": "Why the account is not active",
}
_VIEW_CELLS = {
    "uri": "Address of the post",
    "author": "Handle of the author",
    "view_created_at": "The post's createdAt, written by the client",
    "indexed_at": "When the network received the post",
    "view_text": "Text of the post",
    "reply_count": "Replies",
    "repost_count": "Reposts",
    "like_count": "Likes",
    "quote_count": "Quotes",
}
_FOUND = {
    "language_codes": "Declared languages in their order.",
    "hashtags": "Hashtags of facets and tags, without #, in their order.",
    "hashtags_normalised": "The same, NFKC, case-folded and trimmed.",
    "mentions": "DIDs of the mentioned accounts, in their order.",
    "alt_texts": "Descriptions of images and video, in their order.",
}

COLUMNS = (
    {"parsed": _PARSED, "view_parsed": _VIEW_PARSED}
    | {
        name: text(name.removeprefix("view_"), f"{what}, as delivered.")
        for name, what in (_CELLS | _VIEW_CELLS).items()
    }
    | {name: Column(name, "list<text>", what) for name, what in _FOUND.items()}
    | {
        "links": text(
            "links", "Links of facets and of the embedded card: a JSON list of {url, title, description, role}."
        )
    }
)
# Names that a sidecar's `columns` may map the header of a search export to.
CELLS = {name.removeprefix("view_"): what for name, what in _VIEW_CELLS.items()}

_EVENT = f"source_line {' '.join(f'{name}?' for name in (*_CELLS, *_FOUND, 'links'))} warnings? parsed"
_DAY = "Day of the post, interaction, follow or withdrawal, else of the observation, in UTC; the partition."
RECORDS = (
    Record(
        name="events",
        description="Events of Bluesky's stream as Jetstream delivers them, both versions in one form.",
        grain="one event of one landing file",
        columns=_EVENT,
        day=_DAY,
    ),
    Record(
        name="post_views",
        description="Posts with their counts as a search delivered them.",
        grain="one data row of one landing file",
        columns=f"source_line {' '.join(f'{name}?' for name in _VIEW_CELLS)} extra? warnings? view_parsed",
        day="Day of the post in UTC; the partition.",
    ),
    Record(
        name="records",
        description="Records of an account's repository as it stood at one revision.",
        grain="one record of one landing file",
        columns=_EVENT.removeprefix("source_line "),
        day=_DAY,
    ),
)
