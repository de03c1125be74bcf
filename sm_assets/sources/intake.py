"""All landing files of a source taken into the lake.

Here: conversion of what is new, reuse of the rest, what became stale. Not here: finding files (`landing`), converting
one of them (`convert`), the rows of the raw tables (`publication`), which days a run may publish (`coverage`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from sm_assets.contracts import TABLES, Table
from sm_assets.errors import InputError, UnknownVintage
from sm_assets.sources import SOURCES, Source
from sm_assets.sources.convert import convert, made_by
from sm_assets.sources.landing import discover, fingerprints
from sm_assets.sources.purges import apply as apply_purges
from sm_assets.sources.sidecars import check_values
from sm_assets.storage import Lake, day_range

# What is said of a file: its beginning tells what was found, its end what was expected and what to do.
_HEAD, _TAIL = 400, 300


@dataclass(frozen=True, slots=True)
class Converted:
    """One landing file in the lake.

    Attributes:
        path: where it lies under landing/ now.
        manifest: what its conversion found; keys as in manifest.json.
        folder: its converted directory.
        delivery: the collection it belongs to.
    """

    path: str
    sha256: str
    manifest: dict[str, Any]
    folder: str
    delivery: str = ""

    def place(self, *parts: str) -> str:
        """Path of something inside its converted directory."""
        return "/".join((self.folder, *parts))

    def table(self, record: str) -> Table:
        """Contract of the raw table of one kind of its records."""
        return TABLES[f"raw_{self.manifest['source']}__{record}"]

    @property
    def rows_by_day(self) -> dict[date, int]:
        """Rows of each day that has any, over all kinds of records."""
        rows: Counter[date] = Counter()
        for days in self.manifest["rows_by_day"].values():
            rows.update({date.fromisoformat(day): n for day, n in days.items()})
        return dict(sorted(rows.items()))

    @property
    def covered(self) -> list[date]:
        """Days that the file speaks of, with or without rows.

        Rows that came only inside others lie on days that the file does not cover otherwise; they are shown all the
        same, and so are days on which only staged rows lie.
        """
        complete = self.manifest.get("complete")
        days = {*self.rows_by_day, *map(date.fromisoformat, self.manifest.get("also_days", ()))}
        if complete is not None:
            days.update(day_range(*map(date.fromisoformat, complete)))
        return sorted(days)

    @property
    def touched(self) -> set[date | None]:
        """Days of records that the file's withdrawals reach; None among them: any day."""
        return {date.fromisoformat(day) if day else None for day in self.manifest.get("touched_days", ())}

    @property
    def profile_days(self) -> set[date]:
        """Days on which profiles of its rows lie, as far as its source tells; they go on into all later days."""
        manifest = self.manifest
        days = {*manifest.get("also_days", ()), *manifest.get("profile_days", ())}
        for record in SOURCES[manifest["source"]].profiles:
            days.update(manifest["rows_by_day"].get(record, ()))
        return {date.fromisoformat(day) for day in days}

    @property
    def rejected(self) -> dict[str, int]:
        """Rejected rows by reason."""
        return dict(self.manifest["rejected"])


@dataclass(frozen=True, slots=True)
class Intake:
    """All files of a source after conversion.

    Attributes:
        files: one per distinct file content, by path.
        same_as: path of a file of equal bytes -> path of the one in `files`.
        unknown: path -> why no vintage recognises the file.
        unusable: path -> why the file could not be used otherwise (archive, changed while read, ...).
        converted: paths converted now; the others are reused.
        affected: days that files new, gone, renamed or read otherwise since the last time cover or covered, those that
        their withdrawals reach, and those into which their profiles and lists go on, ascending.
        purged: landing file -> rows whose words were now taken out of its conversion because they were purged.
        held: landing file -> rows taken out of its conversion so far; the file itself holds their words until it goes.
    """

    source: Source
    files: tuple[Converted, ...]
    same_as: dict[str, str]
    unknown: dict[str, str]
    unusable: dict[str, str]
    converted: tuple[str, ...]
    affected: tuple[date, ...] = field(default=())
    purged: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)

    @property
    def covered(self) -> set[date]:
        """Days that at least one file speaks of."""
        return {day for file in self.files for day in file.covered}

    def totals(self) -> dict[str, int]:
        """Rows over all files: rows_in, rows_out and one entry per disposition and reason."""
        totals: Counter[str] = Counter(rows_in=0, rows_out=0)
        for file in self.files:
            totals["rows_in"] += file.manifest["rows_in"]
            totals["rows_out"] += file.manifest["rows_out"]
            for disposition in ("rejected", "ignored"):
                for reason, rows in file.manifest[disposition].items():
                    totals[f"{disposition}/{reason}"] += rows
        rows = {file.path: file.manifest["rows_in"] for file in self.files}
        same = sum(rows[path] for path in self.same_as.values())
        if same:
            totals["rows_in"] += same
            totals["duplicate/same_file"] += same
        return dict(totals)

    def repairs(self) -> dict[str, int]:
        """Repaired cells over all files, by `column/reason`."""
        found: Counter[str] = Counter()
        for file in self.files:
            found.update(file.manifest["repairs"])
        return dict(sorted(found.items()))

    def outside(self, first: date, last: date) -> dict[str, int]:
        """Rows on days that no partition from `first` to `last` takes, by file and days."""
        found = {}
        for file in self.files:
            rows = {day: n for day, n in file.rows_by_day.items() if not first <= day <= last}
            if rows:
                found[f"{file.path} ({spans(rows)})"] = sum(rows.values())
        return found


