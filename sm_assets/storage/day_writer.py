"""One Parquet file per day out of a stream of rows.

Here: cutting, buffering, writing to disk for good, for rows that come sorted by day. Not here: rows of many days at
once (`day_router`), where files lie and when they are published (`lake`).
"""

from __future__ import annotations

import os
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.contracts import Table
from sm_assets.contracts.schema import DAY
from sm_assets.errors import ContractError

PART = "part-0.parquet"
ROW_GROUP = 32_768
_EPOCH = date(1970, 1, 1).toordinal()


class DayFile:
    """One Parquet file that grows by row groups."""

    def __init__(self, path: Path, schema: pa.Schema, *, use_dictionary: bool = True) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.rows = 0
        self._schema = schema
        self._sink = path.open("wb")
        self._writer = pq.ParquetWriter(
            self._sink, schema, compression="zstd", compression_level=1, use_dictionary=use_dictionary
        )
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Take rows; whole row groups are written."""
        self.rows += rows.num_rows
        while self._pending_rows + rows.num_rows >= ROW_GROUP:
            take = ROW_GROUP - self._pending_rows
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
                pa.concat_arrays([batch.column(i) for batch in self._pending]).cast(item.type)
                for i, item in enumerate(self._schema)
            ]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=ROW_GROUP)
        self._pending, self._pending_rows = [], 0

    def close(self) -> None:
        """Finish the file and bring it to disk."""
        self.flush()
        self._writer.close()
        self._sink.flush()
        os.fsync(self._sink.fileno())
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
        self._file: DayFile | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch with all columns of the schema and `day`, sorted by day.

        Raises:
            ContractError: nulls where the contract allows none, or days out of order.
        """
        if not batch.num_rows:
            return
        body = checked(self._table, self._schema, batch)
        numbers = day_numbers(batch)
        cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), batch.num_rows]
        for start, end in pairwise(cuts):
            day = day_of(int(numbers[start]))
            if day != self._day:
                self._open(day)
            assert self._file is not None
            self._file.add(body.slice(start, end - start))
            self.rows[day] += end - start

    def _open(self, day: date) -> None:
        self.close()
        if day in self.rows:
            raise ContractError(f"{self._table.name}: the rows of {day} do not come together.")
        self._day, self.rows[day] = day, 0
        self._file = DayFile(self._folder / f"{DAY}={day}" / PART, self._schema)

    def empty(self, day: date) -> None:
        """Write a file of no rows for a day that is known to have none."""
        self._open(day)
        self.close()

    def close(self) -> None:
        """Finish the open file and bring it to disk."""
        if self._file is not None:
            self._file.close()
        self._file = self._day = None
