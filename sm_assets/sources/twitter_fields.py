"""What all generations of Twitter's format share: plain shapes for tweets, users and withdrawals, and single cells.

Here: `Tweet`, `User`, `Withdrawal`, `Unpacked`, into which every generation's mapping turns a record, and readings of
ids, times, counts and links. Not here: any generation's key names, and what makes a record unusable (`twitter_rows`).
"""

from __future__ import annotations

import re
import time
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

Record = dict[str, Any]
Path = tuple[str | int, ...]

SNOWFLAKE_FROM = 29_700_859_247
SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
SECOND = 1_000_000
DAY = 86_400 * SECOND
FLOOR = int(datetime(2006, 3, 21, tzinfo=UTC).timestamp()) * SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID = re.compile(r"[1-9][0-9]{0,19}")
_WHOLE = re.compile(r"[0-9]{1,18}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_V1_TIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{2}) (\d{2}):(\d{2}):(\d{2}) ([+-]\d{2})(\d{2}) (\d{4})")
_OWN_HOST = re.compile(r"https?://(?:[\w-]+\.)*(?:twitter|x)\.com(?:[/?#]|$)", re.IGNORECASE)
_STATUS = re.compile(r"/status(?:es)?/(\d+)(/(?:photo|video)/\d+)?", re.IGNORECASE)
_KIND_OF_KEY = {"3": "photo", "7": "video", "13": "video", "16": "animated_gif"}


@dataclass(slots=True)
class Link:
    """One link as delivered; `media_key`: the link is an attached medium."""

    url: str | None
    expanded_url: str | None = None
    final_url: str | None = None
    title: str | None = None
    description: str | None = None
    media_key: str | None = None


@dataclass(slots=True)
class Medium:
    """One attached medium; `duration_ms` as delivered."""

    type: str | None
    alt_text: str | None = None
    duration_ms: Any = None


@dataclass(slots=True)
class Tweet:
    """One tweet object, cells as delivered.

    Attributes:
        path: keys and indices that lead to it inside its record.
        is_context: it arrived only inside another record.
        parent_handle: handle of the user replied to, where no id is delivered.
        reposted_id: of the tweet that a retweet passes on; empty where a retweet does not tell; None: no retweet.
        misshapen: keys that hold something else than they should.
        followers: of the author as the record tells them; `followers_at_posting`: the same, where the record was made
            when the tweet was.
    """

    path: Path
    is_context: bool
    tweet_id: str | None = None
    author_id: str | None = None
    created_at: str | None = None
    text: str | None = None
    is_truncated: bool = False
    language: str | None = None
    conversation_id: str | None = None
    parent_id: str | None = None
    parent_account_id: str | None = None
    parent_handle: str | None = None
    quoted_id: str | None = None
    reposted_id: str | None = None
    history: list[str] = field(default_factory=list)
    client: str | None = None
    country: str | None = None
    is_sensitive: Any = None
    shares: Any = None
    likes: Any = None
    comments: Any = None
    quotes: Any = None
    views: Any = None
    followers: Any = None
    followers_at_posting: bool = False
    has_poll: bool = False
    links: list[Link] = field(default_factory=list)
    hashtags: list[str] = field(default_factory=list)
    mentions: list[tuple[str | None, str | None]] = field(default_factory=list)
    media: list[Medium] = field(default_factory=list)
    matching_rules: Any = None
    misshapen: list[str] = field(default_factory=list)


@dataclass(slots=True)
class User:
    """One user object, cells as delivered."""

    path: Path
    is_context: bool
    user_id: str | None = None
    handle: str | None = None
    name: str | None = None
    description: str | None = None
    url: str | None = None
    location: str | None = None
    followers: Any = None
    following: Any = None
    posts: Any = None
    is_verified: Any = None
    is_protected: Any = None
    created_at: str | None = None