def take_in(lake: Lake, source_name: str, log: Callable[[str], None] = lambda _: None) -> Intake:
    """Convert what is new under landing/<source_name>/ and reuse the rest.

    Files that cannot be used are set aside and named in the result; the others go on.

    Raises:
        LandingError: the folder itself is not in order.
        Unreconciled: rows in and out of a file differ.
    """
    source = SOURCES[source_name]
    deliveries = discover(lake, source_name)
    hashes = fingerprints(lake, deliveries)
    last = lake.read_json("lake", "_ingest", f"{source_name}.json") or {"files": {}}
    before, named = set(last["files"].values()), last.get("collections", {})
    files: dict[str, Converted] = {}
    same_as: dict[str, str] = {}
    unknown: dict[str, str] = {}
    unusable: dict[str, str] = {}
    converted: list[str] = []
    changed: list[Converted] = []
    for number, delivery in enumerate(deliveries, 1):
        sha256 = hashes[delivery.path]
        try:
            check_values(source, delivery.sidecar)
            if sha256 in files:
                same_as[delivery.path] = files[sha256].path
                continue
            name = _folder(lake, source, sha256)
            earlier = manifest = _manifest(lake, name)
            if manifest is None or manifest["made_by"] != made_by(lake, source, delivery):
                log(f"converting {delivery.path} ({number} of {len(deliveries)} files)")
                manifest = convert(lake, source, delivery, sha256, name, previous=earlier)
                converted.append(delivery.path)
        except UnknownVintage as error:
            unknown[delivery.path] = _readable(delivery.path, error)
            continue
        except InputError as error:
            unusable[delivery.path] = _readable(delivery.path, error)
            continue
        files[sha256] = _converted(lake, delivery.path, sha256, name, manifest, delivery.sidecar.collection)
        collection = files[sha256].delivery
        is_named_anew = last["files"].get(delivery.path) != sha256 or named.get(delivery.path, collection) != collection
        if is_named_anew or manifest is not earlier:
            changed.append(files[sha256])
            if sha256 in before and earlier is not None:
                changed.append(_converted(lake, delivery.path, sha256, name, earlier))
    kept = tuple(files.values())
    fresh = {file.sha256 for file in kept if file.path in converted or file.sha256 not in before}
    replaced = _left_behind(lake, source, kept) if fresh and any(f.manifest.get("purges") for f in kept) else []
    purged = apply_purges(lake, source, list(kept), fresh, replaced)
    for sha256 in before - set(files):
        name = _folder(lake, source, sha256)
        gone = _manifest(lake, name)
        if gone:
            changed.append(_converted(lake, "", sha256, name, gone))
    affected = _affected(kept, changed, purged)
    emptied: Counter[str] = Counter()
    for file in kept:
        known = 0 if file.path in converted else last.get("purged", {}).get(file.sha256, 0)
        if rows := known + purged.get(file.path, 0):
            emptied[file.sha256] = rows
    places = {path: hashes[path] for path in (*(f.path for f in kept), *same_as)}
    withheld = {file.sha256: file.manifest.get("rows_withheld", 0) for file in kept}
    held = {
        path: rows for path, sha256 in sorted(places.items()) if (rows := emptied[sha256] + withheld.get(sha256, 0))
    }
    intake = Intake(source, kept, same_as, unknown, unusable, tuple(converted), affected, purged, held)
    state = {
        "unknown": unknown,
        "unusable": unusable,
        "files": {f.path: f.sha256 for f in kept},
        "collections": {f.path: f.delivery for f in kept},
        "same_as": same_as,
        "purged": dict(emptied),
    }
    if state != lake.read_json("lake", "_ingest", f"{source_name}.json"):
        lake.write_json(state, "lake", "_ingest", f"{source_name}.json")
    return intake


