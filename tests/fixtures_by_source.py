"""Small synthetic files of every source and vintage, in every wrapping, and the chain from a landing folder to core.

Here: bytes and names, and helpers that land, stage and make core as the assets do. Not here: any check.
"""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from staged import make

from sm_assets.contracts import TABLES
from sm_assets.defs.sql import days_with_input, read_by_day, table_files, table_upstreams
from sm_assets.sources.coverage import reject_days
from sm_assets.sources.intake import Intake
from sm_assets.sources.publication import raw_rows, reject_rows
from sm_assets.storage import Lake

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
EXPORTED = datetime(2024, 3, 20, 8, tzinfo=UTC)
ROWS = 24
HOUR = timedelta(hours=1)
TEXTS = (
    'Two\nlines, "quoted" and a #Tag',
    "Grüße aus Köln 🙂 @some.one",
    "日本語のテキスト #日本 #ﬁn",
    "plain words & an ampersand &amp; https://news.example/a?b=c",
    "e\u0301 and \u00e9, no-break\u00a0space, العربية",
    "NA",
    "",
    "👩‍👩‍👧 it's; semi\tcolon \\ back",
)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delivered:
    """One file below landing/<source>/.

    Attributes:
        vintage: what it is recognised as.
        rows: raw rows that it gives.
        plain: its bytes without compression.
    """

    source: str
    name: str
    plain: bytes
    vintage: str
    rows: int
    wrapping: str = ""

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return WRAPPINGS[self.wrapping](self.plain)

    def wrapped(self, wrapping: str) -> Delivered:
        """The same file compressed; the name stays, because it may say when the file was exported."""
        return replace(self, wrapping=wrapping)


def zst(data: bytes) -> bytes:
    """One frame."""
    packed: bytes = pa.compress(data, "zstd", asbytes=True)
    return packed


def halves(data: bytes) -> tuple[bytes, bytes]:
    """Cut anywhere: members and frames know nothing of lines."""
    return data[: len(data) // 2], data[len(data) // 2 :]


WRAPPINGS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    "gz": lambda data: gzip.compress(data, mtime=0),
    "zst": zst,
    "two members": lambda data: b"".join(gzip.compress(part, mtime=0) for part in halves(data)),
    "two frames": lambda data: b"".join(zst(part) for part in halves(data)),
}


def when(number: int) -> datetime:
    """Time of the record of a number: all of them lie on three days."""
    return NOON + timedelta(hours=2 * number, seconds=number)


def text_of(number: int) -> str:
    """Words of the record of a number."""
    return TEXTS[number % len(TEXTS)]


def csv_bytes(
    rows: Iterable[Mapping[str, Any]], columns: Iterable[str], end: str = "\r\n", delimiter: str = ","
) -> bytes:
    """A CSV file."""
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, list(columns), restval="", lineterminator=end, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()


def line_bytes(records: Iterable[Any]) -> bytes:
    """One JSON value per line."""
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


# ---------------------------------------------------------------- crowdtangle

_PAGE = 100_000_000_000_001
_FACEBOOK = (
    "Page Name", "User Name", "Facebook Id", "Likes at Posting", "Followers at Posting", "Post Created",
    "Post Created Date", "Post Created Time", "Type", "Total Interactions", "Likes", "Comments", "Shares", "Love",
    "Wow", "Haha", "Sad", "Angry", "Care", "Video Share Status", "Is Video Owner?", "Post Views", "Total Views",
    "Total Views For All Crossposts", "Video Length", "URL", "Message", "Link", "Final Link", "Image Text",
    "Link Text", "Description", "Sponsor Id", "Sponsor Name", "Sponsor Category",
    "Total Interactions (weighted  —  Likes 1x Shares 1x )", "Overperforming Score (weighted  —  Likes 1x )",
)  # fmt: skip
_OF_2021 = ("Page Category", "Page Admin Top Country", "Page Description", "Page Created")
_NOT_OLD = ("Post Created Date", "Post Created Time", "Care")
_INSTAGRAM = (
    "Account", "User Name", "Followers at Posting", "Post Created", "Type", "Total Interactions", "Likes", "Comments",
    "Views", "URL", "Link", "Photo", "Title", "Description", "Image Text", "Sponsor Id", "Sponsor Name",
)  # fmt: skip


