"""From landing files to lake/_ingest/<sha256>/: each file is converted once, clustered by day, with its rejects and manifest.

Here: conversion, its reuse, and what a run over some days may publish of it. Not here: finding files (`landing`), reading them
(the source's module), the published raw tables (assets over `raw_rows` and `reject_rows`).

A directory in _ingest exists complete or not at all: it is built in a workspace and renamed. Its content depends on the file's
bytes, its name, its sidecar and a few settings only; a hash of these and of the converter's version in the manifest tells
whether it still holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.contracts import TABLES, Table
from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import DAY, quoted
from sm_assets.errors import InputError, UncoveredDays, UnknownVintage, Unreconciled, UnstableFile, VanishedFiles
from sm_assets.sources import SOURCES, Source
from sm_assets.sources.landing import Delivery, changed, discover, fingerprints, local_copy
from sm_assets.storage import PART, ROW_GROUP, DayWriter, Lake, day_range, parquet_sql

CONVERTER_VERSION = "1"
_ADDED = ("source_file", "vintage")
_REJECT_COLUMNS = pick("source source_sha256 line byte_offset byte_length record? reason detail? raw_excerpt? day")


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
        if manifest is None or manifest["made_by"] != _made_by(lake, source, delivery):
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


# ------------------------------------------------------------------ conversion


def convert(
    lake: Lake, source: Source, delivery: Delivery, sha256: str, previous: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Convert one landing file into lake/_ingest/<sha256>/ and return its manifest.

    Args:
        previous: manifest of an earlier conversion; its first day of conversion is kept.

    Raises:
        InputError: the file cannot be used; nothing was written.
        Unreconciled: rows in and out differ; nothing was written.
    """
    with lake.workspace(f"ingest-{sha256[:12]}") as workspace:
        folder = workspace / sha256
        folder.mkdir()
        if delivery.size:
            with local_copy(lake, delivery, workspace) as path:
                manifest = _convert_rows(lake, source, delivery, sha256, path, folder)
        else:
            manifest = _nothing(source)
        if changed(lake, delivery):
            raise UnstableFile(f"{delivery.path} changed while it was read; the next run tries again.")
        first = (previous or {}).get("first_converted", str(datetime.now(UTC).date()))
        manifest |= {
            "source": source.name,
            "record": source.record,
            "paths": [delivery.path],
            "bytes": delivery.size,
            "sha256": sha256,
            "first_converted": first,
            "made_by": _made_by(lake, source, delivery),
        }
        _coverage(source, delivery, manifest)
        _write_rejects(lake, source, sha256, workspace, folder, manifest)
        _reconcile(delivery, manifest)
        with (folder / "manifest.json").open("w", encoding="utf-8") as sink:
            json.dump(manifest, sink, ensure_ascii=False, indent=1, sort_keys=True, default=str)
            sink.flush()
            os.fsync(sink.fileno())
        _move_in(lake, folder, workspace, sha256)
    stored = lake.read_json("lake", "_ingest", sha256, "manifest.json")
    assert isinstance(stored, dict)
    return stored


def _convert_rows(lake: Lake, source: Source, delivery: Delivery, sha256: str, path: Path, folder: Path) -> dict[str, Any]:
    module = source.load()
    sidecar = delivery.sidecar
    options = module.ReadOptions(
        zone=sidecar.zone or lake.settings.zone,
        number_format=sidecar.number_format or lake.settings.number_format,
        encoding=sidecar.encoding,
        columns=dict(sidecar.columns),
        exported_at=sidecar.exported_at,
        policy="tables",
        wanted=None,
    )
    table = TABLES[source.raw_table]
    with module.read_posts(path, options) as reader:
        feed = _Feed(reader, module.RECORD_SCHEMA, module.REJECT_SCHEMA, folder.parent / "rejects.parquet")
        writer = DayWriter(table, folder / source.record, ingest_schema(table))
        for batch in _sorted_rows(lake, feed, table):
            # Only now, with the whole file read, is the time of its last event known.
            writer.write(_completed(batch, sha256, reader.manifest["last_event_at"]))
        writer.close()
        feed.close()
        manifest = dict(reader.manifest)
    manifest["rows_by_day"] = {str(day): rows for day, rows in sorted(writer.rows.items())}
    manifest["rows_written"] = sum(writer.rows.values())
    return manifest


