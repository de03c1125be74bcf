"""The one reader and writer of tables: stage, check the contract, replace atomically.

Here: the lake's folders, references to tables, publishing, the catalogue of views, and the sweeping of what a crash left. What
arrives and leaves is a reference, a DuckDB relation or an Arrow stream, never a whole table. Not here: what a table promises
(`contracts`), how landing files become batches (`sources`).

Layout below the data root: lake/<table>/day=YYYY-MM-DD/part-0.parquet, one file per day under a fixed name. A file is written
and checked in lake/_staging/<workspace>/ and moves in by one rename: readers see the old or the new partition. Object stores
take whole objects only; there the workspace is a local temporary folder and the upload is the rename.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from sm_assets.contracts import TABLES, Table
from sm_assets.contracts.schema import DAY, quoted
from sm_assets.errors import ContractError, Unreconciled
from sm_assets.settings import Settings

Data: TypeAlias = duckdb.DuckDBPyRelation | pa.Table | pa.RecordBatchReader

PART = "part-0.parquet"
ROW_GROUP = 32_768
_NARROWER = {
    "BIGINT": {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "HUGEINT"},
    "INTEGER": {"TINYINT", "SMALLINT", "UTINYINT", "USMALLINT"},
    "DOUBLE": {"FLOAT"},
    "TIMESTAMP": {"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"},
}


@dataclass(frozen=True, slots=True)
class TableRef:
    """Where a table's partitions lie: what assets hand to each other instead of rows.

    Attributes:
        table: name of the table.
        days: days that were published, ascending; the days asked for that have no partition are not among them.
    """

    table: str
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did: rows of every day that was replaced, empty days included."""

    ref: TableRef
    rows: Mapping[date, int]

    @property
    def total(self) -> int:
        """Rows of all days."""
        return sum(self.rows.values())


def day_range(first: date, last: date) -> list[date]:
    """All days from `first` to `last`, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


class DayWriter:
    """Writes rows that come sorted by day into one Parquet file per day, never more than a row group in memory.

    Equal rows give equal bytes, however the stream was cut into batches.
    """

    def __init__(self, table: Table, folder: Path, schema: pa.Schema | None = None) -> None:
        """Write `table` (or any `schema` without day) below `folder`."""
        self.rows: dict[date, int] = {}
        self._table = table
        self._schema = table.file_schema if schema is None else schema
        self._folder = folder
        self._day: date | None = None
        self._writer: pq.ParquetWriter | None = None
        self._sink: Any = None
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch with all columns of the schema and `day`, sorted by day.

        Raises:
            ContractError: nulls where the contract allows none, or days out of order.
        """
        if not batch.num_rows:
            return
        days = batch.column(DAY)
        if days.null_count:
            raise ContractError(f"{self._table.name}: {days.null_count} rows without a day.")
        body = batch.select(self._schema.names)
        for field, column in zip(self._schema, body.columns, strict=True):
            if not field.nullable and column.null_count:
                raise ContractError(f"{self._table.name}: {column.null_count} nulls in {field.name}, which is never null.")
        numbers = days.cast(pa.int32()).to_numpy(zero_copy_only=False)
        cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), batch.num_rows]
        for start, end in zip(cuts, cuts[1:], strict=False):
            day = days[start].as_py()
            if day != self._day:
                self._open(day)
            self._add(body.slice(start, end - start))

    def _open(self, day: date) -> None:
        self.close()
        if day in self.rows:
            raise ContractError(f"{self._table.name}: the rows of {day} do not come together.")
        self._day, self.rows[day] = day, 0
        path = self._folder / f"{DAY}={day}" / PART
        path.parent.mkdir(parents=True, exist_ok=True)
        self._sink = path.open("wb")
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd", compression_level=1)

    def _add(self, rows: pa.RecordBatch) -> None:
        assert self._day is not None
        self.rows[self._day] += rows.num_rows
        while self._pending_rows + rows.num_rows >= ROW_GROUP:
            take = ROW_GROUP - self._pending_rows
            self._pending.append(rows.slice(0, take))
            self._flush()
            rows = rows.slice(take)
        if rows.num_rows:
            self._pending.append(rows)
            self._pending_rows += rows.num_rows

    def _flush(self) -> None:
        if self._pending:
            arrays = [
                pa.concat_arrays([batch.column(i) for batch in self._pending]).cast(field.type)
                for i, field in enumerate(self._schema)
            ]
            assert self._writer is not None
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=ROW_GROUP)
        self._pending, self._pending_rows = [], 0

    def empty(self, day: date) -> None:
        """Write a file of no rows for a day that is known to have none."""
        self._open(day)
        self.close()

    def close(self) -> None:
        """Finish the open file and bring it to disk."""
        if self._writer is None:
            return
        self._flush()
        self._writer.close()
        self._sink.flush()
        os.fsync(self._sink.fileno())
        self._sink.close()
        self._writer = self._sink = self._day = None