def crowdtangle_row(number: int, shares: int = 1) -> Row:
    """A post of one of four pages, under the names of all exports."""
    page = _PAGE + number % 4
    likes = 1000 + number
    return {
        "Page Name": f"Page, {number % 4} ✓", "Group Name": f"Group {number % 4}", "Account": "An Account",
        "User Name": f"a.page.{number % 4}", "Facebook Id": str(page), "Page Category": "NEWS",
        "Page Admin Top Country": "US", "Page Description": 'Cut, "here"\nand there',
        "Page Created": "2010-01-01 00:00:00",
        "Likes at Posting": "9,000", "Page Likes at Posting": "9,000", "Followers at Posting": "12,000",
        "Post Created": f"{when(number) - 5 * HOUR:%Y-%m-%d %H:%M:%S} EST",
        "Created": f"{when(number) - 5 * HOUR:%Y-%m-%d %H:%M:%S} EST",
        "Post Created Date": f"{when(number):%Y-%m-%d}", "Post Created Time": f"{when(number):%H:%M:%S}",
        "Type": ("Status", "Photo", "Link", "Native Video")[number % 4], "Total Interactions": f"{likes + shares:,}",
        "Likes": f"{likes:,}", "Shares": str(shares), **dict.fromkeys(("Comments", "Love", "Wow", "Haha"), "0"),
        **dict.fromkeys(("Sad", "Angry", "Care"), "0"), "Is Video Owner?": "-", "Post Views": "77", "Views": "78",
        "Video Length": "00:01:30" if number % 4 == 3 else "N/A",
        "URL": f"https://www.facebook.com/{page}/posts/{9_007_199_254_740_993 + number}", "Message": text_of(number),
        "Link": "https://short.example/x", "Final Link": f"https://news.example/{number}", "Link Text": "Überschrift",
        "Image Text": "WORDS", "Description": "What it says", "Overperforming Score (weighted  —  Likes 1x )": "-1.5",
    }  # fmt: skip


def _export(columns: Iterable[str], rows: Iterable[Row]) -> bytes:
    names = tuple(columns)
    return csv_bytes(({name: row[name] for name in names if name in row} for row in rows), names)


def _without(*names: str) -> tuple[str, ...]:
    return tuple(name for name in _FACEBOOK if name not in names)


def _on_instagram(row: Row, number: int) -> Row:
    total = {"Total Interactions": f"{1000 + number:,}"}
    return row | total | {"URL": f"https://www.instagram.com/p/CaSe_{number}/", "Description": row["Message"]}


def _api(number: int) -> Row:
    page = _PAGE + number % 4
    return {
        "id": 7, "platformId": f"{page}_{9_007_199_254_740_993 + number}", "platform": "Facebook", "type": "photo",
        "date": f"{when(number):%Y-%m-%d %H:%M:%S}", "updated": "2024-03-19 10:00:00", "message": text_of(number),
        "expandedLinks": [{"original": "https://short.example/x", "expanded": "https://news.example/y"}],
        "link": "https://short.example/x", "postUrl": f"https://www.facebook.com/{page}/posts/{number}",
        "statistics": {
            "actual": {"likeCount": number, "commentCount": 2, "shareCount": 3}, "expected": {"likeCount": 1},
        },
        "account": {
            "id": 5, "platformId": str(page), "name": f"Page {number % 4} ✓", "handle": "a.page",
            "accountType": "facebook_page", "pageAdminTopCountry": "US",
        },
    }  # fmt: skip


def _mcl(number: int) -> Row:
    return {
        "id": str(9_007_199_254_740_993 + number), "creation_time": f"{when(number):%Y-%m-%dT%H:%M:%S+0000}",
        "text": text_of(number), "lang": "en", "content_type": "photos", "mcl_url": f"https://library.example/{number}",
        "post_owner": {"id": str(55 + number % 4), "name": "A Page ✓", "username": "a.page", "type": "facebook_page"},
        "statistics": {"like_count": 5, "comment_count": 1, "share_count": 2, "views": 1000, "love_count": 1},
        "link_attachment": {"link": "https://news.example/x", "name": "Headline"}, "match_type": ["text"],
    }  # fmt: skip


def flat(value: Mapping[str, Any], join: str, head: str = "") -> Row:
    """Nested objects as one, their names joined."""
    made: Row = {}
    for name, inner in value.items():
        made |= flat(inner, join, f"{head}{name}{join}") if isinstance(inner, dict) else {f"{head}{name}": inner}
    return made