class _Feed:
    """The reader's records as an Arrow stream; its rejects go to a file on the way."""

    def __init__(self, reader: Iterable[Any], records: pa.Schema, rejects: pa.Schema, rejects_path: Path) -> None:
        self.schema = records
        self.failure: InputError | None = None
        self._reader = reader
        self._rejects = pq.ParquetWriter(rejects_path, rejects)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for chunk in self._reader:
                if chunk.rejects.num_rows:
                    self._rejects.write_batch(chunk.rejects)
                if chunk.records.num_rows:
                    yield chunk.records
        except InputError as error:
            self.failure = error
            raise

    def close(self) -> None:
        self._rejects.close()


def _sorted_rows(lake: Lake, feed: _Feed, table: Table) -> Iterator[pa.RecordBatch]:
    order = ", ".join(quoted(name) for name in (DAY, *(n for n in table.sort_key if n != "source_sha256")))
    stream = pa.RecordBatchReader.from_batches(feed.schema, iter(feed))
    with lake.connect() as con:
        try:
            rows = con.from_arrow(stream).query("delivered", f"select * from delivered order by {order}")
            yield from rows.to_arrow_reader(ROW_GROUP)
        except duckdb.Error:
            # DuckDB wraps what the stream raises; the reader's own words are the useful ones.
            if feed.failure is not None:
                raise feed.failure from None
            raise


def _completed(batch: pa.RecordBatch, sha256: str, last_event_at: str | None) -> pa.RecordBatch:
    columns = {name: batch.column(name) for name in batch.schema.names}
    observed = columns["observed_at"]
    if observed.null_count and last_event_at is not None:
        moment = datetime.fromisoformat(last_event_at).astimezone(UTC).replace(tzinfo=None)
        columns["observed_at"] = observed.fill_null(pa.scalar(moment, observed.type))
    columns["source_sha256"] = pa.repeat(pa.scalar(sha256), batch.num_rows)
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def ingest_schema(table: Table) -> pa.Schema:
    """Arrow schema of the converted records of a raw table: what does not depend on where the file lies."""
    return pa.schema([item for item in table.file_schema if item.name not in _ADDED])


def _coverage(source: Source, delivery: Delivery, manifest: dict[str, Any]) -> None:
    """A file without rows covers no day, whatever is declared: an empty export proves nothing."""
    days = sorted(manifest["rows_by_day"])
    kind, first, last = source.coverage_kind, *((days[0], days[-1]) if days else (None, None))
    if days and delivery.sidecar.coverage:
        kind, (declared_first, declared_last) = "declared", delivery.sidecar.coverage
        first, last = min(str(declared_first), days[0]), max(str(declared_last), days[-1])
    manifest |= {"coverage_kind": kind if days else None, "coverage_from": first, "coverage_to": last}


def _write_rejects(
    lake: Lake, source: Source, sha256: str, workspace: Path, folder: Path, manifest: dict[str, Any]
) -> None:
    exported = manifest.get("exported_at")
    day = manifest["coverage_from"] or (str(exported)[:10] if exported else None) or manifest["first_converted"]
    target = folder / "reject" / PART
    target.parent.mkdir()
    schema = pa.schema([column.arrow_field for column in _REJECT_COLUMNS])
    staged = workspace / "rejects.parquet"
    with target.open("wb") as sink, pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        if staged.exists():
            with lake.connect() as con:
                rows = con.read_parquet(str(staged)).query(
                    "rejects",
                    f"select '{source.name}' as source, '{sha256}' as source_sha256, * replace (coalesce(day, date '{day}') "
                    "as day) from rejects order by line, byte_offset, record",
                )
                for batch in rows.to_arrow_reader(ROW_GROUP):
                    writer.write_batch(pa.RecordBatch.from_arrays(batch.select(schema.names).columns, schema=schema))
        writer.close()
        sink.flush()
        os.fsync(sink.fileno())
    with lake.connect() as con:
        counts = con.read_parquet(str(target)).query("rejects", "select day, count(*) from rejects group by day order by day")
        manifest["rejects_by_day"] = {str(found): rows for found, rows in counts.fetchall()}


