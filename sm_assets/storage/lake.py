"""The data root: its folders, references to tables, publishing.

Here: reading and replacing partitions. Not here: writing a file (`day_writer`), judging rows (`validation`), the views
for other programs (`catalog`).
"""

from __future__ import annotations

import errno
import json
import logging
import os
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from sm_assets.contracts import TABLES, Table
from sm_assets.contracts.schema import DAY, quoted
from sm_assets.errors import ContractError, OutsideDataRoot, StorageError, Unreconciled
from sm_assets.settings import Settings
from sm_assets.storage.catalog import refresh_catalog
from sm_assets.storage.day_writer import PART, ROW_GROUP, DayWriter
from sm_assets.storage.disk_errors import full_disk_told, refusal_told
from sm_assets.storage.file_swap import swap
from sm_assets.storage.interrupts import Interrupts
from sm_assets.storage.locks import locked
from sm_assets.storage.sql_text import parquet_sql, select
from sm_assets.storage.validation import check_columns, rule_counts
from sm_assets.storage.workspaces import claimed, sweep

_log = logging.getLogger("sm_assets")
# Seconds that a publication waits, over all its days, for queries that have a file open which it replaces.
_PATIENCE = 20.0

Data: TypeAlias = duckdb.DuckDBPyRelation | pa.Table | pa.RecordBatchReader


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


