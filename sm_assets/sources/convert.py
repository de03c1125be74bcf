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
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sm_assets.contracts import TABLES
from sm_assets.contracts.schema import DAY
from sm_assets.errors import InputError, Unreconciled, UnstableFile
from sm_assets.sources import Source, purges
from sm_assets.sources.landing import Delivery, changed, local_copy
from sm_assets.sources.reading import INGESTED_REJECTS, REJECT_SCHEMA, Bounds, ReadOptions, ingest_schema
from sm_assets.sources.sidecars import Sidecar
from sm_assets.storage import PART, ROW_GROUP, DayRouter, Lake, put_folder, select

CONVERTER_VERSION = "4"


def convert(
    lake: Lake,
    source: Source,
    delivery: Delivery,
    sha256: str,
    name: str | None = None,
    previous: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Convert one landing file into lake/_ingest/<sha256>/ and return its manifest.

    Args:
        lake: where to.
        source: who delivered the file.
        delivery: the file.
        sha256: its fingerprint.
        name: of the directory below _ingest; None: the fingerprint.
        previous: manifest of an earlier conversion; its first day of conversion is kept.

    Raises:
        InputError: the file cannot be used; nothing was written.
        Unreconciled: rows in and out differ; nothing was written.
    """
    name = name or sha256
    first = (previous or {}).get("first_converted", str(datetime.now(UTC).date()))
    with lake.workspace(f"ingest-{sha256[:12]}") as workspace:
        folder = workspace / sha256
        folder.mkdir()
        if delivery.size:
            with local_copy(lake, delivery, workspace) as path:
                try:
                    manifest = _convert_rows(lake, source, delivery, path, folder, date.fromisoformat(first))
                except InputError as error:
                    # People know the file by its place under landing/, which a copy does not even have.
                    raise type(error)(str(error).replace(str(path), delivery.path)) from error
        else:
            manifest = _nothing(source)
        if changed(lake, delivery):
            raise UnstableFile(f"{delivery.path} changed while it was read; the next run tries again.")
        manifest |= {
            "source": source.name,
            "paths": [delivery.path],
            "bytes": delivery.size,
            "sha256": sha256,
            "first_converted": first,
            "made_by": made_by(lake, source, delivery),
        }
        manifest["observed_default"] = manifest.get("exported_at") or manifest.get("last_event_at") or first
        _coverage(source, delivery, manifest)
        _write_rejects(lake, source, sha256, workspace, folder, manifest)
        _reconcile(delivery, manifest)
        with (folder / "manifest.json").open("w", encoding="utf-8") as sink:
            json.dump(manifest, sink, ensure_ascii=False, indent=1, sort_keys=True, default=str)
            sink.flush()
            os.fsync(sink.fileno())
        _move_in(lake, folder, name)
    stored = lake.read_json("lake", "_ingest", name, "manifest.json")
    assert isinstance(stored, dict)
    return stored


def read_options(lake: Lake, delivery: Delivery) -> ReadOptions:
    """What sidecar and settings state about a file."""
    sidecar, settings = delivery.sidecar, lake.settings
    return ReadOptions(
        place=delivery.path.removeprefix("landing/"),
        zone=sidecar.zone or settings.zone,
        number_format=sidecar.number_format or settings.number_format,
        encoding=sidecar.encoding,
        columns=dict(sidecar.columns),
        exported_at=sidecar.exported_at,
        platform=sidecar.platform,
        direction=sidecar.direction,
        is_snapshot=sidecar.snapshot,
        bounds=Bounds(settings.client_ahead, settings.client_behind, settings.key_agreement),
    )


def _convert_rows(
    lake: Lake, source: Source, delivery: Delivery, path: Path, folder: Path, first: date
) -> dict[str, Any]:
    tables = {record: TABLES[source.raw_table(record)] for record in source.records}
    routers = {record: DayRouter(table, folder / record, ingest_schema(table)) for record, table in tables.items()}
    covered: Counter[date] = Counter()
    with (
        source.load().open_file(path, read_options(lake, delivery)) as reader,
        pq.ParquetWriter(folder.parent / "rejects.parquet", REJECT_SCHEMA) as rejects,
    ):
        for chunk in reader:
            if chunk.rejects.num_rows:
                rejects.write_batch(chunk.rejects)
            for record, batch in chunk.records.items():
                if batch.num_rows:
                    rows = _completed(batch, first)
                    covered.update(_own_days(rows))
                    routers[record].write(rows)
        for router in routers.values():
            router.close()
        manifest = dict(reader.manifest)
    manifest["rows_by_day"] = {
        record: {str(day): rows for day, rows in router.rows.items()}
        for record, router in routers.items()
        if router.rows
    }
    manifest["purges"] = purges.collect(lake, source, folder, manifest["rows_by_day"])
    manifest["rows_written"] = sum(sum(router.rows.values()) for router in routers.values())
    manifest["own_rows_by_day"] = {str(day): rows for day, rows in sorted(covered.items())}
    return manifest


def _completed(batch: pa.RecordBatch, first: date) -> pa.RecordBatch:
    """The rows with a day each: where none is known, that of the first conversion."""
    days = batch.column(DAY)
    if not days.null_count:
        return batch
    return batch.set_column(batch.schema.get_field_index(DAY), DAY, days.fill_null(pa.scalar(first, pa.date32())))


def _own_days(batch: pa.RecordBatch) -> dict[date, int]:
    """Rows by day, those left out that arrived only inside others."""
    days = batch.column(DAY)
    if "is_context" in batch.schema.names:
        days = days.filter(pc.invert(batch.column("is_context")))
    numbers, counts = np.unique(days.cast(pa.int32()).to_numpy(zero_copy_only=False), return_counts=True)
    epoch = date(1970, 1, 1).toordinal()
    return {date.fromordinal(epoch + int(n)): int(c) for n, c in zip(numbers, counts, strict=True)}


def _coverage(source: Source, delivery: Delivery, manifest: dict[str, Any]) -> None:
    """Days that a file speaks of, and of those the stretch whose rows it has all (`complete`), be it on no row.

    A file without rows of its own covers no day, whatever is declared: an empty export proves nothing.
    """
    days = sorted(manifest["own_rows_by_day"])
    kind = manifest.get("coverage_kind") or source.coverage_kind
    captured = manifest.get("observed_days") if days else None
    first, last = captured or ((days[0], days[-1]) if days else (None, None))
    declared = delivery.sidecar.coverage or manifest.get("coverage")
    complete = None if kind == "scattered" else (first, last)
    if first and last and declared:
        kind = "declared"
        stated = str(declared[0]), str(declared[1])
        first, last = min(stated[0], first), max(stated[1], last)
        # What was looked up by its id besides proves nothing about the days around it.
        complete = stated if source.coverage_kind == "scattered" else (first, last)
    manifest |= {
        "coverage_kind": kind if days else None,
        "coverage_from": first,
        "coverage_to": last,
        "complete": complete if days else None,
    }


def _write_rejects(
    lake: Lake, source: Source, sha256: str, workspace: Path, folder: Path, manifest: dict[str, Any]
) -> None:
    exported = manifest.get("exported_at")
    day = manifest["coverage_from"] or (str(exported)[:10] if exported else None) or manifest["first_converted"]
    target = folder / "reject" / PART
    target.parent.mkdir()
    schema = INGESTED_REJECTS
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
        "own_rows_by_day": {},
        "rejected": {},
        "ignored": {},
        "repairs": {},
        "notices": [f"The file has no bytes; {source.name} delivered nothing."],
    }


def _move_in(lake: Lake, folder: Path, name: str) -> None:
    target = lake.path("lake", "_ingest", name)
    if not lake.is_local:
        # The manifest goes last: without it the directory does not count.
        files = sorted(folder.rglob("*.parquet"))
        for file in (*files, folder / "manifest.json"):
            lake.fs.put_file(str(file), f"{target}/{file.relative_to(folder).as_posix()}")
        return
    place = Path(target)
    place.parent.mkdir(parents=True, exist_ok=True)
    put_folder(folder, place)


def made_by(lake: Lake, source: Source, delivery: Delivery) -> dict[str, str]:
    """What besides the bytes decides about the result; a manifest with another answer is out of date."""
    options = read_options(lake, delivery)
    if not source.folders_tell:
        options = replace(options, place=options.place.rsplit("/", 1)[-1])
    parts = {
        "source": source.name,
        "options": repr(options),
        "coverage": delivery.sidecar.coverage,
    }
    text = json.dumps(parts, sort_keys=True, default=str)
    return {
        "converter_version": CONVERTER_VERSION,
        "raw_columns": _columns_of(source),
        "reader_version": str(getattr(source.load(), "READER_VERSION", "1")),
        "settings": hashlib.sha256(text.encode()).hexdigest(),
    }


def reading(lake: Lake, source: Source) -> str:
    """Digest of what decides about the result for all files alike: versions, raw columns, settings."""
    nothing = Delivery(source.name, f"landing/{source.name}/", 0, "", Sidecar())
    text = json.dumps(made_by(lake, source, nothing), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@cache
def _columns_of(source: Source) -> str:
    schemas = "".join(str(ingest_schema(TABLES[name]).remove_metadata()) for name in source.raw_tables)
    return hashlib.sha256(schemas.encode()).hexdigest()