def crowdtangle(count: int = ROWS) -> list[Delivered]:
    """Every vintage of CrowdTangle."""
    rows = [crowdtangle_row(number) for number in range(count)]
    group = tuple("Group Name" if name == "Page Name" else name for name in _FACEBOOK)
    old = tuple({"Likes at Posting": "Page Likes at Posting", "Post Created": "Created"}.get(n, n) for n in _FACEBOOK)
    api, mcl = [_api(number) for number in range(count)], [_mcl(number) for number in range(count)]
    api_cells = [{k: v if isinstance(v, str) else json.dumps(v) for k, v in flat(row, "_").items()} for row in api]
    mcl_dots = [flat(row, ".") for row in mcl]
    instagram = [_on_instagram(row, number) for number, row in enumerate(rows)]
    history = "".join(f"{k},2024-03-01 0{k % 9}:00:00,{k}{',9' * (k % 3)}\n" for k in range(count))
    made = {
        "2024-03-20-08-00-00-UTC-fb_2021.csv": (_export((*_FACEBOOK[:3], *_OF_2021, *_FACEBOOK[3:]), rows), "fb_2021"),
        "2024-03-20-08-00-00-UTC-fb_2020.csv": (_export(_FACEBOOK, rows), "fb_2020"),
        "old.csv": (_export((name for name in old if name not in _NOT_OLD), rows), "fb_old"),
        "group.csv": (_export(group, rows), "fb_group"),
        "instagram.csv": (_export(_INSTAGRAM, instagram), "instagram"),
        "subset.csv": (_export(("Page Name", "Post Created", "URL", "Message"), rows), "fb_subset"),
        "api.csv": (csv_bytes(api_cells, api_cells[0] if api_cells else flat(_api(0), "_")), "api_flat"),
        "api.jsonl": (line_bytes(api), "api_flat"),
        "mcl.jsonl": (line_bytes(mcl), "mcl"),
        "mcl_dots.json": (json.dumps(mcl_dots, ensure_ascii=False, indent=1).encode(), "mcl"),
    }  # fmt: skip
    files = [Delivered("crowdtangle", name, data, vintage, count) for name, (data, vintage) in made.items()]
    text = f"Timestep,Score Date (GMT),Likes\n{history}".encode()
    return [*files, Delivered("crowdtangle", "history.csv", text, "history", 0)]


# -------------------------------------------------------------------- bluesky

ANN, BOB, CAT = "did:plc:annannannannannannannann", "did:plc:bobbobbobbobbobbobbobbob", "did:web:cat.example"
_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
_POST, _LIKE, _FOLLOW = "app.bsky.feed.post", "app.bsky.feed.like", "app.bsky.graph.follow"
_PROFILE, _BLOCK = "app.bsky.actor.profile", "app.bsky.graph.block"
_VIEWS = ("uri", "author", "createdAt", "indexedAt", "text", "replyCount", "repostCount", "likeCount", "quoteCount")


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def tid(moment: datetime) -> str:
    """Key of a record made at a moment."""
    number = micros(moment) << 10
    return "".join(_LETTERS[number >> 5 * place & 31] for place in range(12, -1, -1))


