"""What a file of tweets proves about its days, by the requests that its pages answer.

Here: windows of queries, and the weakest claim of a file that mixes several. Not here: days of rows, which the
conversion counts.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urlsplit

from sm_assets.sources.twitter_fields import SECOND, Unpacked, id_micros, is_id, micros_of

_STREAM = re.compile(r"/(?:search|sample|sample10|compliance)/stream$")
_LOOK_UP = re.compile(r"/2/tweets(?:/\d+)?$|/2/users(?:/by(?:/username/[^/]+)?|/\d+)?$")
_TOKENS = ("next_token", "pagination_token")


class Coverage:
    """Claims of the pages and tweets of one file.

    A query's window is declared only once its last page has been seen: a collection that was cut short says nothing
    about the older part of the window.
    """

    def __init__(self) -> None:
        self._kinds: set[str] = set()
        self._windows: dict[str, tuple[int, int]] = {}
        self._finished: set[str] = set()

    def add(self, found: Unpacked, seen_us: int | None) -> None:
        """One record that held tweets. `seen_us`: when it was retrieved."""
        if found.page is None:
            self._kinds.add("scattered")
            return
        parts = urlsplit(found.page.url or "")
        query = dict(parse_qsl(parts.query))
        is_look_up = "ids" in query or _LOOK_UP.search(parts.path) if found.page.url else not found.page.is_search
        if is_look_up:
            self._kinds.add("scattered")
            return
        window = None if _STREAM.search(parts.path) else _window(query, seen_us)
        if window is None:
            self._kinds.add("observed")
            return
        asked = "&".join(f"{k}={v}" for k, v in sorted(query.items()) if k not in _TOKENS)
        request = f"{parts.path}?{asked}"
        first, last = self._windows.get(request, window)
        self._windows[request] = (min(first, window[0]), max(last, window[1]))
        if found.page.is_last:
            self._finished.add(request)

    @property
    def kind(self) -> str | None:
        """declared, observed or scattered; None: the file held no tweets."""
        if "scattered" in self._kinds:
            return "scattered"
        if "observed" in self._kinds or self._windows.keys() - self._finished:
            return "observed"
        return "declared" if self._windows else None

    @property
    def days(self) -> tuple[str, str] | None:
        """First and last day that the file is declared for."""
        if self.kind != "declared":
            return None
        first = min(first for first, _ in self._windows.values())
        last = max(last for _, last in self._windows.values())
        return str(_day(first)), str(_day(last))


def _window(query: dict[str, str], seen_us: int | None) -> tuple[int, int] | None:
    first = _moment(query.get("start_time"), query.get("since_id"))
    end = _moment(query.get("end_time"), query.get("until_id"))
    # The end is exclusive.
    last = end - 1 if end is not None else seen_us
    return (first, last) if first is not None and last is not None and first <= last else None


def _moment(time: str | None, tweet_id: str | None) -> int | None:
    if time is not None:
        return micros_of(time)
    return id_micros(tweet_id) if tweet_id is not None and is_id(tweet_id) else None


def _day(micros: int) -> date:
    return datetime.fromtimestamp(micros / SECOND, tz=UTC).date()
