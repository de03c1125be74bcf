"""Rows of many days at once into one Parquet file per day, with bounded memory.

Here: gathering by day, spilling, joining what was spilled. Not here: rows that come sorted by day (`day_writer`).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.contracts import Table
from sm_assets.contracts.schema import DAY
from sm_assets.storage.day_writer import PART, ROW_GROUP, DayFile, checked, day_numbers, day_of

_BLOCK_ROWS = ROW_GROUP
_BLOCK_BYTES = 12 * 2**20
_HELD_BYTES = 32 * 2**20
_OPEN_FILES = 64


def _file(path: Path, schema: pa.Schema) -> DayFile:
    # Nobody but us reads these files, once; most of their texts occur once, and looking for repeats costs more.
    return DayFile(path, schema, use_dictionary=False)


class DayRouter:
    """Writes rows of any days below a folder; within a day they keep the order in which they come.

    A day's rows are held until they fill a row group or too much is held; then they go to the day's file. Where more
    days are written than may be open at once, a day is written in pieces, which are joined in the end.
    """

    def __init__(self, table: Table, folder: Path, schema: pa.Schema) -> None:
        """Write rows of `schema` (the table's, without day) below `folder`."""
        self.rows: dict[date, int] = {}
        self._table, self._folder, self._schema = table, folder, schema
        self._block: list[pa.RecordBatch] = []
        self._block_rows = self._block_bytes = 0
        self._held: dict[int, list[pa.RecordBatch]] = {}
        self._held_bytes: dict[int, int] = {}
        self._open: dict[int, DayFile] = {}
        self._pieces: dict[int, list[Path]] = {}

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch with all columns of the schema and `day`.

        Raises:
            ContractError: nulls where the contract allows none.
        """
        if not batch.num_rows:
            return
        checked(self._table, self._schema, batch)
        self._block.append(batch.select([*self._schema.names, DAY]))
        self._block_rows += batch.num_rows
        self._block_bytes += batch.get_total_buffer_size()
        if self._block_rows >= _BLOCK_ROWS or self._block_bytes >= _BLOCK_BYTES:
            self._distribute()

    def _distribute(self) -> None:
        if not self._block:
            return
        block = pa.concat_batches(self._block)
        self._block, self._block_rows, self._block_bytes = [], 0, 0
        numbers = day_numbers(block)
        body = block.select(self._schema.names)
        days, counts = np.unique(numbers, return_counts=True)
        order = np.argsort(numbers, kind="stable") if len(days) > 1 else None
        start = 0
        for number, rows in zip(days.tolist(), counts.tolist(), strict=True):
            # A copy of the day's rows: a slice would keep the whole block in memory.
            self._hold(number, body if order is None else body.take(pa.array(order[start : start + rows])))
            start += rows
        while sum(self._held_bytes.values()) > _HELD_BYTES:
            self._spill(max(self._held_bytes, key=lambda day: (self._held_bytes[day], day)))

    def _hold(self, number: int, piece: pa.RecordBatch) -> None:
        day = day_of(number)
        self.rows[day] = self.rows.get(day, 0) + piece.num_rows
        held = self._held.setdefault(number, [])
        rows = sum(batch.num_rows for batch in held)
        while rows + piece.num_rows >= ROW_GROUP:
            held.append(piece.slice(0, ROW_GROUP - rows))
            piece, rows = piece.slice(ROW_GROUP - rows), 0
            self._spill(number)
            piece = piece.take(pa.array(np.arange(piece.num_rows))) if piece.num_rows < ROW_GROUP else piece
            held = self._held.setdefault(number, [])
        if not piece.num_rows:
            del self._held[number]
            return
        held.append(piece)
        self._held_bytes[number] = sum(batch.get_total_buffer_size() for batch in held)

    def _spill(self, number: int) -> None:
        """Write what is held of a day as one row group."""
        target = self._open.get(number)
        if target is None:
            if len(self._open) >= _OPEN_FILES:
                self._close_one()
            target = self._open[number] = self._new_piece(number)
        for held in self._held.pop(number, []):
            target.add(held)
        self._held_bytes.pop(number, None)
        target.flush()

    def _new_piece(self, number: int) -> DayFile:
        pieces = self._pieces.setdefault(number, [])
        pieces.append(self._folder / f"{DAY}={day_of(number)}" / (f"piece-{len(pieces)}.parquet" if pieces else PART))
        return _file(pieces[-1], self._schema)

    def _close_one(self) -> None:
        # The one that was opened first: files are mostly about days that follow each other.
        number = next(iter(self._open))
        self._open.pop(number).close()

    def close(self) -> None:
        """Write what is held and finish all files."""
        self._distribute()
        for number in sorted(self._held):
            self._spill(number)
        for file in self._open.values():
            file.close()
        self._open = {}
        for pieces in self._pieces.values():
            if len(pieces) > 1:
                self._join(pieces)
        self.rows = dict(sorted(self.rows.items()))

    def _join(self, pieces: list[Path]) -> None:
        joined = pieces[0].with_name("joined.parquet")
        target = _file(joined, self._schema)
        for piece in pieces:
            with pq.ParquetFile(piece) as file:
                for batch in file.iter_batches(ROW_GROUP):
                    target.add(batch)
        target.close()
        for piece in pieces[1:]:
            piece.unlink()
        joined.replace(pieces[0])