def claim(moment: datetime) -> str:
    """A time as clients write it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def at_uri(did: str, collection: str, key: str) -> str:
    """Address of a record."""
    return f"at://{did}/{collection}/{key}"


def bluesky_post(number: int) -> Row:
    """The record of a post: reply, quote, card, images with facets in turn."""
    text = text_of(number)
    other = {"uri": at_uri(BOB, _POST, tid(NOON - HOUR)), "cid": "bafyc"}
    more: list[Row] = [
        {"reply": {"root": other, "parent": other}},
        {"embed": {"$type": "app.bsky.embed.record", "record": other}, "tags": ["Über", "x"]},
        {"embed": {"$type": "app.bsky.embed.external",
                   "external": {"uri": "https://news.example/x", "title": "T 🙂", "description": "D"}}},
        {"embed": {"$type": "app.bsky.embed.images", "images": [{"alt": "ein Bild: ß", "image": {"$type": "blob"}}]},
         "facets": [{"index": {"byteStart": 0, "byteEnd": 3},
                     "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "Straße"},
                                  {"$type": "app.bsky.richtext.facet#mention", "did": BOB},
                                  {"$type": "app.bsky.richtext.facet#link", "uri": "https://news.example/z"}]}]},
    ]  # fmt: skip
    return {"text": text, "langs": ["en", "de-CH"], **more[number % 4]}


def bluesky_events(count: int = ROWS) -> list[Row]:
    """Events of all kinds in the form of version 1."""
    return [_event(number) for number in range(count)]


def _event(number: int) -> Row:
    moment, did = when(number), (ANN, CAT)[number % 2]
    kind = (
        "post",
        "post",
        "like",
        "post",
        "follow",
        "post",
        "block",
        "profile",
        "delete",
        "identity",
        "account",
        "post",
    )
    what = kind[number % len(kind)]
    base: Row = {"did": did, "time_us": micros(moment) + 123}
    if what in ("identity", "account"):
        body: Row = {"did": did, "seq": 9_007_199_254_740_993, "time": claim(moment)}
        body |= {"handle": f"n{number}.example"} if what == "identity" else {"active": False, "status": "suspended"}
        return base | {"kind": what, what: body}
    collection, record = {
        "post": (_POST, bluesky_post(number)),
        "like": (_LIKE, {"subject": {"uri": at_uri(BOB, _POST, tid(NOON - HOUR)), "cid": "c"}}),
        "follow": (_FOLLOW, {"subject": BOB}),
        "block": (_BLOCK, {"subject": BOB}),
        "profile": (_PROFILE, {"displayName": "Änn 🙂", "description": "two\nlines"}),
        "delete": (_POST, {}),
    }[what]
    body = {"rev": tid(moment), "operation": "create", "collection": collection, "rkey": tid(moment), "cid": "bafyc"}
    if what == "delete":
        body |= {"operation": "delete", "rkey": tid(when(number - 7))}
    else:
        body["record"] = {"$type": collection, "createdAt": claim(moment), **record}
    return base | {"kind": "commit", "commit": body}


def _as_v2(event: Row) -> Row:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event["time_us"])
    flat_event = {k: v for k, v in event[event["kind"]].items() if k not in ("seq", "time", "did")}
    payload = {"$type": f"network.bsky.jetstream.subscribeEvents#{event['kind']}", "seq": 7, "did": event["did"]}
    return {"$type": "message", "payload": payload | {"time": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}", **flat_event}}


def post_views(count: int = ROWS, likes: int = 3) -> bytes:
    """A search export."""
    return csv_bytes(
        ({
            "uri": at_uri(ANN, _POST, tid(when(k))), "author": "@ann.example", "createdAt": claim(when(k)),
            "indexedAt": claim(when(k) + timedelta(seconds=3)), "text": text_of(k), "replyCount": "1",
            "repostCount": "2", "likeCount": str(likes), "quoteCount": "4",
        } for k in range(count)),
        _VIEWS, "\n",
    )  # fmt: skip


class _Link(str):
    """A CID inside a block."""

    __slots__ = ()


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    info, size = next((info, size) for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)) if number < 1 << 8 * size)
    return bytes([major << 5 | info]) + number.to_bytes(size, "big")


def _cbor(value: Any) -> bytes:
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, _Link):
        raw = base64.b32decode(value[1:].upper() + "=" * (-len(value[1:]) % 8))
        return b"\xd8\x2a" + _cbor(b"\0" + raw)
    if isinstance(value, int):
        return _head(0, value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(_cbor, value))
    return _head(5, len(value)) + b"".join(_cbor(key) + _cbor(inner) for key, inner in value.items())


def _cid(block: bytes) -> tuple[bytes, _Link]:
    raw = b"\x01\x71\x12\x20" + hashlib.sha256(block).digest()
    return raw, _Link("b" + base64.b32encode(raw).decode().rstrip("=").lower())


def _varint(number: int) -> bytes:
    made = b""
    while number > 127:
        made += bytes([number & 127 | 128])
        number >>= 7
    return made + bytes([number])


def repository(count: int = ROWS) -> bytes:
    """A CAR file: one tree node with the records of one account."""
    events = [_event(number) for number in range(count)]
    records = {
        f"{event['commit']['collection']}/{event['commit']['rkey']}": _cbor(event["commit"]["record"])
        for event in events
        if "record" in event.get("commit", {})
    }
    entries, before = [], ""
    for key in sorted(records):
        shared = next((n for n in range(len(before)) if before[n] != key[n]), len(before))
        entries.append({"p": shared, "k": key[shared:].encode(), "v": _cid(records[key])[1], "t": None})
        before = key
    node = _cbor({"l": None, "e": entries})
    rev = tid(when(count))
    root = _cbor({"did": ANN, "rev": rev, "data": _cid(node)[1], "prev": None, "version": 3, "sig": b"s"})
    header = _cbor({"roots": [_cid(root)[1]], "version": 1})
    made = _varint(len(header)) + header
    for block in (root, node, *dict.fromkeys(records.values())):
        section = _cid(block)[0] + block
        made += _varint(len(section)) + section
    return made


def bluesky(count: int = ROWS) -> list[Delivered]:
    """Every vintage of Bluesky."""
    events = bluesky_events(count)
    kept = sum("record" in event.get("commit", {}) for event in events)
    # A reversed stream is another file of the same events.
    return [
        Delivered("bluesky", "v1.jsonl", line_bytes(events), "jetstream_v1", count),
        Delivered("bluesky", "v2.jsonl", line_bytes(map(_as_v2, events)), "jetstream_v2", count),
        Delivered("bluesky", "01/12/capture", line_bytes(events[::-1]), "dd_hh", count),
        Delivered("bluesky", "2024-03-20-08-00-00-UTC-views.csv", post_views(count), "search_posts", count),
        *([Delivered("bluesky", "repo.car", repository(count), "car", kept)] if kept else []),
    ]


# -------------------------------------------------------------------- twitter

_USERS = ("1000000000000000001", "1000000000000000002", "1000000000000000003")
_SNOWFLAKE_MS = 1_288_834_974_657
_TWARC = {"url": "https://api.twitter.com/2/tweets?ids=1,2", "retrieved_at": "2024-03-19T08:00:00+00:00"}


def tweet_id(number: int, shift: int = 0) -> str:
    """Id of the tweet of a number, of a time that id and record agree about."""
    return str((micros(when(number)) // 1000 - _SNOWFLAKE_MS << 22) + shift)


def _user_v1(number: int) -> Row:
    who = _USERS[number % 3]
    return {
        "id": int(who) // 1000 * 1000, "id_str": who, "screen_name": f"Name{number % 3}", "name": "Ñame 🙂",
        "description": "two\nlines", "followers_count": 7 + number, "friends_count": 3, "statuses_count": 9,
        "created_at": "Tue Jul 18 23:25:04 +0000 2017", "verified": False, "protected": False,
        "url": "https://t.co/u", "location": None,
    }  # fmt: skip


def tweet_v1(number: int, likes: int = 2, *, inner: bool = True) -> Row:
    """A tweet of v1.1: retweet, quote, reply or plain in turn."""
    entities = {
        "urls": [{"url": "https://t.co/a", "expanded_url": "https://news.example/x", "indices": [0, 5]}],
        "hashtags": [{"text": "Straße", "indices": [1, 2]}],
        "user_mentions": [{"screen_name": "Name2", "id_str": _USERS[1], "id": int(_USERS[1]), "name": "n"}],
    }
    row: Row = {
        "id": int(tweet_id(number)), "id_str": tweet_id(number), "text": text_of(number), "lang": "en",
        "created_at": f"{when(number):%a %b %d %H:%M:%S +0000 %Y}", "user": _user_v1(number), "entities": entities,
        "retweet_count": 1, "favorite_count": likes, "source": '<a href="https://app.example">App</a>',
        "in_reply_to_status_id_str": None, "place": {"country_code": "CL"}, "possibly_sensitive": False,
    }  # fmt: skip
    if inner and number % 4 == 1:
        row["retweeted_status"] = tweet_v1(number - 1, inner=False) | {"id_str": tweet_id(number - 1, 7)}
    if inner and number % 4 == 2:
        row |= {"quoted_status_id_str": tweet_id(number - 1, 9)}
        row["quoted_status"] = tweet_v1(number - 1, inner=False) | {"id_str": tweet_id(number - 1, 9)}
    if number % 4 == 3:
        row |= {"in_reply_to_status_id_str": tweet_id(number - 1), "in_reply_to_user_id_str": _USERS[(number - 1) % 3]}
        row["extended_tweet"] = {"full_text": f"{text_of(number)} and on", "entities": entities}
    return row


def _activity(number: int) -> Row:
    ident = tweet_id(number)
    return {
        "id": f"tag:search.twitter.com,2005:{ident}", "verb": "post", "body": text_of(number), "twitter_lang": "en",
        "postedTime": f"{when(number):%Y-%m-%dT%H:%M:%S.000Z}",
        "actor": {"id": f"id:twitter.com:{_USERS[number % 3]}", "preferredUsername": f"Name{number % 3}",
                  "displayName": "Ñame", "followersCount": 7, "summary": "words"},
        "retweetCount": 1, "favoritesCount": 2, "object": {"objectType": "note", "id": f"object:x,2005:{ident}"},
        "twitter_entities": {"urls": [], "hashtags": [{"text": "Tag"}], "user_mentions": []},
        "gnip": {"matching_rules": [{"tag": None, "id": 9_007_199_254_740_993}]},
    }  # fmt: skip


def _user_v2(number: int) -> Row:
    return {
        "id": _USERS[number % 3], "username": f"Name{number % 3}", "name": "Ñame", "description": "two\nlines",
        "created_at": "2017-07-18T23:25:04.000Z", "public_metrics": {"followers_count": 8, "tweet_count": 9},
    }  # fmt: skip


def _tweet_v2(number: int) -> Row:
    row: Row = {
        "id": tweet_id(number), "author_id": _USERS[number % 3], "created_at": f"{when(number):%Y-%m-%dT%H:%M:%S.000Z}",
        "text": text_of(number), "lang": "en", "edit_history_tweet_ids": [tweet_id(number)],
        "conversation_id": tweet_id(number), "entities": {
            "urls": [{"url": "https://t.co/a", "expanded_url": "https://n.example/x", "unwound_url": "https://n.example/"}],
            "hashtags": [{"start": 0, "end": 3, "tag": "Straße"}], "mentions": [{"username": "Name1", "id": _USERS[1]}],
        },
        "public_metrics": {"retweet_count": 1, "like_count": 5, "reply_count": 3, "quote_count": 4},
    }  # fmt: skip
    if number % 4:
        kind = ("", "retweeted", "quoted", "replied_to")[number % 4]
        row["referenced_tweets"] = [{"type": kind, "id": tweet_id(number - 1)}]
    return row


def _page_v2(numbers: Iterable[int]) -> Row:
    listed = list(numbers)
    return {
        "data": [_tweet_v2(n) for n in listed], "meta": {"result_count": len(listed), "newest_id": "1"},
        "includes": {
            "users": [_user_v2(k) for k in range(3)], "tweets": [_tweet_v2(listed[0] - 2)] if listed[0] else [],
        },
        "errors": [{"value": "name9", "title": "Not Found Error", "resource_type": "user", "parameter": "usernames"}],
        "__twarc": _TWARC,
    }  # fmt: skip


def _flat_v2(number: int) -> Row:
    row = _tweet_v2(number) | {"author": _user_v2(number)}
    if "referenced_tweets" in row:
        inner = _tweet_v2(number - 1) | {"author": _user_v2(number - 1)}
        row["referenced_tweets"] = [row["referenced_tweets"][0] | inner]
    return row | {"__twarc": _TWARC}


def compliance(numbers: Iterable[int]) -> bytes:
    """Deletions and suspensions of tweets, after a blank line."""
    return b"\n" + line_bytes(
        {
            "id": tweet_id(n), "action": "delete", "created_at": f"{when(n):%Y-%m-%dT%H:%M:%S.000Z}",
            "redacted_at": f"{when(n) + 24 * HOUR:%Y-%m-%dT%H:%M:%S.000Z}", "reason": ("deleted", "suspended")[n % 2],
        }
        for n in numbers
    )  # fmt: skip


def _notices(count: int) -> Iterable[Row]:
    for n in range(count):
        stamp = str(micros(when(n)) // 1000)
        yield {"delete": {"status": {"id": 9, "id_str": tweet_id(n), "user_id_str": _USERS[0]}, "timestamp_ms": stamp}}


def twitter(count: int = ROWS) -> list[Delivered]:
    """Every generation of Twitter's formats; `rows` counts tweets, users and withdrawals."""
    pages = [_page_v2(range(k, min(k + 6, count))) for k in range(0, count, 6)]
    inner = sum(n % 4 in (1, 2) for n in range(count))
    referring = sum(n % 4 > 0 for n in range(count))
    page_rows = count + 3 * len(pages) + sum(k > 0 for k in range(0, count, 6))
    made = {
        "v1.jsonl": (line_bytes(tweet_v1(n) for n in range(count)), "v1", 2 * (count + inner)),
        "activity.jsonl": (line_bytes(_activity(n) for n in range(count)), "activity", 2 * count),
        "pages.jsonl": (line_bytes(pages), "v2_page", page_rows),
        "flat.jsonl": (line_bytes(_flat_v2(n) for n in range(count)), "v2_flat", 2 * (count + referring)),
        "tweets_compliance.jsonl": (compliance(range(0, count, 5)), "compliance", len(range(0, count, 5))),
        "notices.jsonl": (line_bytes([*_notices(count), {"limit": {"track": 5}}]), "notice", count),
        "v1_array.json": (
            json.dumps([tweet_v1(n) for n in range(count)], ensure_ascii=False, indent=2).encode(), "v1",
            2 * (count + inner),
        ),
    }  # fmt: skip
    return [Delivered("twitter", name, data, vintage, rows) for name, (data, vintage, rows) in made.items()]


