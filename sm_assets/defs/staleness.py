"""Which published days are stale: made of other rows, other landing files or by other code than there are now.

Here: comparing what files say they were made from with what is there, and passing it on downstream. Not here: what is
compared (`made_from`), what people are told (`day_checks`).

Why not Dagster's own marks and AutomationConditions (tried with 1.13): a run over a range gives all of its days one
data version; `any_deps_updated` takes each day of such a run for changed, be its rows the same; `code_version_changed`
holds for one look only; and a condition starts runs, where people want to know first.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sm_assets.contracts import TABLES
from sm_assets.defs.code_versions import code_version
from sm_assets.defs.footers import Footer, footer
from sm_assets.defs.made_from import LANDING, fed_on, first_day, input_digests, joined
from sm_assets.sources import SOURCES
from sm_assets.sources.feeds import Feeds, known_feeds
from sm_assets.storage import Lake

CODE_CHANGED: Final = "the code that makes it changed"
FILES_CHANGED: Final = "landing files changed"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the days of one table stand.

    Attributes:
        days: that are published, ascending.
        stale: day -> reasons.
        unknown: days whose files do not say what they were made from; they count as current.
        upstream: tables that the newest day which says so was made from; `landing/<source>` among them.
    """

    days: tuple[date, ...] = ()
    stale: Mapping[date, tuple[str, ...]] = field(default_factory=dict)
    unknown: tuple[date, ...] = ()
    upstream: tuple[str, ...] = ()


def stale_days(lake: Lake) -> dict[str, dict[date, tuple[str, ...]]]:
    """Table -> day -> reasons, of all tables that have a stale day."""
    return {table: dict(found.stale) for table, found in standings(lake).items() if found.stale}


def standings(lake: Lake) -> dict[str, Standing]:
    """How every table stands, those without a published day included."""
    look = _Look(lake)
    return {table: look.standing(table) for table in TABLES}


class _Look:
    """One look at all files; each table is judged after those that it was made from."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._found: dict[str, Standing] = {}
        self._feeds: dict[str, Feeds] = {}

    def standing(self, table: str) -> Standing:
        if table not in self._found:
            # A table that leads to itself by files of other versions is judged as if it were not stale.
            self._found[table] = Standing()
            self._found[table] = self._judge(table)
        return self._found[table]

    def _judge(self, table: str) -> Standing:
        read = {day: footer(self._lake, table, day) for day in self._lake.days(table)}
        said = {day: found for day, found in read.items() if found is not None}
        unknown = tuple(day for day, found in said.items() if found.made_from is None and found.code is None)
        inputs = {day: _inputs(found) for day, found in said.items()}
        reasons: dict[date, list[str]] = {}
        code = code_version(table)
        for day, found in said.items():
            if found.code not in (None, code):
                reasons.setdefault(day, []).append(CODE_CHANGED)
        for upstream in sorted({name for names in inputs.values() for name in names}):
            told = {day: names[upstream] for day, names in inputs.items() if upstream in names}
            for day, reason in self._compared(table, upstream, told).items():
                reasons.setdefault(day, []).append(reason)
        newest = max((day for day, names in inputs.items() if names), default=None)
        return Standing(
            tuple(said),
            {day: tuple(found) for day, found in sorted(reasons.items())},
            unknown,
            tuple(inputs[newest]) if newest is not None else (),
        )

    def _compared(self, table: str, upstream: str, told: Mapping[date, str]) -> dict[date, str]:
        """Days whose digest of one input is not that of now, or of which a day of the input is stale itself."""
        if upstream.startswith(LANDING):
            now = fed_on(self._known_feeds(upstream.removeprefix(LANDING)), table)
            return {day: FILES_CHANGED for day, digest in told.items() if digest != now.get(day, "")}
        if upstream not in TABLES:
            return {}
        stale = sorted(self.standing(upstream).stale)
        settings = self._lake.settings
        digests = input_digests(self._lake, table, upstream, self.standing(upstream).days)
        current = joined(settings, table, upstream, digests, sorted(told))
        found = {}
        for day, digest in told.items():
            if digest != current[day]:
                found[day] = f"{upstream} changed"
                continue
            first = bisect_left(stale, first_day(settings, table, upstream, day))
            if first < len(stale) and stale[first] <= day:
                found[day] = f"{upstream} is stale"
        return found

    def _known_feeds(self, source: str) -> Feeds:
        if source not in self._feeds:
            self._feeds[source] = known_feeds(self._lake, source) if source in SOURCES else Feeds({}, {}, frozenset())
        return self._feeds[source]


def _inputs(found: Footer) -> dict[str, str]:
    told: dict[str, str] = json.loads(found.made_from or "{}")
    return told
