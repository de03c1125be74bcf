"""Rows of the raw tables of Twitter: from unpacked records to accepted rows and rejects.

Here: what makes a tweet, user or withdrawal unusable, which cells are repaired, ids filled in from elsewhere in the
same record, positions. Not here: any generation's keys, files, batches.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sm_assets.sources.json_spans import spans
from sm_assets.sources.reading import Tally, excerpt
from sm_assets.sources.twitter_cells import Cells, Known, event_time, observed_by, retrieved_by
from sm_assets.sources.twitter_compliance import entity_of
from sm_assets.sources.twitter_fields import (
    DAY,
    SECOND,
    Path,
    Tweet,
    Unpacked,
    User,
    Withdrawal,
    id_micros,
    is_id,
    is_plausible,
    link_role,
    literal,
    media_kind,
)

_HOUR = 3600 * SECOND
_UNKNOWN_LANGUAGE = "und"
_DETAILS = {
    "missing_key": "no id",
    "bad_key": "an id is a whole number of at most 20 digits",
    "missing_account": "no author; a tweet must say whose it is",
    "bad_time": "the time is missing, unreadable, before 2006-03-21, in the future or after the file was made",
    "ambiguous_entity": (
        "nothing tells whether a tweet or a user was withdrawn; name the file tweets... or users... as delivered"
    ),
}
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """One record in its file. `piece` gives its bytes."""

    row: int
    line: int
    start: int
    piece: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class _Around:
    """What surrounds an item: ids of its record, when it was seen, when the file was made, if that is known."""

    known: Known
    seen: int | None
    exported: int | None

    def may_hold(self, micros: int) -> bool:
        """Whether a time lies behind the platform's first day and before the file was made; an hour is for clocks."""
        return is_plausible(micros) and (self.exported is None or micros <= self.exported + _HOUR)