# --------------------------------------------------------------------- tiktok

_PYKTOK = (
    "video_id", "video_timestamp", "video_duration", "video_locationcreated", "video_diggcount", "video_sharecount",
    "video_commentcount", "video_playcount", "video_description", "video_is_ad", "video_stickers", "author_username",
    "author_name", "author_followercount", "author_followingcount", "author_heartcount", "author_videocount",
    "author_diggcount", "author_verified",
)  # fmt: skip
_PYKTOK_20 = (*_PYKTOK[:4], "suggested_words", *_PYKTOK[4:])


def _video_id(number: int) -> int:
    return (int(when(number).timestamp()) << 32) + 9_007_199 + number


def video(number: int, plays: str = "3600000.0") -> Row:
    """A video as pyktok gives it, its time on a clock in New York."""
    return {
        "video_id": str(_video_id(number)),
        "video_timestamp": f"{when(number) - 5 * HOUR + timedelta(seconds=9):%Y-%m-%dT%H:%M:%S}",
        "video_duration": "15", "video_locationcreated": "US",
        "video_diggcount": "12", "video_sharecount": "3", "video_commentcount": "",
        "video_playcount": plays, "video_description": text_of(number), "video_is_ad": "False",
        "video_stickers": "two\nlines", "author_username": f"Some.One{number % 3}", "author_name": "Ñame 🙂",
        "author_followercount": "11500", "author_followingcount": "4", "author_heartcount": "1.2",
        "author_videocount": "9", "author_diggcount": "", "author_verified": "True",
        "suggested_words": "one, zwei ✓,it's",
    }  # fmt: skip