class Lake:
    """The data root: landing files, tables, catalogue."""

    def __init__(self, settings: Settings) -> None:
        """Open the data root of `settings`; nothing is created yet."""
        self.settings = settings
        self.fs, self.root = fsspec.core.url_to_fs(settings.data_root)
        self.is_local = isinstance(self.fs, LocalFileSystem)
        self._engine: duckdb.DuckDBPyConnection | None = None

    # ---------------------------------------------------------------- places

    def path(self, *parts: str) -> str:
        """Path of something below the data root, inside the file system.

        Raises:
            OutsideDataRoot: the parts would lead out of it.
        """
        for part in parts:
            if part.startswith("/") or (".." in part and ".." in part.split("/")) or "\0" in part:
                raise OutsideDataRoot(
                    f"{part!r} leads out of the data root {self.root}; expected a name below it, without '..' and not "
                    "beginning with '/'. Nothing was read or written."
                )
        return "/".join((self.root.rstrip("/"), *parts))

    def uri(self, path: str) -> str:
        """The same path as DuckDB and people read it."""
        return path if self.is_local else self.fs.unstrip_protocol(path)

    def file(self, table: str, day: date) -> str:
        """Path of one partition's file."""
        return self.path("lake", table, f"{DAY}={day}", PART)

    @property
    def _staging(self) -> Path:
        return Path(self.path("lake", "_staging"))

    @contextmanager
    def workspace(self, purpose: str) -> Iterator[Path]:
        """A private folder that nobody else reads; gone afterwards, and swept by the next run after a crash.

        Raises:
            NotWritable: the lake cannot be written.
            NoSpaceLeft: the disk was full, on entering or while the folder was in use.
        """
        if not self.is_local:
            with tempfile.TemporaryDirectory(prefix="sm-assets-") as folder:
                yield Path(folder)
            return
        with ExitStack() as stack:
            with refusal_told(self._staging):
                claim = stack.enter_context(claimed(self._staging, purpose))
            with full_disk_told(claim, purpose):
                yield claim

    @contextmanager
    def locked(self, name: str, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold what goes by `name` alone among all processes; object stores know no locks.

        Args:
            name: of what several runs may change: catalog, ingest, a table, ...
            on_wait: called once if another run holds it.
        """
        if not self.is_local:
            yield
            return
        path = Path(self.path("lake", "_locks", f"{name}.lock"))
        with ExitStack() as stack:
            with refusal_told(path.parent):
                stack.enter_context(locked(path, on_wait))
            yield

    def sweep(self) -> list[str]:
        """Remove the workspaces of processes that are gone; names of what was removed."""
        return sweep(self._staging) if self.is_local else []

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection of its own, with the limits of the settings, in UTC.

        All connections of a lake share one engine: starting one costs more than most of our queries.
        """
        if self._engine is None:
            self._engine = self._start_engine()
        with Interrupts(), self._engine.cursor() as con:
            yield con

    def _start_engine(self) -> duckdb.DuckDBPyConnection:
        stack = ExitStack()
        # Ended with the lake or with the process; after a crash the folder is swept like any other.
        weakref.finalize(self, stack.close)
        folder = None
        # Who only reads need not be able to write there.
        with suppress(StorageError), refusal_told(self._staging):
            # Not by `workspace`: nothing on the stack may hold the lake, or it would never end.
            folder = stack.enter_context(claimed(self._staging, "duckdb")) if self.is_local else None
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sm-assets-")))
        engine = duckdb.connect(
            config={
                "memory_limit": self.settings.engine_memory,
                "threads": self.settings.threads,
                "temp_directory": str(folder),
            }
        )
        stack.callback(engine.close)
        if not self.is_local:
            engine.register_filesystem(self.fs)
        engine.execute("set global timezone = 'UTC'")
        # The system caches files well enough; DuckDB's own cache would grow to the limit.
        engine.execute("set global enable_external_file_cache = false")
        return engine

    # --------------------------------------------------------------- reading

    def days(self, table: str) -> list[date]:
        """All days of a table that are published, ascending."""
        return sorted(self._published(table))

    def has_files(self, table: str) -> bool:
        """Whether any day of a table is published."""
        return next(self._published(table), None) is not None

    def _published(self, table: str) -> Iterator[date]:
        folder = self.path("lake", table)
        if not self.fs.isdir(folder):
            return
        for path in self.fs.ls(folder, detail=False, refresh=True):
            name = str(path).rstrip("/").rsplit("/", 1)[-1]
            # A crash may leave a folder whose file never came.
            if name.startswith(f"{DAY}=") and self.fs.exists(f"{folder}/{name}/{PART}"):
                yield date.fromisoformat(name.split("=", 1)[1])

    def ref(self, table: str, days: Iterable[date] | None = None) -> TableRef:
        """Reference to those of `days` (None: all) that are published."""
        published = self.days(table)
        wanted = None if days is None else set(days)
        return TableRef(table, tuple(day for day in published if wanted is None or day in wanted))

    def metadata(self, table: str, day: date) -> dict[str, str]:
        """Metadata of one partition's file: `sm.digest`, `rows`, and what its writer added."""
        with self.fs.open(self.file(table, day), "rb") as source:
            found = pq.read_metadata(source)
        added = {name.decode(): value.decode(errors="replace") for name, value in (found.metadata or {}).items()}
        return added | {"rows": str(found.num_rows)}

    def paths(self, ref: TableRef) -> list[str]:
        """The files behind a reference, as DuckDB reads them."""
        return [self.uri(self.file(ref.table, day)) for day in ref.days]

    def register(
        self, con: duckdb.DuckDBPyConnection, ref: TableRef, name: str | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Create the view `name` (None: the table's own name) over a reference and open it.

        A reference without a day becomes a view of no rows with the contract's columns.
        """
        view = quoted(name or ref.table)
        source = parquet_sql(self.paths(ref)) if ref.days else TABLES[ref.table].empty_sql()
        con.execute(f"create or replace temp view {view} as {source}")
        return con.table(view)

    # --------------------------------------------------------------- writing

    def publish(
        self,
        table: Table,
        data: Data,
        days: Iterable[date],
        expected_rows: Callable[[], int | None] | int | None = None,
        *,
        is_sorted: bool = False,
        metadata: Callable[[date], Mapping[str, str]] | None = None,
    ) -> Published:
        """Stage `data`, check it against the contract, and replace the partitions of `days`.

        Args:
            table: the contract.
            data: exactly the table's columns, in any order of rows and columns.
            days: days that the caller vouches for; one without rows becomes a partition of no rows.
            expected_rows: what the caller's counts leave over, or how to know it once all rows have come; None: not
                known.
            is_sorted: the rows come in the order of day and key, in the contract's columns and types (signatures of
                any length).
            metadata: more metadata of each day's file.

        Raises:
            ContractError: the data breaks the contract; nothing was replaced.
            Unreconciled: another number of rows than expected; nothing was replaced.
            StorageError: the disk is full or read-only; nothing was replaced, or the message says how many days were.
        """
        allowed = sorted(set(days))
        with self.workspace(table.name) as folder:
            rows = self._stage(table, data, folder, allowed, is_sorted=is_sorted, metadata=metadata)
            found = sum(rows.values())
            expected = expected_rows() if callable(expected_rows) else expected_rows
            if expected is not None and found != expected:
                raise Unreconciled(
                    f"{table.name}: {found} rows, but the counts of what went in and was dropped leave "
                    f"{expected}. Nothing was published."
                )
            self._check(table, folder, [day for day in allowed if rows[day]], keys_known_unique=is_sorted)
            self._move_in(table, folder, allowed)
        try:
            with self.locked("catalog"):
                refresh_catalog(self)
        except StorageError as error:
            raise type(error)(
                f"{table.name}: {len(allowed)} days were published, but the catalogue could not be brought up to date. "
                f"{error}"
            ) from error
        return Published(TableRef(table.name, tuple(allowed)), rows)

    def _stage(
        self,
        table: Table,
        data: Data,
        folder: Path,
        allowed: list[date],
        *,
        is_sorted: bool,
        metadata: Callable[[date], Mapping[str, str]] | None,
    ) -> dict[date, int]:
        schema = table.file_schema_of(data.schema) if isinstance(data, pa.RecordBatchReader) else None
        writer = DayWriter(table, folder, schema=schema, metadata=metadata, keys_ascend=is_sorted)
        with self.connect() as con:
            if is_sorted:
                assert isinstance(data, pa.RecordBatchReader)
                batches: Iterable[pa.RecordBatch] = data
            else:
                relation = data if isinstance(data, duckdb.DuckDBPyRelation) else con.from_arrow(data)
                check_columns(table, relation)
                order = ", ".join(quoted(name) for name in (DAY, *table.sort_key))
                ordered = select(relation, "staged_rows", f"{table.cast_sql('staged_rows')} order by {order}")
                batches = ordered.to_arrow_reader(ROW_GROUP)
            for batch in batches:
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

    def _check(self, table: Table, folder: Path, days: list[date], *, keys_known_unique: bool) -> None:
        if not days:
            return
        with self.connect() as con:
            paths = [str(folder / f"{DAY}={day}" / PART) for day in days]
            con.execute(f"create temp view staged_rows as {parquet_sql(paths)}")
            # The writer has refused nulls, and a column that no rule is about need not be read.
            broken = rule_counts(con, table, "staged_rows", nulls=False)
            problems = [f"{count} rows break {name}" for name, count in broken.items() if count]
            duplicates = 0
            if not keys_known_unique:
                duplicates = con.sql(table.duplicates_sql("staged_rows")).fetchall()[0][0]
            if duplicates:
                problems.append(f"{duplicates} keys ({', '.join(table.key)}) occur more than once")
        if problems:
            raise ContractError(f"{table.name}: {'; '.join(problems)}. Nothing was published.")

    def _move_in(self, table: Table, folder: Path, days: list[date]) -> None:
        """Replace the partitions by those in `folder`, all of them before another run replaces any."""
        targets = [self.file(table.name, day) for day in days]
        with self.locked(table.name, lambda: _log.warning("another run publishes %s; waiting for it", table.name)):
            if self.is_local:
                # A folder takes room, what moves into it hardly any.
                of_table = Path(self.path("lake", table.name))
                with refusal_told(of_table):
                    of_table.mkdir(parents=True, exist_ok=True)
            until = time.monotonic() + _PATIENCE
            for number, (day, target) in enumerate(zip(days, targets, strict=True)):
                try:
                    self.replace(folder / f"{DAY}={day}" / PART, target, until=until)
                except OSError as error:
                    raise StorageError(
                        f"{table.name}: {number} of {len(days)} days were replaced, then the disk refused {target} "
                        f"({error}). Every day is whole, the old or the new one. Mend the disk and run again."
                    ) from error

    def replace(self, staged: Path, target: str, *, until: float | None = None) -> None:
        """Move a finished file to its place, in one step that survives a crash of the machine.

        Args:
            staged: the file, in a workspace.
            target: path inside the file system.
            until: when waiting for readers of the file that is there ends, by time.monotonic(); None: they open a file
                once and need no waiting for.
        """
        if not self.is_local:
            self.fs.put_file(str(staged), target)
            return
        place = Path(target)
        place.parent.parent.mkdir(parents=True, exist_ok=True)
        if until is None:
            place.parent.mkdir(exist_ok=True)
            staged.replace(place)
        elif not _move_in_folder(staged, place):
            place.parent.mkdir(exist_ok=True)
            swap(staged, place, until)
        sync_folder(place.parent)
        sync_folder(place.parent.parent)

    def write_json(self, value: Any, *parts: str) -> None:
        """Replace a JSON file below the data root in one step."""
        target = self.path(*parts)
        with self.workspace(parts[-1]) as folder:
            staged = folder / "value.json"
            with staged.open("w", encoding="utf-8") as sink:
                json.dump(value, sink, ensure_ascii=False, indent=1, sort_keys=True)
                sink.flush()
                os.fsync(sink.fileno())
            self.replace(staged, target)

    def read_json(self, *parts: str) -> Any:
        """Read a JSON file below the data root; None where there is none."""
        path = self.path(*parts)
        if not self.fs.exists(path):
            return None
        with self.fs.open(path, "r", encoding="utf-8") as source:
            return json.load(source)


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to disk: what was renamed into it survives a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move_in_folder(staged: Path, place: Path) -> bool:
    """Bring a file that is new to its place together with its folder; whether it was new.

    DuckDB lists folders when it plans a query and looks for the files in them at different moments: of a folder that
    is there before its file, one part of a query would see the file and another not.
    """
    try:
        staged.parent.rename(place.parent)
    except OSError as error:
        # A day that was there.
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            return False
        raise
    return True


def _days(days: list[date]) -> str:
    shown = ", ".join(str(day) for day in days[:5])
    return shown + (f" and {len(days) - 5} more" if len(days) > 5 else "")