@dataclass(slots=True)
class Withdrawal:
    """One withdrawal, cells as delivered.

    Attributes:
        entity: post or account; None: the record itself does not tell.
        deleted_us: when it was withdrawn, microseconds; None: not delivered (or not readable).
        stands_for: (action, reason) as staged.
    """

    path: Path
    is_context: bool
    entity: str | None
    record_id: str | None
    stands_for: tuple[str, str]
    account_id: str | None = None
    action: str | None = None
    reason: str | None = None
    created_at: str | None = None
    redacted_at: str | None = None
    deleted_us: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page's request.

    Attributes:
        url: of the request, where it was noted.
        is_last: no further page follows.
        is_search: results of a search or a stream, not of a look-up by ids.
    """

    url: str | None
    is_last: bool
    is_search: bool


@dataclass(slots=True)
class Unpacked:
    """All that one record holds.

    Attributes:
        retrieved_at: the record's own time of retrieval.
        outermost: the tweet that tells when everything inside was seen, in generations without a retrieval time.
        rejects: (path, reason, detail) of parts that cannot be used.
        ignored: reasons of well-formed parts that carry nothing we keep.
        page: for pages, what they tell about the request that they answer.
    """

    generation: str
    tweets: list[Tweet] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    rejects: list[tuple[Path, str, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    retrieved_at: str | None = None
    outermost: Tweet | None = None
    page: Page | None = None


# ---------------------------------------------------------------------------------------------------- tolerant access


def obj(value: Any) -> Record:
    """The object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The list, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def objects(value: Any) -> list[Record]:
    """The objects of a list; one object alone is a list of one."""
    return [item for item, _ in placed(value, ()) if isinstance(item, dict)]


def placed(value: Any, path: Path) -> list[tuple[Any, Path]]:
    """Elements of a list and where they are; anything else but null is a list of one."""
    if isinstance(value, list):
        return [(item, (*path, k)) for k, item in enumerate(value)]
    return [] if value is None else [(value, path)]


def misshapen(record: Record, *, texts: str = "", objects: str = "", lists: str = "") -> list[str]:
    """Those of the keys that hold something else than a text (or number), an object, a list (or one object of it)."""
    wanted: tuple[tuple[str, tuple[type, ...]], ...] = ((texts, (str,)), (objects, (dict,)), (lists, (list, dict)))
    return [
        key for keys, kinds in wanted for key in keys.split() if record.get(key) and not isinstance(record[key], kinds)
    ]


def text(value: Any) -> str | None:
    """A text or the literal of a number; None for anything else and for the empty text."""
    return str(value) if isinstance(value, str) and value else None


def first_text(record: Record, *keys: str) -> str | None:
    """The first of the keys that holds a text. Ids: `id_str` before `id`, which some tools have rounded."""
    for key in keys:
        found = text(record.get(key))
        if found is not None:
            return found
    return None


def tail(value: Any) -> str | None:
    """What stands behind the last colon: `tag:search.twitter.com,2005:<id>`, `id:twitter.com:<id>`."""
    found = text(value)
    return found.rsplit(":", 1)[-1] if found else None


# -------------------------------------------------------------------------------------------------------------- cells


def is_id(value: str | None) -> bool:
    """Whether it is a whole number of at most 20 digits without leading zeros."""
    return value is not None and _ID.fullmatch(value) is not None


def id_micros(tweet_id: str) -> int | None:
    """Microseconds since 1970 in an id; None for ids older than the kind that holds a time."""
    number = int(tweet_id)
    return ((number >> 22) + SNOWFLAKE_EPOCH_MS) * 1000 if number >= SNOWFLAKE_FROM else None


