"""All landing files of a source taken into the lake, and what a run over some days may publish of them.

Here: conversion of what is new, reuse of the rest, coverage, vanished files, the rows of the raw tables. Not here:
converting one file (`convert`), finding files (`landing`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from sm_assets.contracts import TABLES, Table
from sm_assets.contracts.schema import DAY, quoted
from sm_assets.errors import InputError, UncoveredDays, UnknownVintage, VanishedFiles
from sm_assets.sources import SOURCES, Source
from sm_assets.sources.convert import ADDED, convert, made_by
from sm_assets.sources.landing import discover, fingerprints
from sm_assets.storage import PART, Lake, day_range, parquet_sql, select


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


@dataclass(frozen=True, slots=True)
class Intake:
    """All files of a source after conversion.

    Attributes:
        files: one per distinct file content, by path.
        duplicates: path of a file of equal bytes -> rows that it would have brought.
        unknown: path -> why no vintage recognises the file.
        unusable: path -> why the file could not be used otherwise (archive, changed while read, ...).
        converted: paths converted now; the others are reused.
    """

    source: Source
    files: tuple[Converted, ...]
    duplicates: dict[str, int]
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
        same = sum(self.duplicates.values())
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
    files: dict[str, Converted] = {}
    duplicates: dict[str, int] = {}
    unknown: dict[str, str] = {}
    unusable: dict[str, str] = {}
    converted: list[str] = []
    for delivery in deliveries:
        sha256 = hashes[delivery.path]
        if sha256 in files:
            duplicates[delivery.path] = files[sha256].manifest["rows_in"]
            continue
        manifest = lake.read_json("lake", "_ingest", sha256, "manifest.json")
        if manifest is None or manifest["made_by"] != made_by(lake, source, delivery):
            log(f"converting {delivery.path}")
            try:
                manifest = convert(lake, source, delivery, sha256, previous=manifest)
            except UnknownVintage as error:
                unknown[delivery.path] = str(error)
                continue
            except InputError as error:
                unusable[delivery.path] = str(error)
                continue
            converted.append(delivery.path)
        files[sha256] = Converted(delivery.path, sha256, manifest)
    affected = {day for file in files.values() if file.path in converted for day in file.covered}
    kept = tuple(files.values())
    intake = Intake(source, kept, duplicates, unknown, unusable, tuple(converted), tuple(sorted(affected)))
    state = {"unknown": unknown, "unusable": unusable, "files": {f.path: f.sha256 for f in kept}}
    if state != lake.read_json("lake", "_ingest", f"{source_name}.json"):
        lake.write_json(state, "lake", "_ingest", f"{source_name}.json")
    return intake


def days_to_publish(lake: Lake, intake: Intake, days: list[date], *, accept_vanished: bool = False) -> list[date]:
    """Those of `days` whose raw partition may be replaced: covered by a file, or emptied on purpose.

    Raises:
        VanishedFiles: a file that fed one of the days is gone and `accept_vanished` is false.
        UncoveredDays: no file speaks of any of the days.
    """
    vanished = _vanished(lake, intake, days)
    if vanished and not accept_vanished:
        named = ", ".join(sorted({path for path, _ in vanished}))
        raise VanishedFiles(
            f"Files that fed {_span([day for _, day in vanished])} are gone or can no longer be read: {named}. "
            "Nothing was replaced. Put them back, or set accept_vanished to drop their rows on purpose."
        )
    covered = intake.covered | {day for _, day in vanished}
    chosen = [day for day in days if day in covered]
    if not chosen:
        known = _span(sorted(covered)) if covered else "no day"
        raise UncoveredDays(
            f"No file under landing/{intake.source.name}/ speaks of {_span(days)}; they cover {known}. Nothing was "
            "replaced."
        )
    return chosen


def _vanished(lake: Lake, intake: Intake, days: list[date]) -> list[tuple[str, date]]:
    present = {file.sha256 for file in intake.files}
    # Other bytes under the same path are a new delivery, not a loss, as long as they were read.
    paths = {file.path for file in intake.files if file.manifest["rows_out"]}
    ref = lake.ref(intake.source.raw_table, days)
    if not ref.days:
        return []
    with lake.connect() as con:
        sql = "select distinct source_file, source_sha256, day from fed"
        fed = select(lake.register(con, ref), "fed", sql).fetchall()
    return sorted((path, day) for path, sha256, day in fed if sha256 not in present and path not in paths)


def _span(days: list[date]) -> str:
    return str(days[0]) if min(days) == max(days) else f"{min(days)} to {max(days)}"


def reject_days(intake: Intake, days: Iterable[date]) -> list[date]:
    """Those of `days` that have rejects."""
    found = {day for file in intake.files for day in file.manifest["rejects_by_day"]}
    return [day for day in days if str(day) in found]


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
