"""What each day of a table is made from, as a digest for each table it reads: kept in the footer of its file.

Here: which days of a table go into a day of another, digests of what a run read, and of what is there now. Digests are
over `sm.digest` of the days, so that equal inputs give equal footers, and a day that is made again with the same rows
makes nothing stale. Not here: what follows when they differ (`staleness`).

Beside it stand records of what the lineage by days does not know: `sm.source` of links and names of clusters (earlier
snapshots of the same table, by clustering), `sm.inputs` of audiences (by which a snapshot goes on from an earlier one,
day by day), labels that models learned from. Their own checks say what to do about those.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Literal

import dagster as dg

from sm_assets.contracts import TABLES
from sm_assets.defs.footers import CODE, MADE_FROM, footer
from sm_assets.defs.partitions import mapping
from sm_assets.defs.sql import ALL_DAYS, table_files, table_reads
from sm_assets.settings import Settings
from sm_assets.sources.feeds import Feeds
from sm_assets.storage import Lake

LANDING: Final = "landing/"
# What is known of an account goes on into all later days, and a follow known from lists lies on the day of the first.
_CARRIED_ON: Final = ("core_accounts", "core_follows")

Digests = Mapping[date, str]


def reach(table: str, upstream: str) -> Literal["day", "window", "so_far"]:
    """Which days of `upstream` a day of `table` is made from: the same, a window that ends with it, all up to it."""
    made, source = TABLES[table], TABLES[upstream]
    if made.partition == "as_of":
        if source.partition == "as_of":
            return "day"
        return "so_far" if made.reach == "all_days" else "window"
    return "so_far" if table in _CARRIED_ON else "day"


def first_day(settings: Settings, table: str, upstream: str, day: date) -> date:
    """First of the days of `upstream` that a day of `table` is made from; the last is the day itself."""
    match reach(table, upstream):
        case "so_far":
            return date.min
        case "window":
            lineage = mapping(settings, table, upstream)
            assert isinstance(lineage, dg.TimeWindowPartitionMapping)
            return day + timedelta(days=lineage.start_offset)
        case "day":
            return day


def input_digests(lake: Lake, table: str, upstream: str, days: Iterable[date]) -> dict[date, str]:
    """Digest of each of `days` of `upstream` that is published, as `table` reads it."""
    # Profiles lie on other days than the rows they came with: the files of their day count too.
    with_files = table in table_files() and f"{upstream}{ALL_DAYS}" in table_reads(table) and _is_raw(upstream)
    found = {}
    for day in days:
        said = footer(lake, upstream, day)
        if said is not None:
            found[day] = f"{said.digest} {said.made_from}" if with_files else str(said.digest)
    return found


def _is_raw(table: str) -> bool:
    return TABLES[table].layer == "raw"


def joined(settings: Settings, table: str, upstream: str, digests: Digests, days: Collection[date]) -> dict[date, str]:
    """For each of `days` of `table` one digest over the digests of the days of `upstream` that it is made from.

    Empty where none of them is published.
    """
    there = sorted(digests)
    lines = [f"{day} {digests[day]}\n".encode() for day in there]
    if reach(table, upstream) == "so_far":
        return _joined_so_far(there, lines, sorted(days))
    found = {}
    for day in days:
        first = bisect_left(there, first_day(settings, table, upstream, day))
        chosen = lines[first : bisect_right(there, day)]
        found[day] = _hash(chosen).hexdigest() if chosen else ""
    return found


def _joined_so_far(there: Sequence[date], lines: Sequence[bytes], days: Sequence[date]) -> dict[date, str]:
    known, taken, found = _hash(()), 0, {}
    for day in days:
        upto = bisect_right(there, day)
        for line in lines[taken:upto]:
            known.update(line)
        taken = upto
        found[day] = known.copy().hexdigest() if taken else ""
    return found


def _hash(lines: Iterable[bytes]) -> hashlib.blake2b:
    known = hashlib.blake2b(digest_size=8)
    for line in lines:
        known.update(line)
    return known


class WhatWasRead:
    """Digests of the inputs of one step, as they were before it read any."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._table = ""
        self._inputs: dict[str, Digests] = {}

    def note(self, table: str, upstream: str, days: Collection[date]) -> None:
        """Remember `upstream` as it is now; `table` is the one whose days are made, `days` are those it is read on."""
        if reach(table, upstream) == "so_far":
            last = max(days, default=date.min)
            days = [day for day in self._lake.days(upstream) if day <= last]
        self._table = table
        self._inputs[upstream] = input_digests(self._lake, table, upstream, days)

    def footers(self, days: Collection[date], code: str) -> dict[date, dict[str, str]]:
        """Footer of each of `days` of any table that the step makes; `code` is the version of what makes it."""
        told = {
            upstream: joined(self._lake.settings, self._table, upstream, digests, days)
            for upstream, digests in sorted(self._inputs.items())
        }
        made = {day: {upstream: of_day[day] for upstream, of_day in told.items()} for day in days} if told else {}
        return {day: {CODE: code} | ({MADE_FROM: as_text(made[day])} if made else {}) for day in days}


def as_text(digests: Mapping[str, str]) -> str:
    """Digests by table, as they stand in the footer."""
    return json.dumps(digests, separators=(",", ":"), sort_keys=True)


def landing_footer(feeds: Feeds, table: str, day: date) -> dict[str, str]:
    """Footer of a day of a raw table: the landing files that feed it."""
    return {MADE_FROM: as_text({f"{LANDING}{source_of(table)}": fed_on(feeds, table).get(day, "")})}


def fed_on(feeds: Feeds, table: str) -> Mapping[date, str]:
    """Digest of the landing files that feed each day of a raw table."""
    return feeds.rejects if table.endswith("__rejects") else feeds.rows


def source_of(table: str) -> str:
    """Source of a raw or staged table."""
    return table.split("_", 1)[1].split("__", 1)[0]