def manifests(lake: Lake, source_name: str) -> dict[str, dict[str, Any]]:
    """Manifest of each landing file of a source as the last run left it, by path."""
    state = lake.read_json("lake", "_ingest", f"{source_name}.json") or {"files": {}}
    source = SOURCES[source_name]
    found = {path: _manifest(lake, _folder(lake, source, sha256)) for path, sha256 in state["files"].items()}
    return {path: manifest for path, manifest in found.items() if manifest is not None}


def _folder(lake: Lake, source: Source, sha256: str) -> str:
    """Name of the converted directory: the fingerprint, unless another source has a file of the same bytes."""
    found = _manifest(lake, sha256)
    return sha256 if found is None or found["source"] == source.name else f"{sha256}-{source.name}"


def _converted(
    lake: Lake, path: str, sha256: str, name: str, manifest: dict[str, Any], collection: str | None = None
) -> Converted:
    return Converted(path, sha256, manifest, lake.path("lake", "_ingest", name), collection or _stem(path))


def _stem(path: str) -> str:
    """A file's name without its extension and without that of its compression."""
    return PurePosixPath(re.sub(r"\.(gz|gzip|zst|zstd)$", "", path, flags=re.IGNORECASE)).stem


def _left_behind(lake: Lake, source: Source, kept: Iterable[Converted]) -> list[Converted]:
    """Conversions of bytes that lie under landing/ no more: replaced or taken away, they hold words all the same."""
    names = {file.folder.rsplit("/", 1)[-1] for file in kept}
    found = []
    for folder in sorted(str(path).rstrip("/") for path in lake.fs.ls(lake.path("lake", "_ingest"), detail=False)):
        name = folder.rsplit("/", 1)[-1]
        if name not in names and not name.endswith(".json"):
            manifest = _manifest(lake, name)
            if manifest is not None and manifest["source"] == source.name:
                found.append(_converted(lake, "", manifest["sha256"], name, manifest))
    return found


def _affected(kept: Iterable[Converted], changed: list[Converted], purged: dict[str, int]) -> tuple[date, ...]:
    """Days whose tables are stale: covered by changed files, or reached by their withdrawals or snapshots."""
    files = list(kept)
    days = {day for file in changed for day in file.covered}
    touched = {day for file in changed for day in file.touched}
    if None in touched:
        touched |= {day for file in files for day in file.covered}
    days |= {day for day in touched if day is not None}
    for file in files:
        if file.path in purged:
            days.update(file.rows_by_day, map(date.fromisoformat, file.manifest["rejects_by_day"]))
    # A pair that is known from lists lies on the day of its first list: an earlier one takes it from the later. And a
    # profile is what its account is known by on all later days.
    onwards = [day for file in changed if file.manifest.get("is_snapshot") for day in file.covered]
    onwards += [day for file in changed for day in file.profile_days]
    if onwards:
        days |= {day for file in files for day in file.covered if day >= min(onwards)}
    return tuple(sorted(days))


def _manifest(lake: Lake, name: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = lake.read_json("lake", "_ingest", name, "manifest.json")
    return found


def _readable(path: str, error: InputError) -> str:
    """An error's words on one line, for lists that name the file: no binary bytes, no endless header."""
    text = str(error).removeprefix(f"{path}: ")
    text = "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text)
    # A word with several unreadable signs is no word.
    words = (word if word.count("\ufffd") < 3 else "\ufffd" + word[-1:].strip("\ufffd") for word in text.split())
    text = re.sub("\ufffd[\ufffd ]*\ufffd", "\ufffd", " ".join(words))
    return text if len(text) <= _HEAD + _TAIL + 3 else f"{text[:_HEAD]} … {text[-_TAIL:]}"


def spans(days: Iterable[date], most: int = 10) -> str:
    """Days as stretches, `2021-07-01 to 2021-07-03, 2021-07-09`; of very many the first `most`."""
    stretches: list[list[date]] = []
    for day in sorted(set(days)):
        if stretches and (day - stretches[-1][-1]).days == 1:
            stretches[-1].append(day)
        else:
            stretches.append([day])
    shown = [str(s[0]) if len(s) == 1 else f"{s[0]} to {s[-1]}" for s in stretches[:most]]
    more = sum(len(s) for s in stretches[most:])
    return ", ".join(shown) + (f" and {more} more days" if more else "")