def _reconcile(delivery: Delivery, manifest: dict[str, Any]) -> None:
    rejected, ignored = sum(manifest["rejected"].values()), sum(manifest["ignored"].values())
    problems = []
    if manifest["rows_in"] != manifest["rows_out"] + rejected + ignored:
        problems.append(
            f"{manifest['rows_in']} rows in are not {manifest['rows_out']} out + {rejected} rejected + {ignored} ignored"
        )
    if manifest["rows_out"] != manifest["rows_written"]:
        problems.append(f"{manifest['rows_out']} rows were read but {manifest['rows_written']} written")
    if rejected != sum(manifest["rejects_by_day"].values()):
        problems.append(f"{rejected} rejects were counted but {sum(manifest['rejects_by_day'].values())} written")
    if problems:
        raise Unreconciled(f"{delivery.path}: {'; '.join(problems)}. Nothing of it was published.")


def _nothing(source: Source) -> dict[str, Any]:
    return {
        "vintage": "empty",
        "rows_in": 0,
        "rows_out": 0,
        "rows_written": 0,
        "rows_by_day": {},
        "rejected": {},
        "ignored": {},
        "repairs": {},
        "notices": [f"The file has no bytes; {source.name} delivered nothing."],
    }


def _move_in(lake: Lake, folder: Path, workspace: Path, sha256: str) -> None:
    target = lake.path("lake", "_ingest", sha256)
    if not lake.is_local:
        # The manifest goes last: without it the directory does not count.
        files = sorted(folder.rglob("*.parquet"))
        for file in (*files, folder / "manifest.json"):
            lake.fs.put_file(str(file), f"{target}/{file.relative_to(folder).as_posix()}")
        return
    place = Path(target)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        os.replace(place, workspace / "old")
    os.replace(folder, place)
    shutil.rmtree(workspace / "old", ignore_errors=True)


def _made_by(lake: Lake, source: Source, delivery: Delivery) -> dict[str, str]:
    sidecar, settings = delivery.sidecar, lake.settings
    parts = {
        "name": delivery.path.rsplit("/", 1)[-1],
        "zone": sidecar.zone or settings.zone,
        "number_format": sidecar.number_format or settings.number_format,
        "encoding": sidecar.encoding,
        "columns": dict(sidecar.columns),
        "exported_at": sidecar.exported_at,
        "coverage": sidecar.coverage,
    }
    text = json.dumps(parts, sort_keys=True, default=str)
    return {
        "converter_version": CONVERTER_VERSION,
        "reader_version": str(getattr(source.load(), "READER_VERSION", "1")),
        "settings": hashlib.sha256(text.encode()).hexdigest(),
    }


# ------------------------------------------------------- what a run may publish


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
            f"Files that fed {_span([day for _, day in vanished])} are gone or can no longer be read: {named}. Nothing was "
            "replaced. Put them back, or set accept_vanished to drop their rows on purpose."
        )
    covered = intake.covered | {day for _, day in vanished}
    chosen = [day for day in days if day in covered]
    if not chosen:
        known = _span(sorted(covered)) if covered else "no day"
        raise UncoveredDays(
            f"No file under landing/{intake.source.name}/ speaks of {_span(days)}; they cover {known}. Nothing was replaced."
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
        fed = lake.register(con, ref).query("fed", "select distinct source_file, source_sha256, day from fed").fetchall()
    return sorted((path, day) for path, sha256, day in fed if sha256 not in present and path not in paths)


def _span(days: list[date]) -> str:
    return str(days[0]) if min(days) == max(days) else f"{min(days)} to {max(days)}"


def reject_days(intake: Intake, days: Iterable[date]) -> list[date]:
    """Those of `days` that have rejects."""
    found = {day for file in intake.files for day in file.manifest["rejects_by_day"]}
    return [day for day in days if str(day) in found]


def raw_rows(con: duckdb.DuckDBPyConnection, lake: Lake, intake: Intake, days: Iterable[date]) -> duckdb.DuckDBPyRelation:
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


def reject_rows(con: duckdb.DuckDBPyConnection, lake: Lake, intake: Intake, days: Iterable[date]) -> duckdb.DuckDBPyRelation:
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
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    chosen = ", ".join(f"date '{day}'" for day in sorted(wanted))
    source = f"select * from read_parquet([{listed}], hive_partitioning = false) where day in ({chosen})"
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
        f"{'landing_files' if name in _ADDED else 'delivered'}.{quoted(name)}" for name in table.column_names
    )
    return con.sql(
        f"select {columns} from ({source}) as delivered inner join landing_files "
        "on delivered.source_sha256 = landing_files.source_sha256"
    )