def _research(number: int) -> Row:
    return {
        "id": _video_id(number), "create_time": int(when(number).timestamp()) + 5, "username": f"some.one{number % 3}",
        "video_description": text_of(number), "region_code": "US", "like_count": 1, "comment_count": 2,
        "share_count": 3, "view_count": 9_007_199_254_740_993, "video_duration": 5, "hashtag_names": ["Fyp", "it's"],
        "voice_to_text": "hello 🙂", "music_id": 9_007_199_254_740_993,
    }  # fmt: skip


def tiktok(count: int = ROWS) -> list[Delivered]:
    """Every vintage of TikTok."""
    rows = [video(number) for number in range(count)]
    lists = [
        row | {"": str(k), "suggested_words": "['one', \"it's\"]", "hashtags": "['fyp', '日本']"}
        for k, row in enumerate(rows)
    ]
    videos = [_research(number) for number in range(count)]
    pages = [
        {"data": {"videos": videos[k : k + 10], "cursor": 100, "has_more": True, "search_id": "7"},
         "error": {"code": "ok", "message": "", "log_id": "x"}} for k in range(0, count, 10)
    ]  # fmt: skip
    plain = [{name: cell for name, cell in row.items() if name != "suggested_words"} for row in rows]
    made = {
        "2024-03-20-08-00-00-UTC-pyktok_19.csv": (csv_bytes(plain, _PYKTOK, "\n"), "pyktok_19"),
        "pyktok_20.csv": (csv_bytes(rows, _PYKTOK_20), "pyktok_20"),
        "filtered.csv": (csv_bytes(lists, ("", *_PYKTOK_20, "hashtags"), "\n"), "filtered_22"),
        "lines.jsonl": (line_bytes(videos), "research_api"),
        "pages.jsonl": (line_bytes(pages), "research_api"),
        "page.json": (json.dumps(pages, ensure_ascii=False, indent=2).encode(), "research_api"),
    }
    return [Delivered("tiktok", name, data, vintage, count) for name, (data, vintage) in made.items()]


