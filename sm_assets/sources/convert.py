"""From a landing file to lake/_ingest/<sha256>/: its records clustered by day, its rejects, its manifest.

Here: the conversion of one file. Not here: finding files (`landing`), reading them (the source's module), which files
are converted when and what a run publishes of them (`intake`).

A directory in _ingest exists complete or not at all: it is built in a workspace and renamed. Its content depends on
the file's bytes, its name, its sidecar and a few settings only; a hash of these and of the converter's version in the
manifest tells whether it still holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.contracts import TABLES, Table
from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import DAY, quoted
from sm_assets.errors import InputError, Unreconciled, UnstableFile
from sm_assets.sources import Source
from sm_assets.sources.landing import Delivery, changed, local_copy
from sm_assets.storage import PART, ROW_GROUP, DayWriter, Lake, select, sync_folder

CONVERTER_VERSION = "1"
ADDED = ("source_file", "vintage")
_REJECT_COLUMNS = pick("source source_sha256 line byte_offset byte_length record? reason detail? raw_excerpt? day")


def convert(
    lake: Lake, source: Source, delivery: Delivery, sha256: str, previous: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Convert one landing file into lake/_ingest/<sha256>/ and return its manifest.

    Args:
        lake: where to.
        source: who delivered the file.
        delivery: the file.
        sha256: its fingerprint.
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
                try:
                    manifest = _convert_rows(lake, source, delivery, sha256, path, folder)
                except InputError as error:
                    # People know the file by its place under landing/, which a copy does not even have.
                    raise type(error)(str(error).replace(str(path), delivery.path)) from error
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
            "made_by": made_by(lake, source, delivery),
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


def _convert_rows(
    lake: Lake, source: Source, delivery: Delivery, sha256: str, path: Path, folder: Path
) -> dict[str, Any]:
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
            rows = select(con.from_arrow(stream), "delivered", f"select * from delivered order by {order}")
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
    return pa.schema([item for item in table.file_schema if item.name not in ADDED])


def _coverage(source: Source, delivery: Delivery, manifest: dict[str, Any]) -> None:
    """A file without rows covers no day, whatever is declared: an empty export proves nothing."""
    days = sorted(manifest["rows_by_day"])
    kind = source.coverage_kind
    first, last = (days[0], days[-1]) if days else (None, None)
    if first and last and delivery.sidecar.coverage:
        kind, (declared_first, declared_last) = "declared", delivery.sidecar.coverage
        first, last = min(str(declared_first), first), max(str(declared_last), last)
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
                rows = select(
                    con.read_parquet(str(staged)),
                    "rejects",
                    f"select '{source.name}' as source, '{sha256}' as source_sha256, * replace (coalesce(day, date "
                    f"'{day}') as day) from rejects order by line, byte_offset, record",
                )
                for batch in rows.to_arrow_reader(ROW_GROUP):
                    writer.write_batch(pa.RecordBatch.from_arrays(batch.select(schema.names).columns, schema=schema))
        writer.close()
        sink.flush()
        os.fsync(sink.fileno())
    with lake.connect() as con:
        counts = select(
            con.read_parquet(str(target)), "rejects", "select day, count(*) from rejects group by day order by day"
        )
        manifest["rejects_by_day"] = {str(found): rows for found, rows in counts.fetchall()}


def _reconcile(delivery: Delivery, manifest: dict[str, Any]) -> None:
    rejected, ignored = sum(manifest["rejected"].values()), sum(manifest["ignored"].values())
    problems = []
    if manifest["rows_in"] != manifest["rows_out"] + rejected + ignored:
        problems.append(
            f"{manifest['rows_in']} rows in are not {manifest['rows_out']} out + {rejected} rejected + {ignored} "
            "ignored"
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
        place.replace(workspace / "old")
    folder.replace(place)
    sync_folder(place.parent)
    shutil.rmtree(workspace / "old", ignore_errors=True)


def made_by(lake: Lake, source: Source, delivery: Delivery) -> dict[str, str]:
    """What besides the bytes decides about the result; a manifest with another answer is out of date."""
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
        "raw_columns": hashlib.sha256(
            str(ingest_schema(TABLES[source.raw_table]).remove_metadata()).encode()
        ).hexdigest(),
        "reader_version": str(getattr(source.load(), "READER_VERSION", "1")),
        "settings": hashlib.sha256(text.encode()).hexdigest(),
    }