class Lake:
    """The data root: landing files, tables, catalogue."""

    def __init__(self, settings: Settings) -> None:
        """Open the data root of `settings`; nothing is created yet."""
        self.settings = settings
        self.fs, self.root = fsspec.core.url_to_fs(settings.data_root)
        self.is_local = isinstance(self.fs, LocalFileSystem)

    # ---------------------------------------------------------------- places

    def path(self, *parts: str) -> str:
        """Path of something below the data root, inside the file system."""
        return "/".join((self.root.rstrip("/"), *parts))

    def uri(self, path: str) -> str:
        """The same path as DuckDB and people read it."""
        return path if self.is_local else self.fs.unstrip_protocol(path)

    def file(self, table: str, day: date) -> str:
        """Path of one partition's file."""
        return self.path("lake", table, f"{DAY}={day}", PART)

    @contextmanager
    def workspace(self, purpose: str) -> Iterator[Path]:
        """A private folder that nobody else reads; gone afterwards, and swept by the next run after a crash."""
        if not self.is_local:
            with tempfile.TemporaryDirectory(prefix="sm-assets-") as folder:
                yield Path(folder)
            return
        staging = Path(self.path("lake", "_staging"))
        staging.mkdir(parents=True, exist_ok=True)
        self.sweep()
        name, lock = _claim(staging, purpose)
        folder = staging / name
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            (staging / f"{name}.lock").unlink(missing_ok=True)
            os.close(lock)

    def sweep(self) -> list[str]:
        """Remove the workspaces of processes that are gone; names of what was removed."""
        staging = Path(self.path("lake", "_staging"))
        removed: list[str] = []
        if not self.is_local or not staging.is_dir():
            return removed
        names = {entry.name.removesuffix(".lock") for entry in staging.iterdir()}
        for name in sorted(names):
            lock_path = staging / f"{name}.lock"
            try:
                lock = os.open(lock_path, os.O_RDWR) if lock_path.exists() else None
            except FileNotFoundError:
                continue
            try:
                if lock is not None and not _try_lock(lock):
                    continue
                if (staging / name).is_dir():
                    shutil.rmtree(staging / name, ignore_errors=True)
                    removed.append(name)
                lock_path.unlink(missing_ok=True)
            finally:
                if lock is not None:
                    os.close(lock)
        return removed

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection with the limits of the settings, UTC, and a private folder to spill into."""
        with self.workspace("duckdb") as folder, duckdb.connect() as con:
            con.execute("set timezone = 'UTC'")
            con.execute(f"set memory_limit = '{self.settings.memory_limit}'")
            con.execute(f"set threads = {self.settings.threads}")
            con.execute(f"set temp_directory = '{_literal(str(folder))}'")
            con.execute("set enable_progress_bar = false")
            if not self.is_local:
                con.register_filesystem(self.fs)
            yield con

    # --------------------------------------------------------------- reading

    def days(self, table: str) -> list[date]:
        """All days of a table that are published, ascending."""
        folder = self.path("lake", table)
        if not self.fs.isdir(folder):
            return []
        names = (str(name).rstrip("/").rsplit("/", 1)[-1] for name in self.fs.ls(folder, detail=False, refresh=True))
        found = (date.fromisoformat(name.split("=", 1)[1]) for name in names if name.startswith(f"{DAY}="))
        return sorted(day for day in found if self.fs.exists(self.file(table, day)))

    def ref(self, table: str, days: Iterable[date] | None = None) -> TableRef:
        """Reference to those of `days` (None: all) that are published."""
        published = self.days(table)
        wanted = None if days is None else set(days)
        return TableRef(table, tuple(day for day in published if wanted is None or day in wanted))

    def paths(self, ref: TableRef) -> list[str]:
        """The files behind a reference, as DuckDB reads them."""
        return [self.uri(self.file(ref.table, day)) for day in ref.days]

    def register(self, con: duckdb.DuckDBPyConnection, ref: TableRef, name: str | None = None) -> duckdb.DuckDBPyRelation:
        """Create the view `name` (None: the table's own name) over a reference and open it.

        A reference without a day becomes a view of no rows with the contract's columns.
        """
        view = quoted(name or ref.table)
        source = parquet_sql(self.paths(ref)) if ref.days else TABLES[ref.table].empty_sql()
        con.execute(f"create or replace temp view {view} as {source}")
        return con.table(view)

    # --------------------------------------------------------------- writing

    def publish(self, table: Table, data: Data, days: Iterable[date], expected_rows: int | None = None) -> Published:
        """Stage `data`, check it against the contract, and replace the partitions of `days`.

        Args:
            table: the contract.
            data: exactly the table's columns, in any order of rows and columns.
            days: days that the caller vouches for; one without rows becomes a partition of no rows.
            expected_rows: what the caller's counts leave over; None: not known.

        Raises:
            ContractError: the data breaks the contract; nothing was replaced.
            Unreconciled: another number of rows than expected; nothing was replaced.
        """
        allowed = sorted(set(days))
        with self.workspace(table.name) as folder:
            rows = self._stage(table, data, folder, allowed)
            found = sum(rows.values())
            if expected_rows is not None and found != expected_rows:
                raise Unreconciled(
                    f"{table.name}: {found} rows, but the counts of what went in and was dropped leave {expected_rows}. Nothing "
                    "was published."
                )
            self._check(table, folder, [day for day in allowed if rows[day]])
            for day in allowed:
                self.replace(folder / f"{DAY}={day}" / PART, self.file(table.name, day))
        self.refresh_catalog()
        return Published(TableRef(table.name, tuple(allowed)), rows)

    def _stage(self, table: Table, data: Data, folder: Path, allowed: list[date]) -> dict[date, int]:
        with self.connect() as con:
            relation = data if isinstance(data, duckdb.DuckDBPyRelation) else con.from_arrow(data)
            check_columns(table, relation)
            order = ", ".join(quoted(name) for name in (DAY, *table.sort_key))
            ordered = relation.query("staged_rows", f"{table.cast_sql('staged_rows')} order by {order}")
            writer = DayWriter(table, folder)
            for batch in ordered.to_arrow_reader(ROW_GROUP):
                writer.write(batch)
            writer.close()
        outside = sorted(set(writer.rows) - set(allowed))
        if outside:
            raise ContractError(
                f"{table.name}: {sum(writer.rows[day] for day in outside)} rows lie on {_days(outside)}, outside the "
                f"{len(allowed)} days of this run; nothing was published."
            )
        for day in allowed:
            if day not in writer.rows:
                writer.empty(day)
        return dict(sorted(writer.rows.items()))

    def _check(self, table: Table, folder: Path, days: list[date]) -> None:
        if not days:
            return
        with self.connect() as con:
            paths = [str(folder / f"{DAY}={day}" / PART) for day in days]
            con.execute(f"create temp view staged_rows as {parquet_sql(paths)}")
            problems = [f"{count} rows break {name}" for name, count in rule_counts(con, table, "staged_rows").items() if count]
            duplicates = con.sql(table.duplicates_sql("staged_rows")).fetchall()[0][0]
            if duplicates:
                problems.append(f"{duplicates} keys ({', '.join(table.key)}) occur more than once")
        if problems:
            raise ContractError(f"{table.name}: {'; '.join(problems)}. Nothing was published.")

    def replace(self, staged: Path, target: str) -> None:
        """Move a finished file to its place, in one step that survives a crash of the machine."""
        if not self.is_local:
            self.fs.put_file(str(staged), target)
            return
        place = Path(target)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged, place)
        _sync_folder(place.parent)
        _sync_folder(place.parent.parent)

    def write_json(self, value: Any, *parts: str) -> None:
        """Replace a JSON file below the data root in one step."""
        with self.workspace("json") as folder:
            staged = folder / "value.json"
            with staged.open("w", encoding="utf-8") as sink:
                json.dump(value, sink, ensure_ascii=False, indent=1, sort_keys=True)
                sink.flush()
                os.fsync(sink.fileno())
            self.replace(staged, self.path(*parts))

    def read_json(self, *parts: str) -> Any:
        """Read a JSON file below the data root; None where there is none."""
        path = self.path(*parts)
        if not self.fs.exists(path):
            return None
        with self.fs.open(path, "r", encoding="utf-8") as source:
            return json.load(source)

    # ------------------------------------------------------------- catalogue

    def refresh_catalog(self) -> bool:
        """Bring catalog.duckdb up to date if a table came, went or changed; whether it was written.

        It holds one view per table that has files, over an absolute glob, with the contract's descriptions as comments.
        """
        present = [name for name in TABLES if self.fs.isdir(self.path("lake", name))]
        stamp = {name: [f"{c.name} {c.duckdb_type} {c.description}" for c in TABLES[name].columns] for name in present}
        stamp["root"] = [self.root]
        target = self.path("catalog.duckdb")
        if self.fs.exists(target) and self.read_json("lake", "_catalog.json") == stamp:
            return False
        with self.workspace("catalog") as folder:
            with duckdb.connect(str(folder / "catalog.duckdb")) as con:
                if not self.is_local:
                    con.register_filesystem(self.fs)
                for name in present:
                    _create_view(con, TABLES[name], self.uri(self.path("lake", name, f"{DAY}=*", PART)))
            self.replace(folder / "catalog.duckdb", target)
        self.write_json(stamp, "lake", "_catalog.json")
        return True


def parquet_sql(paths: list[str] | str) -> str:
    """SELECT over partition files, `day` taken from their folders."""
    listed = [paths] if isinstance(paths, str) else paths
    files = ", ".join(f"'{_literal(path)}'" for path in listed)
    return f"select * from read_parquet([{files}], hive_partitioning = true, hive_types = {{'{DAY}': date}})"


def rule_counts(con: duckdb.DuckDBPyConnection, table: Table, view: str) -> dict[str, int]:
    """How many rows of `view` break each rule inside a row: `{"<column>/<rule>": rows}`."""
    counts = con.sql(table.rule_counts_sql(view)).fetchall()[0]
    return dict(zip((name for name, _ in table.rules()), counts, strict=True))


def check_columns(table: Table, relation: duckdb.DuckDBPyRelation) -> None:
    """Compare names and types with the contract.

    Raises:
        ContractError: a column that is missing, unknown, or of a type that would have to be read differently.
    """
    missing, unknown = table.missing_from(relation.columns)
    problems = [f"lacks {', '.join(missing)}"] if missing else []
    if unknown:
        problems.append(f"has {', '.join(unknown)}, which the contract does not know")
    for name, kind in zip(relation.columns, (str(kind) for kind in relation.types), strict=True):
        column = table.by_name.get(name)
        expected = column.duckdb_type if column else kind
        simple = kind == expected or kind in _NARROWER.get(expected, ()) or kind.strip('"') in ("NULL", "NULL[]")
        if not simple and kind.replace('"', "") != expected.replace('"', ""):
            problems.append(f"has {name} as {kind}, not {expected}")
    if problems:
        raise ContractError(f"{table.name}: the data {'; '.join(problems)}. Nothing was published.")


def _create_view(con: duckdb.DuckDBPyConnection, table: Table, glob: str) -> None:
    columns = ", ".join(quoted(name) for name in table.column_names)
    con.execute(f"create view {quoted(table.name)} as select {columns} from ({parquet_sql(glob)})")
    about = f"{table.description} One row: {table.grain}."
    con.execute(f"comment on view {quoted(table.name)} is '{_literal(about)}'")
    for column in table.columns:
        con.execute(f"comment on column {quoted(table.name)}.{quoted(column.name)} is '{_literal(column.description)}'")


def _claim(staging: Path, purpose: str) -> tuple[str, int]:
    """A fresh name with a lock that the kernel releases when this process ends, however it ends."""
    while True:
        name = f"{purpose}-{uuid.uuid4().hex[:12]}"
        path = staging / f"{name}.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT)
        # A sweeper may have taken the file for a leftover between these two calls.
        if _try_lock(lock) and path.exists() and os.fstat(lock).st_ino == path.stat().st_ino:
            return name, lock
        os.close(lock)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _literal(text: str) -> str:
    return text.replace("'", "''")


def _days(days: list[date]) -> str:
    shown = ", ".join(str(day) for day in days[:5])
    return shown + (f" and {len(days) - 5} more" if len(days) > 5 else "")