# ---------------------------------------------------------------------- edges


def _pairs(count: int) -> list[tuple[int, int]]:
    return [(9_007_199_254_740_993 + k % 7, 18_446_744_073_709_551_000 + k) for k in range(count)]


def edges(count: int = ROWS) -> list[Delivered]:
    """Every form of edge lists; arrays hold no ids beyond 2^63."""
    pairs = _pairs(count)
    small = np.array([(k % 7, 9_007_199_254_740_993 + k) for k in range(count)], dtype=np.int64).reshape(-1, 2)
    npy, parquet = io.BytesIO(), io.BytesIO()
    np.save(npy, small)
    weights = pa.array(np.arange(count) / 3 + 0.1)
    pq.write_table(pa.table({"source": small[:, 0], "target": small[:, 1], "weight": weights}), parquet)
    made: dict[str, tuple[bytes, str]] = {
        "2024-03-20-08-00-00-UTC-pairs.csv": (
            csv_bytes(({"follower": f'Ännä, "{a}"', "influencer": b} for a, b in pairs), ("follower", "influencer")),
            "csv",
        ),
        "twitter/pairs.tsv": (
            csv_bytes(({"source": a, "target": b, "weight": "0.5"} for a, b in pairs), ("source", "target", "weight"),
                      "\n", "\t"), "tsv"),
        "snap.txt": (b"# Nodes: 9\n# From To\n" + b"".join(b"%d %d 0.25 \n" % pair for pair in pairs), "snap"),
        "headerless.csv": (b"".join(b"%d,%d\n" % pair for pair in pairs), "csv"),
        "nodes.csv": (
            csv_bytes(({"id": b, "target": f"Gruppe ß {b % 3}"} for _, b in pairs), ("id", "target")), "nodes",
        ),
        "edges.npy": (npy.getvalue(), "npy"),
        "edges.parquet": (parquet.getvalue(), "parquet"),
    }  # fmt: skip
    return [Delivered("edges", name, data, vintage, count) for name, (data, vintage) in made.items()]


# ---------------------------------------------------------------- all of them

FILES: dict[str, Callable[[int], list[Delivered]]] = {
    "crowdtangle": crowdtangle, "bluesky": bluesky, "twitter": twitter, "tiktok": tiktok, "edges": edges,
}  # fmt: skip
# What may lie in a compressed stream; arrays are mapped as they lie.
UNPACKED = ("npy", "parquet")


def every_file() -> list[Delivered]:
    """One file of each source and form."""
    return [file for files in FILES.values() for file in files(ROWS)]


