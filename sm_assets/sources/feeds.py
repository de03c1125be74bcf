"""Which landing files feed a day, as one digest per day: another digest, other files.

Here: the files of a source as a run took them in, and as they were last taken in. Not here: taking in (`intake`), which
days a run may publish (`coverage`), digests of tables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sm_assets.sources.intake import manifests
from sm_assets.sources.taken import Converted, Intake
from sm_assets.storage import Lake


@dataclass(frozen=True, slots=True)
class Feeds:
    """What feeds the days of one source.

    Attributes:
        rows: day -> digest of the files that cover it, or whose withdrawals reach it.
        rejects: the same, with the files that have rejects on the day.
        covered: days that at least one file speaks of.
    """

    rows: Mapping[date, str]
    rejects: Mapping[date, str]
    covered: frozenset[date]


def feeds_of(intake: Intake) -> Feeds:
    """Of the files that a run took in."""
    return _feeds((file, intake.held.get(file.path, 0)) for file in intake.files)


def known_feeds(lake: Lake, source_name: str) -> Feeds:
    """Of the files as the last run left them; files that nobody has taken in yet are not known."""
    state = lake.read_json("lake", "_ingest", f"{source_name}.json") or {}
    purged, collections = state.get("purged", {}), state.get("collections", {})
    found = []
    for path, manifest in manifests(lake, source_name).items():
        sha256 = state["files"].get(path, manifest["sha256"])
        held = purged.get(sha256, 0) + manifest.get("rows_withheld", 0)
        found.append((Converted(path, sha256, manifest, "", collections.get(path, "")), held))
    return _feeds(found)


def _feeds(files: Iterable[tuple[Converted, int]]) -> Feeds:
    rows: dict[date, list[str]] = {}
    only_rejects: dict[date, list[str]] = {}
    anywhere: list[str] = []
    covered: set[date] = set()
    for file, held in files:
        made_by = json.dumps(file.manifest["made_by"], sort_keys=True)
        name = f"{file.path}\0{file.sha256}\0{file.delivery}\0{made_by}\0{held}\n"
        own = set(file.covered)
        covered |= own
        for day in own | {day for day in file.touched if day is not None}:
            rows.setdefault(day, []).append(name)
        if None in file.touched:
            anywhere.append(name)
        for day in set(map(date.fromisoformat, file.manifest["rejects_by_day"])) - own:
            only_rejects.setdefault(day, []).append(name)
    return Feeds(
        {day: _digest({*names, *anywhere}) for day, names in rows.items()},
        {day: _digest({*rows.get(day, ()), *only_rejects.get(day, ()), *anywhere}) for day in {*rows, *only_rejects}},
        frozenset(covered),
    )


def _digest(names: Iterable[str]) -> str:
    known = hashlib.blake2b(digest_size=8)
    for name in sorted(names):
        known.update(name.encode())
    return known.hexdigest()
