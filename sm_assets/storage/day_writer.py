"""One Parquet file per day out of a stream of rows.

Here: cutting, buffering, writing to disk for good, for rows that come sorted by day. Not here: rows of many days at
once (`day_router`), where files lie and when they are published (`lake`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.contracts import Table
from sm_assets.contracts.schema import DAY
from sm_assets.errors import ContractError
from sm_assets.storage.key_order import KeyOrder, texts_of

PART = "part-0.parquet"
ROW_GROUP = 32_768
DIGEST = "sm.digest"
_LIST_BYTES = 4 * 2**20
# Most bytes of a dictionary; past that texts are written out, which readers of large row groups pay for.
_DICTIONARY, _LARGE_DICTIONARY = 2**20, 2**26
_EPOCH = date(1970, 1, 1).toordinal()


def _compression(schema: pa.Schema) -> dict[str, Any]:
    """zstd; vectors as they are: they hardly get smaller, and reading them would take seven times as long."""
    vectors = {
        item.name for item in schema if pa.types.is_list(item.type) and pa.types.is_floating(item.type.value_type)
    }
    if not vectors:
        return {"compression": "zstd", "compression_level": 1}
    codecs = {leaf: "none" if item.name in vectors else "zstd" for item in schema for leaf in _leaves(item)}
    return {"compression": codecs, "compression_level": {leaf: 1 for leaf, codec in codecs.items() if codec == "zstd"}}


def _leaves(item: pa.Field, path: str = "") -> list[str]:
    """Paths of a column's values inside a file."""
    name = path + item.name
    if pa.types.is_struct(item.type):
        return [leaf for inner in item.type for leaf in _leaves(inner, f"{name}.")]
    if pa.types.is_list(item.type) or pa.types.is_fixed_size_list(item.type):
        return _leaves(item.type.value_field.with_name("element"), f"{name}.list.")
    return [name]


class _HashedFile:
    """A file that knows the digest of what was written to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.blake2b(digest_size=16)
        self.closed = False

    def write(self, data: Any) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.closed = True


class DayFile:
    """One Parquet file that grows by row groups.

    Its metadata hold `sm.digest`, a digest of the rows as they were written: equal rows, equal digest.
    """

    def __init__(
        self,
        path: Path,
        schema: pa.Schema,
        *,
        use_dictionary: bool | Sequence[str] = True,
        row_group: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.rows = 0
        self._schema, self._row_group = schema, row_group or ROW_GROUP
        self._metadata = dict(metadata or {})
        self._sink = _HashedFile(path)
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._sink, mode="w"),
            schema,
            **_compression(schema),
            use_dictionary=use_dictionary if isinstance(use_dictionary, bool) else list(use_dictionary),
            dictionary_pagesize_limit=_DICTIONARY if self._row_group <= ROW_GROUP else _LARGE_DICTIONARY,
        )
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Take rows; whole row groups are written."""
        self.rows += rows.num_rows
        while self._pending_rows + rows.num_rows >= self._row_group:
            take = self._row_group - self._pending_rows
            self._pending.append(rows.slice(0, take))
            self.flush()
            rows = rows.slice(take)
        if rows.num_rows:
            self._pending.append(rows)
            self._pending_rows += rows.num_rows

    def flush(self) -> None:
        """Write what is held as a row group."""
        if self._pending:
            arrays = [
                pa.concat_arrays([texts_of(batch.column(i)) for batch in self._pending]).cast(item.type)
                for i, item in enumerate(self._schema)
            ]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=self._row_group)
        self._pending, self._pending_rows = [], 0

    def close(self) -> None:
        """Finish the file and bring it to disk."""
        self.flush()
        self._writer.add_key_value_metadata(self._metadata | {DIGEST: self._sink.digest})
        self._writer.close()
        self._sink.close()


