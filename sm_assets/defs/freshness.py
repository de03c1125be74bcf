"""Which tables end before the landing files do, or have holes: by days, whatever else was published since.

Here: the days that landing files speak of against those that are published; snapshots against the newest day of what
they look at. Not here: days that were published and are outdated (`staleness`).

Dagster's FreshnessPolicy asks when a table was last written, not which days it has: a run over last year would make it
fresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from sm_assets.contracts import TABLES
from sm_assets.defs.made_from import LANDING, source_of
from sm_assets.defs.staleness import Standing
from sm_assets.sources import SOURCES
from sm_assets.sources.feeds import known_feeds
from sm_assets.storage import Lake

# Snapshots are made once a week.
RHYTHM: Final = timedelta(days=7)
# Their days are those of files below labels/, which no landing file speaks of.
_OTHER_DAYS: Final = ("feat_account_labels", "feat_account_label_rejects")


class Freshness(NamedTuple):
    """What a table lacks.

    Attributes:
        missing: days to materialise, ascending; empty: it is fresh.
        told: how it stands, in one sentence.
    """

    missing: tuple[date, ...]
    told: str


class Coverage:
    """The days that landing files speak of, from the first partition up to yesterday, by table."""

    def __init__(self, lake: Lake, standings: Mapping[str, Standing], today: date | None = None) -> None:
        """Look at the files that were taken in.

        Args:
            lake: the data root.
            standings: of all tables.
            today: UTC; None: by the clock.
        """
        self._standings = standings
        self._last = (today or datetime.now(UTC).date()) - timedelta(days=1)
        first = lake.settings.start_day
        self._by_source = {
            name: frozenset(day for day in known_feeds(lake, name).covered if first <= day <= self._last)
            for name in SOURCES
        }
        self._found: dict[str, frozenset[date]] = {}

    def freshness(self, table: str) -> Freshness:
        """How a table stands."""
        if table in _OTHER_DAYS:
            return Freshness((), "Its days are those that files below labels/ speak of.")
        return self._snapshots(table) if TABLES[table].partition == "as_of" else self._days(table)

    def _days(self, table: str) -> Freshness:
        spoken, there = self._spoken(table), self._standings[table].days
        if not spoken:
            return Freshness((), "No landing file that was taken in speaks of a day up to yesterday.")
        if not there:
            return Freshness((), f"No day is published yet; landing files speak of {min(spoken)} to {max(spoken)}.")
        missing = tuple(sorted(spoken.difference(there)))
        if not missing:
            return Freshness(
                (), f"It ends on {there[-1]}; up to yesterday landing files speak of days to {max(spoken)}."
            )
        late = max(spoken) > there[-1]
        told = f"{table} ends on {there[-1]}; landing files speak of days to {max(spoken)}" if late else ""
        holes = sum(day < there[-1] for day in missing)
        if holes:
            told = f"{told or table}{', and' if late else ''} lacks {holes} days in between that files speak of"
        return Freshness(missing, told)

    def _snapshots(self, table: str) -> Freshness:
        there, events = self._standings[table].days, self._events(table)
        newest = {name: day for name in events if (day := self._newest(name)) is not None}
        if not there:
            return Freshness((), "No snapshot is published yet.")
        source = max(newest, key=lambda name: (newest[name], name), default=None)
        if source is None or newest[source] - there[-1] <= RHYTHM:
            return Freshness((), f"The newest snapshot is of {there[-1]}; they are due once a week.")
        # A Sunday, as the schedule has it; more than a week lies between.
        due = newest[source] - timedelta(days=newest[source].isoweekday() % 7)
        behind = (newest[source] - there[-1]).days
        return Freshness((due,), f"{table} ends on {there[-1]}, {behind} days before {source} ({newest[source]})")

    def _newest(self, table: str) -> date | None:
        return max((day for day in self._standings[table].days if day <= self._last), default=None)

    def _events(self, table: str) -> frozenset[str]:
        """Tables of events that a snapshot looks at, directly or through other snapshots."""
        found: set[str] = set()
        waiting, seen = [table], {table}
        while waiting:
            for name in self._standings[waiting.pop()].upstream:
                if name in TABLES and TABLES[name].partition == "event":
                    found.add(name)
                elif name in TABLES and name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return frozenset(found or {"core_posts"})

    def _spoken(self, table: str) -> frozenset[date]:
        """Days that the landing files of a table of events speak of."""
        if table not in self._found:
            self._found[table] = frozenset()
            self._found[table] = self._days_of_sources(table)
        return self._found[table]

    def _days_of_sources(self, table: str) -> frozenset[date]:
        if TABLES[table].layer in ("raw", "stg"):
            return self._by_source[source_of(table)]
        upstream = [name for name in self._standings[table].upstream if name in TABLES or name.startswith(LANDING)]
        # Files of earlier versions do not say where they come from.
        days = [self._spoken(name) for name in upstream if name in TABLES] or list(self._by_source.values())
        return frozenset().union(*days)
