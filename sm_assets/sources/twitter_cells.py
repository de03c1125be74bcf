"""Readings of the cells of one row, and what one record tells about ids and times elsewhere in it.

Here: `Cells`, which counts what it repairs; `Known`, the ids of a record; times of tweets and records. Not here: what
makes a row unusable (`twitter_rows`), the shapes of cells (`twitter_fields`).
"""

from __future__ import annotations

from typing import Any

from sm_assets.sources.reading import Tally
from sm_assets.sources.twitter_fields import (
    SECOND,
    Tweet,
    Unpacked,
    Withdrawal,
    id_micros,
    is_id,
    is_plausible,
    micros_of,
    normalised,
    truth,
    whole,
)


class Known:
    """What one record tells about ids elsewhere in it.

    Attributes:
        authors: id of a tweet, any version -> its author.
        versions: id of a tweet -> ids of all its versions.
    """

    def __init__(self, part: Unpacked) -> None:
        self.authors: dict[str, str] = {}
        self.versions: dict[str, frozenset[str]] = {}
        for tweet in part.tweets:
            if tweet.tweet_id and is_id(tweet.author_id):
                versions = frozenset((*tweet.history, tweet.tweet_id))
                for version in versions:
                    self.authors.setdefault(version, str(tweet.author_id))
                    self.versions.setdefault(version, versions)
        self._part = part
        self._accounts: dict[str, str] | None = None

    def account(self, handle: str | None) -> str | None:
        """Account of a handle by the users and mentions of the record."""
        if handle is None:
            return None
        if self._accounts is None:
            self._accounts = {}
            named = [(user.user_id, user.handle) for user in self._part.users]
            named += [mention for tweet in self._part.tweets for mention in tweet.mentions]
            for account_id, name in named:
                if name and account_id and is_id(account_id):
                    self._accounts.setdefault(name.lower(), account_id)
        return self._accounts.get(handle.lower())

    def mentions(self, tweet: Tweet) -> list[dict[str, str | None]]:
        """The tweet's mentions; ids that are not delivered by the users of the record."""
        found = []
        for account_id, handle in tweet.mentions:
            account = account_id if is_id(account_id) else self.account(handle)
            if account or handle:
                found.append({"id": account, "handle": handle})
        return found


class Cells:
    """Readings of single cells of one row; what cannot be read becomes null and is counted."""

    def __init__(self, tally: Tally) -> None:
        self.warnings: list[str] = []
        self._tally = tally

    def repair(self, column: str, reason: str) -> None:
        """Count a cell that cannot be read."""
        self._tally.repair(column, reason)
        self.warnings.append(f"{column}:{reason}")

    def count(self, column: str, value: Any) -> int | None:
        """A whole number."""
        number, is_bad = whole(value)
        if is_bad:
            self.repair(column, "bad_number")
        return number

    def flag(self, column: str, value: Any) -> bool | None:
        """True or false."""
        found, is_bad = truth(value)
        if is_bad:
            self.repair(column, "bad_number")
        return found

    def id(self, column: str, value: str | None) -> str | None:
        """An id."""
        if value is None or is_id(value):
            return value
        self.repair(column, "bad_number")
        return None

    def past(self, column: str, value: str | None) -> int | None:
        """A time that may have been."""
        micros = micros_of(value)
        if value is None or is_plausible(micros):
            return micros
        self.repair(column, "bad_time")
        return None

    def ids(self, column: str, values: list[str]) -> list[str]:
        """Those of the values that are ids."""
        found = [value for value in values if is_id(value)]
        if len(found) < len(values):
            self.repair(column, "bad_list")
        return found

    def hashtags(self, values: list[str]) -> list[dict[str, str]]:
        """Hashtags without their sign, as delivered and normalised."""
        bare = [value.lstrip("#\uff03") for value in values]
        found = [{"hashtag": tag, "normalised": normalised(tag)} for tag in bare if normalised(tag)]
        if len(found) < len(values):
            self.repair("hashtags", "bad_list")
        return found

    def country(self, value: str | None) -> str | None:
        """Two capital letters."""
        if value is None or (len(value) == 2 and value.isascii() and value.isalpha() and value.isupper()):
            return value
        self.repair("place_country", "bad_country")
        return None


def event_time(
    tweet_id: str, created_at: str | None, history: list[str], cells: Cells | None = None
) -> tuple[int | None, str]:
    """(microseconds at which the tweet was first published or None, `platform` or `key`).

    The time in the id is exact to the millisecond and in every generation; it counts where it agrees with created_at.
    """
    created, in_id = micros_of(created_at), id_micros(tweet_id)
    if created is None and created_at is not None and cells:
        cells.repair("created_at", "bad_time")
    if in_id is None:
        return created, "platform"
    if created is not None and created // SECOND != in_id // SECOND:
        if cells:
            cells.repair("created_at", "time_disagrees")
        return created, "platform"
    first = id_micros(history[0]) if history else in_id
    return (in_id if first is None else first), ("key" if created is None else "platform")


def retrieved_by(part: Unpacked) -> int | None:
    """A record's own time of retrieval; None: not delivered or not readable."""
    retrieved = micros_of(part.retrieved_at)
    return retrieved if is_plausible(retrieved) else None


def observed_by(part: Unpacked) -> int | None:
    """When a record was seen by what it tells itself: when it was retrieved, else when its outermost tweet was made."""
    retrieved = retrieved_by(part)
    if retrieved is not None:
        return retrieved
    outermost = part.outermost
    if outermost is None:
        return None
    created = micros_of(outermost.created_at)
    if created is None and outermost.tweet_id is not None and is_id(outermost.tweet_id):
        created = id_micros(outermost.tweet_id)
    return created if is_plausible(created) else None


def _birth(row: Withdrawal) -> int | None:
    created = micros_of(row.created_at)
    return created if created is not None or not is_id(row.record_id) else id_micros(str(row.record_id))


def last_event_of(part: Unpacked) -> int | None:
    """Time of the last event that a record tells of."""
    times = [row.deleted_us if row.deleted_us is not None else _birth(row) for row in part.withdrawals]
    times += [
        event_time(tweet.tweet_id, tweet.created_at, [version for version in tweet.history if is_id(version)])[0]
        for tweet in part.tweets
        if tweet.tweet_id is not None and is_id(tweet.tweet_id)
    ]
    return max((time for time in times if time is not None and is_plausible(time)), default=None)