def checked(table: Table, schema: pa.Schema, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The columns of the files.

    Raises:
        ContractError: nulls where the contract allows none.
    """
    days = batch.column(DAY)
    if days.null_count:
        raise ContractError(f"{table.name}: {days.null_count} rows without a day.")
    body = batch.select(schema.names)
    for item, column in zip(schema, body.columns, strict=True):
        if not item.nullable and column.null_count:
            raise ContractError(f"{table.name}: {column.null_count} nulls in {item.name}, which is never null.")
    return body


def day_numbers(batch: pa.RecordBatch) -> np.ndarray:
    """int32[n]: days since 1970-01-01."""
    numbers: np.ndarray = batch.column(DAY).cast(pa.int32()).to_numpy(zero_copy_only=False)
    return numbers


def day_of(number: int) -> date:
    """The day of such a number."""
    return date.fromordinal(_EPOCH + number)


def _row_group(schema: pa.Schema) -> int:
    """Rows of a row group: fewer where each row is a long list."""
    lengths = [item.type.list_size * 4 for item in schema if pa.types.is_fixed_size_list(item.type)]
    return min(ROW_GROUP, max(1, _LIST_BYTES // max(lengths))) if lengths else ROW_GROUP


class DayWriter:
    """Writes rows that come sorted by day into one Parquet file per day, never more than a row group in memory.

    Equal rows give equal bytes, however the stream was cut into batches.
    """

    def __init__(
        self,
        table: Table,
        folder: Path,
        *,
        schema: pa.Schema | None = None,
        metadata: Callable[[date], Mapping[str, str]] | None = None,
        keys_ascend: bool = False,
    ) -> None:
        """Write a table.

        Args:
            table: the contract.
            folder: below which the days' folders are made.
            schema: of the files, without day; None: the contract's.
            metadata: more metadata of each day's file.
            keys_ascend: hold the rows of each day to the order of their keys, none twice.
        """
        self.rows: dict[date, int] = {}
        self._table = table
        self._schema = table.file_schema if schema is None else schema
        self._folder = folder
        self._metadata = metadata
        self._keys_ascend = keys_ascend
        self._order: KeyOrder | None = None
        self._day: date | None = None
        self._file: DayFile | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch with all columns of the schema and `day`, sorted by day.

        Raises:
            ContractError: nulls where the contract allows none, days that do not come together, or keys out of order.
        """
        if not batch.num_rows:
            return
        body = checked(self._table, self._schema, batch)
        numbers = day_numbers(batch)
        cuts = [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist(), batch.num_rows]
        for start, end in pairwise(cuts):
            day = day_of(int(numbers[start]))
            if day != self._day:
                self._open(day)
            assert self._file is not None
            rows = body.slice(start, end - start)
            if self._order is not None and not self._order.holds(rows):
                raise ContractError(
                    f"{self._table.name}: the rows of {day} are not ordered by ({', '.join(self._table.sort_key)}), "
                    "or a key occurs more than once. Nothing was published."
                )
            self._file.add(rows)
            self.rows[day] += end - start

    def _open(self, day: date) -> None:
        self.close()
        if day in self.rows:
            raise ContractError(f"{self._table.name}: the rows of {day} do not come together.")
        self._day, self.rows[day] = day, 0
        self._order = KeyOrder(self._table.sort_key) if self._keys_ascend else None
        self._file = DayFile(
            self._folder / f"{DAY}={day}" / PART,
            self._schema,
            use_dictionary=[name for name in self._schema.names if name not in self._table.plain]
            if self._table.plain
            else True,
            row_group=self._table.row_group or _row_group(self._schema),
            metadata=self._metadata(day) if self._metadata else None,
        )

    def empty(self, day: date) -> None:
        """Write a file of no rows for a day that is known to have none."""
        self._open(day)
        self.close()

    def close(self) -> None:
        """Finish the open file and bring it to disk."""
        if self._file is not None:
            self._file.close()
        self._file = self._day = None