def header_only() -> list[Delivered]:
    """Files of a header and nothing else; what has no header is not among them."""
    found = [file for files in FILES.values() for file in files(0) if file.name.endswith(("csv", "tsv"))]
    return [replace(file, rows=0) for file in found if file.vintage != "history" and file.name != "headerless.csv"]


def overlapping(source: str) -> tuple[Delivered, Delivered, Delivered]:
    """Three files about partly the same records, with other counts, with edits and withdrawals where there are any."""
    if source == "crowdtangle":
        columns = (*_FACEBOOK[:3], *_OF_2021, *_FACEBOOK[3:])
        made = [
            (
                f"2024-03-{20 + k}-08-00-00-UTC-{k}.csv",
                _export(columns, (crowdtangle_row(n, 5 + k) for n in range(*part))),
            )
            for k, part in enumerate(((0, 12), (6, 18), (3, 20)))
        ]
    elif source == "bluesky":
        events = bluesky_events(30)
        made = [
            ("a", line_bytes(events[:20])),
            ("b", line_bytes(events[8:])),
            ("2024-03-21-08-00-00-UTC-c.csv", post_views(9, 70)),
        ]
    elif source == "twitter":
        made = [
            ("a.jsonl", line_bytes(tweet_v1(n) for n in range(12))),
            ("b.jsonl", line_bytes(_flat_v2(n) for n in range(6, 18))),
            ("tweets_compliance.jsonl", compliance((0, 3, 8, 11, 17))),
        ]
    elif source == "tiktok":
        made = [
            (
                f"2024-03-{20 + k}-08-00-00-UTC-{k}.csv",
                csv_bytes((video(n, str(100 + k)) for n in range(*part)), _PYKTOK_20),
            )
            for k, part in enumerate(((0, 22), (6, 30), (3, 25)))
        ]
    else:
        made = [
            (
                f"2024-03-0{k + 1}-08-00-00-UTC-{k}.csv",
                b"follower,influencer\n" + b"".join(b"%d,%d\n" % (n, n * n % 9 + 50) for n in part),
            )
            for k, part in enumerate((range(9), range(4, 14), range(2, 7)))
        ]
    first, second, third = (Delivered(source, name, data, "", 0) for name, data in made)
    return first, second, third


# ----------------------------------------------------------- landing and lake


def land(lake: Lake, file: Delivered, folder: str = "") -> str:
    """Put a file into the landing folder; its path below the data root."""
    path = "/".join(part for part in ("landing", file.source, folder, file.name) if part)
    target = Path(lake.path(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(file.data)
    return path


def days_of(intake: Intake) -> list[date]:
    """Days with raw or staged rows."""
    days = {day for file in intake.files for day in file.rows_by_day}
    return sorted(
        days | {date.fromisoformat(day) for file in intake.files for day in file.manifest.get("also_days", ())}
    )


def publish_raw(lake: Lake, intake: Intake, days: Iterable[date]) -> None:
    """Publish the raw tables of a source for days, and the rejects of these and of days that nobody covers."""
    wanted = sorted(set(days))
    for record in intake.source.records:
        table = TABLES[intake.source.raw_table(record)]
        lake.publish(table, raw_rows(lake, intake, record, wanted), wanted, is_sorted=True)
    with_rejects = sorted({*wanted, *reject_days(lake, intake, wanted)})
    with lake.connect() as con:
        rows = reject_rows(con, lake, intake, with_rejects)
        lake.publish(TABLES[intake.source.rejects_table], rows, with_rejects)


@cache
def in_order(layer: str) -> tuple[str, ...]:
    """Tables of a layer that SQL makes, upstreams first."""
    tables = [name for name in table_files() if TABLES[name].layer == layer]
    graph = {name: [other for other in table_upstreams(name) if other in tables and other != name] for name in tables}
    return tuple(TopologicalSorter(graph).static_order())


def make_layer(
    lake: Lake, layer: str, days: Iterable[date], source: str = "", only: Iterable[str] = ()
) -> dict[str, dict[str, int]]:
    """Make all tables of a layer (of one source, or `only` some) on those days on which they have input.

    Returns:
        Rows by disposition, and `rows_out`, of each table.
    """
    wanted, chosen_tables = sorted(set(days)), set(only)
    found = {}
    for table in in_order(layer):
        if source and not table.startswith(f"stg_{source}__"):
            continue
        if chosen_tables and table not in chosen_tables:
            continue
        refs = [lake.ref(name, wanted) for name in table_upstreams(table)]
        chosen = days_with_input(table, read_by_day(table, refs), wanted)
        if chosen:
            published, counted = make(lake, table, chosen)
            found[table] = counted | {"rows_out": published.total}
    return found