@lru_cache(maxsize=4096)
def micros_of(value: str | None) -> int | None:
    """Microseconds since 1970 of `Tue Jul 18 23:25:04 +0000 2017` or RFC 3339; None: unreadable or without zone."""
    if value is None:
        return None
    try:
        old = _V1_TIME.fullmatch(value)
        if old:
            month, day, hour, minute, second, hours, minutes, year = old.groups()
            number = _MONTHS.index(month) + 1
            moment = datetime(int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
            east = int(hours) * 3600 + (-60 if hours[0] == "-" else 60) * int(minutes)
        else:
            moment, east = datetime.fromisoformat(value), 0
    except (ValueError, OverflowError):
        return None
    return None if moment.tzinfo is None else (moment - _EPOCH) // timedelta(microseconds=1) - east * SECOND


def micros_of_stamp(value: str | None) -> int | None:
    """Microseconds since 1970 of milliseconds since 1970, as notices state them."""
    return int(value) * 1000 if value and value.isdecimal() and len(value) <= 15 else None


def is_plausible(micros: int | None) -> bool:
    """Whether a time lies between Twitter's first tweet and tomorrow."""
    return micros is not None and FLOOR <= micros <= time.time_ns() // 1000 + DAY


def whole(value: Any) -> tuple[int | None, bool]:
    """(count, whether the cell was filled but is no count)."""
    if value is None or value == "":
        return None, False
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value), False
    return None, True


def truth(value: Any) -> tuple[bool | None, bool]:
    """(flag, whether the cell was filled but is no flag)."""
    if isinstance(value, bool):
        return value, False
    return None, value is not None and value != ""


def literal(value: Any) -> str | None:
    """A scalar cell as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return text(value)


def normalised(hashtag: str) -> str:
    """NFKC, case-folded, trimmed."""
    return unicodedata.normalize("NFKC", hashtag).casefold().strip()


def link_role(link: Link, own: frozenset[str], quoted: frozenset[str]) -> str:
    """`media` for the tweet's own media, `quote` for the quoted tweet, `self` for the platform, else `external`."""
    address = link.expanded_url or link.url or ""
    if link.media_key:
        return "media"
    if not _OWN_HOST.match(address):
        return "external"
    status = _STATUS.search(address)
    if status and status.group(2) and status.group(1) in own:
        return "media"
    return "quote" if status and status.group(1) in quoted else "self"


def names_own_status(links: list[Link], tweet_id: str | None) -> bool:
    """Whether a link leads to the tweet itself: Twitter's mark behind a text that it has cut."""
    return any((link.expanded_url or "").endswith(f"/i/web/status/{tweet_id}") for link in links)


def kind_of_key(media_key: str) -> str | None:
    """Kind of a medium by the number in front of its key."""
    return _KIND_OF_KEY.get(media_key.partition("_")[0])


def media_kind(media: list[Medium], *, has_poll: bool, has_link: bool) -> str:
    """Main medium as staged."""
    kinds = {medium.type for medium in media}
    if kinds & {"video", "animated_gif"}:
        return "video"
    if "photo" in kinds:
        return "album" if sum(medium.type == "photo" for medium in media) > 1 else "photo"
    if media:
        return "other"
    if has_poll:
        return "poll"
    return "link" if has_link else "none"


def classic_entities(found: Record, entities: Record, extended: Record, tweet: Tweet) -> None:
    """Fill in hashtags, mentions and media of v1.1 and activity streams, whose entities have one form.

    Args:
        found: unwound links by short url: {url: (final_url, title, description)}.
        entities: of the object that the text comes from.
        extended: the same, with all media.
        tweet: is filled.
    """
    for url in objects(entities.get("urls")):
        short = text(url.get("url"))
        unwound = obj(url.get("unwound"))
        final = (text(unwound.get("url")), text(unwound.get("title")), text(unwound.get("description")))
        tweet.links.append(
            Link(short, text(url.get("expanded_url")), *(final if final[0] else found.get(short or "", final)))
        )
    tweet.misshapen += misshapen(entities, lists="urls hashtags user_mentions media")
    tweet.hashtags = [tag for tag in (text(h.get("text")) for h in objects(entities.get("hashtags"))) if tag]
    tweet.mentions = [
        (first_text(m, "id_str", "id"), text(m.get("screen_name"))) for m in objects(entities.get("user_mentions"))
    ]
    for medium in objects(extended.get("media")) or objects(entities.get("media")):
        duration = obj(medium.get("video_info")).get("duration_millis")
        tweet.media.append(Medium(text(medium.get("type")), text(medium.get("ext_alt_text")), duration))
