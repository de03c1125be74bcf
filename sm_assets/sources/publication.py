"""The rows of the raw tables: what the converted files hold of some days.

Here: streams of records and of rejects as the raw tables publish them. Not here: conversion (`convert`), which days a
run may publish (`coverage`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.contracts import TABLES, Table
from sm_assets.contracts.raw import ADDED
from sm_assets.contracts.schema import DAY, quoted
from sm_assets.sources.taken import Converted, Intake
from sm_assets.storage import PART, ROW_GROUP, Lake, parquet_sql


def raw_rows(lake: Lake, intake: Intake, record: str, days: Iterable[date]) -> pa.RecordBatchReader:
    """The converted records of one kind on `days`, in the order of day and key."""
    table = TABLES[intake.source.raw_table(record)]
    files = sorted(intake.files, key=lambda file: file.sha256)

    def batches() -> Iterator[pa.RecordBatch]:
        for day in sorted(set(days)):
            for file in files:
                if str(day) in file.manifest["rows_by_day"].get(record, {}):
                    yield from _batches(lake, table, file, record, day)

    return pa.RecordBatchReader.from_batches(table.plain_schema, batches())


def _batches(lake: Lake, table: Table, file: Converted, record: str, day: date) -> Iterator[pa.RecordBatch]:
    moment = datetime.fromisoformat(str(file.manifest["observed_default"]))
    observed = pa.scalar((moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None), pa.timestamp("us"))
    added = {
        "source_file": pa.scalar(file.path),
        "source_sha256": pa.scalar(file.sha256),
        "vintage": pa.scalar(file.manifest["vintage"]),
        "delivery": pa.scalar(file.delivery),
        DAY: pa.scalar(day, pa.date32()),
    }
    with lake.fs.open(file.place(record, f"{DAY}={day}", PART), "rb") as source, pq.ParquetFile(source) as parquet:
        for batch in parquet.iter_batches(ROW_GROUP):
            columns = []
            for item in table.plain_schema:
                if item.name in added:
                    columns.append(pa.repeat(added[item.name], batch.num_rows))
                elif item.name == "observed_at":
                    columns.append(batch.column(item.name).fill_null(observed))
                else:
                    columns.append(batch.column(item.name).cast(item.type))
            yield pa.RecordBatch.from_arrays(columns, schema=table.plain_schema)


def reject_rows(
    con: duckdb.DuckDBPyConnection, lake: Lake, intake: Intake, days: Iterable[date]
) -> duckdb.DuckDBPyRelation:
    """The rejects of `days`, as the rejects table publishes them."""
    wanted = {str(day) for day in days}
    paths = [
        lake.uri(file.place("reject", PART)) for file in intake.files if wanted & set(file.manifest["rejects_by_day"])
    ]
    table = TABLES[intake.source.rejects_table]
    if not paths:
        return con.sql(table.empty_sql())
    chosen = ", ".join(f"date '{day}'" for day in sorted(wanted))
    con.register(
        "landing_files",
        pa.table(
            {
                "source_sha256": pa.array([file.sha256 for file in intake.files], pa.string()),
                "source_file": pa.array([file.path for file in intake.files], pa.string()),
            }
        ),
    )
    columns = ", ".join(
        f"{'landing_files' if name in ADDED else 'delivered'}.{quoted(name)}" for name in table.column_names
    )
    return con.sql(
        f"select {columns} from ({parquet_sql(paths, day_from_folder=False)} where day in ({chosen})) as delivered "
        "inner join landing_files on delivered.source_sha256 = landing_files.source_sha256"
    )
