"""All landing files of a source taken into the lake, and their rows of some days.

Here: conversion of what is new, reuse of the rest, the rows of the raw tables. Not here: finding files (`landing`),
converting one of them (`convert`), which days a run may publish (`coverage`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from sm_assets.contracts import TABLES, Table
from sm_assets.contracts.schema import DAY, quoted
from sm_assets.errors import InputError, UnknownVintage
from sm_assets.sources import SOURCES, Source
from sm_assets.sources.convert import ADDED, convert, made_by
from sm_assets.sources.landing import discover, fingerprints
from sm_assets.sources.sidecars import check_values
from sm_assets.storage import PART, Lake, day_range, parquet_sql

# What is said of a file: its beginning tells what was found, its end what was expected and what to do.
_HEAD, _TAIL = 400, 300


@dataclass(frozen=True, slots=True)
class Converted:
    """One landing file in the lake.

    Attributes:
        path: where it lies under landing/ now.
        manifest: what its conversion found; keys as in manifest.json.
    """

    path: str
    sha256: str
    manifest: dict[str, Any]

    @property
    def rows_by_day(self) -> dict[date, int]:
        """Rows of each day that has any."""
        return {date.fromisoformat(day): rows for day, rows in self.manifest["rows_by_day"].items()}

    @property
    def covered(self) -> list[date]:
        """Days that the file speaks of, with or without rows."""
        first, last = self.manifest["coverage_from"], self.manifest["coverage_to"]
        if first is None:
            return []
        if self.manifest["coverage_kind"] == "scattered":
            return sorted(self.rows_by_day)
        return day_range(date.fromisoformat(first), date.fromisoformat(last))

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
        affected: days that files new, gone or read otherwise since the last time cover or covered, ascending.
    """

    source: Source
    files: tuple[Converted, ...]
    same_as: dict[str, str]
    unknown: dict[str, str]
    unusable: dict[str, str]
    converted: tuple[str, ...]
    affected: tuple[date, ...] = field(default=())

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
    before = set((lake.read_json("lake", "_ingest", f"{source_name}.json") or {"files": {}})["files"].values())
    affected: set[date] = set()
    files: dict[str, Converted] = {}
    same_as: dict[str, str] = {}
    unknown: dict[str, str] = {}
    unusable: dict[str, str] = {}
    converted: list[str] = []
    for delivery in deliveries:
        sha256 = hashes[delivery.path]
        try:
            check_values(source, delivery.sidecar)
            if sha256 in files:
                same_as[delivery.path] = files[sha256].path
                continue
            earlier = manifest = _manifest(lake, sha256)
            if manifest is None or manifest["made_by"] != made_by(lake, source, delivery):
                log(f"converting {delivery.path}")
                manifest = convert(lake, source, delivery, sha256, previous=earlier)
                converted.append(delivery.path)
        except UnknownVintage as error:
            unknown[delivery.path] = _readable(delivery.path, error)
            continue
        except InputError as error:
            unusable[delivery.path] = _readable(delivery.path, error)
            continue
        files[sha256] = Converted(delivery.path, sha256, manifest)
        if sha256 not in before or manifest is not earlier:
            affected.update(files[sha256].covered)
            if sha256 in before and earlier is not None:
                affected.update(Converted(delivery.path, sha256, earlier).covered)
    for sha256 in before - set(files):
        gone = _manifest(lake, sha256)
        affected.update(Converted("", sha256, gone).covered if gone else ())
    kept = tuple(files.values())
    intake = Intake(source, kept, same_as, unknown, unusable, tuple(converted), tuple(sorted(affected)))
    state = {
        "unknown": unknown,
        "unusable": unusable,
        "files": {f.path: f.sha256 for f in kept},
        "same_as": same_as,
    }
    if state != lake.read_json("lake", "_ingest", f"{source_name}.json"):
        lake.write_json(state, "lake", "_ingest", f"{source_name}.json")
    return intake


def _manifest(lake: Lake, sha256: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = lake.read_json("lake", "_ingest", sha256, "manifest.json")
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


def raw_rows(
    con: duckdb.DuckDBPyConnection, lake: Lake, intake: Intake, days: Iterable[date]
) -> duckdb.DuckDBPyRelation:
    """The converted records of `days`, as the raw table publishes them."""
    record, wanted = intake.source.record, set(days)
    paths = [
        lake.uri(lake.path("lake", "_ingest", file.sha256, record, f"{DAY}={day}", PART))
        for file in intake.files
        for day in sorted(wanted & set(file.rows_by_day))
    ]
    table = TABLES[intake.source.raw_table]
    if not paths:
        return con.sql(table.empty_sql())
    return _with_files(con, intake, table, parquet_sql(paths))


def reject_rows(
    con: duckdb.DuckDBPyConnection, lake: Lake, intake: Intake, days: Iterable[date]
) -> duckdb.DuckDBPyRelation:
    """The rejects of `days`, as the rejects table publishes them."""
    wanted = {str(day) for day in days}
    paths = [
        lake.uri(lake.path("lake", "_ingest", file.sha256, "reject", PART))
        for file in intake.files
        if wanted & set(file.manifest["rejects_by_day"])
    ]
    table = TABLES[intake.source.rejects_table]
    if not paths:
        return con.sql(table.empty_sql())
    chosen = ", ".join(f"date '{day}'" for day in sorted(wanted))
    source = f"{parquet_sql(paths, day_from_folder=False)} where day in ({chosen})"
    return _with_files(con, intake, table, source)


def _with_files(con: duckdb.DuckDBPyConnection, intake: Intake, table: Table, source: str) -> duckdb.DuckDBPyRelation:
    files = pa.table(
        {
            "source_sha256": pa.array([file.sha256 for file in intake.files], pa.string()),
            "source_file": pa.array([file.path for file in intake.files], pa.string()),
            "vintage": pa.array([file.manifest["vintage"] for file in intake.files], pa.string()),
        }
    )
    con.register("landing_files", files)
    columns = ", ".join(
        f"{'landing_files' if name in ADDED else 'delivered'}.{quoted(name)}" for name in table.column_names
    )
    return con.sql(
        f"select {columns} from ({source}) as delivered inner join landing_files "
        "on delivered.source_sha256 = landing_files.source_sha256"
    )
