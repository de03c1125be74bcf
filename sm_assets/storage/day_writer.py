"""One Parquet file per day out of a stream that is sorted by day.

Here: cutting, buffering, writing to disk for good. Not here: where files lie and when they are published (`lake`).
"""

from __future__ import annotations

import os
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

PART = "part-0.parquet"
ROW_GROUP = 32_768


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
                raise ContractError(
                    f"{self._table.name}: {column.null_count} nulls in {field.name}, which is never null."
                )
        numbers = days.cast(pa.int32()).to_numpy(zero_copy_only=False)
        cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), batch.num_rows]
        for start, end in pairwise(cuts):
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