class RowBuilder:
    """Collects rows by kind of record; rejects, ignored parts and repairs go to the tally.

    Attributes:
        rows: kind of record -> rows since they were last taken.
        touched: days of the records that withdrawals reach, as ISO texts; None among them: any day.
    """

    def __init__(
        self, tally: Tally, exported_us: int | None, file_name: str, last_event: Callable[[], int | None]
    ) -> None:
        """Start with nothing.

        Args:
            tally: counts.
            exported_us: when the file was made, as sidecar or file name tell it.
            file_name: hint for compliance rows.
            last_event: time of the last event of the whole file, for records that tell no time of retrieval.
        """
        self.tally = tally
        self.rows: dict[str, list[Row]] = {"tweets": [], "users": [], "compliance": []}
        self.touched: set[str | None] = set()
        self._exported = exported_us
        self._file_name = file_name
        self._last_event = last_event
        self._row = 0
        self._places: dict[str, int] = {}

    def add(self, parts: list[Unpacked], place: Place) -> None:
        """All rows of one record."""
        if place.row != self._row:
            self._row, self._places = place.row, {"tweets": 0, "users": 0, "compliance": 0}
        rejects: list[tuple[Path, str, str, int | None]] = []
        for part in parts:
            retrieved, seen = retrieved_by(part), observed_by(part)
            if retrieved is None and part.retrieved_at is not None:
                self.tally.repair("retrieved_at", "bad_time")
            exported = retrieved if retrieved is not None else self._exported
            if seen is None:
                seen = self._exported if self._exported is not None else self._last_event()
            rejects += [(*reject, None) for reject in part.rejects]
            self.tally.rows_in += len(part.rejects) + len(part.ignored)
            for reason in part.ignored:
                self.tally.ignore(reason)
            around = _Around(Known(part), seen, exported)
            kinds: tuple[tuple[str, list[Any], Callable[..., Row | _Refused]], ...] = (
                ("tweets", part.tweets, self._tweet),
                ("users", part.users, self._user),
                ("compliance", part.withdrawals, self._withdrawal),
            )
            for kind, found, reading in kinds:
                for item in found:
                    self.tally.rows_in += 1
                    outcome = reading(item, around)
                    number = self._places[kind]
                    self._places[kind] = number + 1
                    if isinstance(outcome, _Refused):
                        rejects.append((item.path, outcome.reason, outcome.detail, outcome.day))
                        continue
                    outcome |= {
                        "source_row": place.row,
                        "source_item": number,
                        "source_line": place.line,
                        "generation": part.generation,
                        "observed_at": seen,
                        "is_context": item.is_context,
                    }
                    self.rows[kind].append(outcome)
        if rejects:
            self._reject(rejects, place)

    def _reject(self, rejects: list[tuple[Path, str, str, int | None]], place: Place) -> None:
        piece = place.piece()
        where = spans(piece, {path for path, *_ in rejects})
        for path, reason, detail, day in rejects:
            start, length = where.get(path, (0, len(piece)))
            self.tally.reject(
                reason,
                detail,
                line=place.line + piece.count(b"\n", 0, start),
                offset=place.start + start,
                length=length,
                record=place.row,
                excerpt=excerpt(piece, start, length),
                day=day,
            )

    # ---------------------------------------------------------------------------------------------------------- tweets

    def _tweet(self, tweet: Tweet, around: _Around) -> Row | _Refused:
        refused = _no_key(tweet.tweet_id, f" (by {tweet.author_id})" if is_id(tweet.author_id) else "")
        if refused:
            return refused
        tweet_id = str(tweet.tweet_id)
        cells = Cells(self.tally)
        for key in dict.fromkeys(tweet.misshapen):
            cells.repair(key, "bad_list")
        history = cells.ids("edit_history", tweet.history)
        if history and tweet_id not in history:
            history.append(tweet_id)
        posted, time_source = event_time(tweet_id, tweet.created_at, history, cells)
        if posted is None or not around.may_hold(posted):
            return _refusal("bad_time", f" ({_named(tweet)}, created_at {tweet.created_at})")
        if not is_id(tweet.author_id):
            return _refusal("missing_account", f" (tweet {tweet_id})", posted // DAY)
        if tweet.reposted_id is not None and not is_id(tweet.reposted_id):
            return _refusal("bad_key", f"; a retweet of {tweet.reposted_id[:40]!r} ({_named(tweet)})", posted // DAY)
        self.tally.saw(posted)
        is_repost = tweet.reposted_id is not None
        links, mentions = self._links(tweet, history, around.known), around.known.mentions(tweet)
        own_links = any(link["role"] == "external" for link in links)
        parsed = {
            "entity": "repost" if is_repost else "post",
            "post_id": history[0] if history else tweet_id,
            "account_id": tweet.author_id,
            "revision": tweet_id.zfill(20),
            "operation": "update" if history and history[0] != tweet_id else "create",
            "posted_at": posted,
            "time_source": time_source,
            **self._references(tweet, around.known, cells),
            "text_is_truncated": tweet.is_truncated,
            "alias_ids": history if len(history) > 1 else None,
            "language_codes": [tweet.language] if tweet.language and tweet.language != _UNKNOWN_LANGUAGE else None,
            "country_code": cells.country(tweet.country),
            "media_kind": media_kind(tweet.media, has_poll=tweet.has_poll, has_link=own_links),
            "likes_count": cells.count("like_count", tweet.likes),
            "comments_count": cells.count("reply_count", tweet.comments),
            "shares_count": cells.count("retweet_count", tweet.shares),
            "quotes_count": cells.count("quote_count", tweet.quotes),
            "views_count": cells.count("impression_count", tweet.views),
            "video_duration_seconds": _seconds(tweet, cells),
            "is_sensitive": cells.flag("possibly_sensitive", tweet.is_sensitive),
        }
        followers = cells.count("author_followers_count", tweet.followers)
        parsed["account_followers_count"] = followers if tweet.followers_at_posting else None
        return {
            "tweet_id": tweet_id,
            "author_id": tweet.author_id,
            "created_at": tweet.created_at,
            "text": tweet.text,
            "language": tweet.language,
            "conversation_id": tweet.conversation_id,
            "in_reply_to_tweet_id": tweet.parent_id,
            "in_reply_to_user_id": tweet.parent_account_id,
            "quoted_tweet_id": tweet.quoted_id,
            "retweeted_tweet_id": tweet.reposted_id,
            "edit_history": tweet.history or None,
            "client": tweet.client,
            "place_country": tweet.country,
            "possibly_sensitive": literal(tweet.is_sensitive),
            "retweet_count": literal(tweet.shares),
            "like_count": literal(tweet.likes),
            "reply_count": literal(tweet.comments),
            "quote_count": literal(tweet.quotes),
            "impression_count": literal(tweet.views),
            "author_followers_count": literal(tweet.followers),
            "links": _json(links),
            "hashtags": _json(cells.hashtags(tweet.hashtags)),
            "mentions": _json(mentions),
            "media": _json(
                [{"type": m.type, "alt_text": m.alt_text, "duration_ms": literal(m.duration_ms)} for m in tweet.media]
            ),
            "matching_rules": _json(tweet.matching_rules),
            "warnings": cells.warnings,
            "parsed": parsed,
            "day": posted // DAY,
        }

    @staticmethod
    def _references(tweet: Tweet, known: Known, cells: Cells) -> Row:
        """What the tweet refers to. What a retweet refers to besides its original belongs to the original."""
        reposted = tweet.reposted_id
        is_repost = reposted is not None
        parent = None if is_repost else cells.id("in_reply_to_tweet_id", tweet.parent_id)
        quoted = None if is_repost else cells.id("quoted_tweet_id", tweet.quoted_id)
        parent_account = None
        if parent:
            parent_account = (
                cells.id("in_reply_to_user_id", tweet.parent_account_id)
                or known.authors.get(parent)
                or known.account(tweet.parent_handle)
            )
        return {
            "parent_post_id": parent,
            "parent_account_id": parent_account,
            "root_post_id": cells.id("conversation_id", tweet.conversation_id) if parent else None,
            "quoted_post_id": quoted,
            "quoted_account_id": known.authors.get(quoted) if quoted else None,
            "reposted_post_id": reposted,
            "reposted_account_id": known.authors.get(reposted) if reposted else None,
        }

    @staticmethod
    def _links(tweet: Tweet, history: list[str], known: Known) -> list[Row]:
        own = frozenset((*history, str(tweet.tweet_id)))
        quoted = known.versions.get(tweet.quoted_id, frozenset((tweet.quoted_id,))) if tweet.quoted_id else frozenset()
        return [
            {
                "url": link.url or link.expanded_url,
                "expanded_url": link.expanded_url,
                "final_url": link.final_url,
                "title": link.title,
                "description": link.description,
                "role": link_role(link, own, quoted),
            }
            for link in tweet.links
            if link.url or link.expanded_url
        ]

    # ----------------------------------------------------------------------------------------------------------- users

    def _user(self, user: User, around: _Around) -> Row | _Refused:
        refused = _no_key(user.user_id)
        if refused:
            return refused
        if around.seen is None:
            return _refusal("bad_time", f" (user {user.user_id}: nothing tells when the profile was seen)")
        cells = Cells(self.tally)
        created = cells.past("created_at", user.created_at)
        return {
            "user_id": user.user_id,
            "handle": user.handle,
            "name": user.name,
            "description": user.description,
            "url": user.url,
            "location": user.location,
            "followers_count": literal(user.followers),
            "following_count": literal(user.following),
            "tweet_count": literal(user.posts),
            "verified": literal(user.is_verified),
            "protected": literal(user.is_protected),
            "created_at": user.created_at,
            "parsed": {
                "account_id": user.user_id,
                "followers_count": cells.count("followers_count", user.followers),
                "following_count": cells.count("following_count", user.following),
                "posts_count": cells.count("tweet_count", user.posts),
                "is_verified": cells.flag("verified", user.is_verified),
                "is_protected": cells.flag("protected", user.is_protected),
                "account_created_at": None if created is None else created // SECOND * SECOND,
            },
            "warnings": cells.warnings,
            "day": around.seen // DAY,
        }

    # ----------------------------------------------------------------------------------------------------- withdrawals

    def _withdrawal(self, row: Withdrawal, around: _Around) -> Row | _Refused:
        refused = _no_key(row.record_id)
        if refused:
            return refused
        entity = row.entity or entity_of(row, self._file_name)
        if entity is None:
            return _refusal("ambiguous_entity", f" (id {row.record_id})")
        cells = Cells(self.tally)
        created = cells.past("created_at", row.created_at)
        if row.deleted_us is None and row.redacted_at:
            cells.repair("redacted_at", "bad_time")
        deleted = row.deleted_us if row.deleted_us is not None else around.seen
        if deleted is None or not around.may_hold(deleted):
            return _refusal("bad_time", f" (withdrawal of {row.record_id}, redacted_at {row.redacted_at})")
        moment = row.deleted_us if row.deleted_us is not None else created
        if moment is not None:
            self.tally.saw(moment)
        born = None
        if entity == "post":
            born = created if created is not None else id_micros(str(row.record_id))
        record_day = None if born is None else born // DAY
        # A withdrawn version may belong to a post of the evening before: tweets can be edited for an hour.
        self.touched |= {None} if born is None else {str(_date(moment // DAY)) for moment in (born - _HOUR, born)}
        action, reason = row.stands_for
        return {
            "record_id": row.record_id,
            "record_author_id": row.account_id,
            "action": row.action,
            "created_at": row.created_at,
            "redacted_at": row.redacted_at,
            "reason": row.reason,
            "parsed": {
                "entity": entity,
                "record_id": row.record_id,
                "account_id": row.record_id if entity == "account" else cells.id("record_author_id", row.account_id),
                "deleted_at": deleted,
                "record_day": record_day,
                "action": action,
                "reason": reason,
            },
            "warnings": cells.warnings,
            "day": deleted // DAY,
        }


@dataclass(frozen=True, slots=True)
class _Refused:
    reason: str
    detail: str
    day: int | None


def _refusal(reason: str, found: str = "", day: int | None = None) -> _Refused:
    return _Refused(reason, _DETAILS[reason] + found, day)


def _named(tweet: Tweet) -> str:
    """Whose tweet it is: a later purge has to find the reject by it."""
    return f"tweet {tweet.tweet_id}" + (f" by {tweet.author_id}" if is_id(tweet.author_id) else "")


def _no_key(value: str | None, whose: str = "") -> _Refused | None:
    if value is None:
        return _refusal("missing_key", whose)
    return None if is_id(value) else _refusal("bad_key", f"; found {value[:40]!r}{whose}")


def _seconds(tweet: Tweet, cells: Cells) -> float | None:
    for medium in tweet.media:
        duration = cells.count("media", medium.duration_ms)
        if duration is not None:
            return duration / 1000
    return None


def _json(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else None


def _date(day: int) -> date:
    return date.fromordinal(date(1970, 1, 1).toordinal() + day)
