"""Partitions as a stream of Arrow batches, read ahead by a thread of their own.

Here: decoding while the caller computes, texts as dictionaries, row groups picked by their statistics. Not here: what
becomes of the rows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import date
from queue import Full, Queue
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.contracts import TABLES
from sm_assets.storage.key_order import KeyOrder
from sm_assets.storage.lake import Lake

BATCH_ROWS = 2**20
_AHEAD = 2
_POLL_SECONDS = 0.2
RowGroups: TypeAlias = Callable[[pq.FileMetaData], Sequence[int]]


def stream(
    lake: Lake,
    table: str,
    days: Iterable[date],
    columns: Sequence[str],
    *,
    as_dictionary: Sequence[str] = (),
    batch_rows: int = BATCH_ROWS,
    row_groups: RowGroups | None = None,
) -> Iterator[tuple[date, pa.RecordBatch]]:
    """(day, batch) of the days in their order; at most two batches are decoded ahead of the caller.

    Args:
        lake: where the table lies.
        table: its name.
        days: published days.
        columns: columns to read.
        as_dictionary: text columns that arrive as dictionaries, which costs a fifth of reading them as texts.
        batch_rows: most rows of a batch.
        row_groups: which row groups of a file to read; None: all.
    """
    queue: Queue[tuple[date, pa.RecordBatch] | BaseException | None] = Queue(_AHEAD)
    stopped = threading.Event()

    def put(item: tuple[date, pa.RecordBatch] | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                queue.put(item, timeout=_POLL_SECONDS)
            except Full:
                continue
            return

    def read() -> None:
        try:
            for day in days:
                for batch in _batches(lake, table, day, columns, as_dictionary, batch_rows, row_groups):
                    put((day, batch))
                    if stopped.is_set():
                        return
            put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the rows are used
            put(error)

    reader = threading.Thread(target=read, name=f"read {table}", daemon=True)
    reader.start()
    try:
        while (item := queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        reader.join()


def _batches(
    lake: Lake,
    table: str,
    day: date,
    columns: Sequence[str],
    as_dictionary: Sequence[str],
    batch_rows: int,
    row_groups: RowGroups | None,
) -> Iterator[pa.RecordBatch]:
    path = lake.file(table, day)
    with (
        # A path is read without Python in between.
        nullcontext(path) if lake.is_local else lake.fs.open(path, "rb") as source,
        pq.ParquetFile(source, read_dictionary=list(as_dictionary), pre_buffer=False) as file,
    ):
        chosen = list(range(file.metadata.num_row_groups) if row_groups is None else row_groups(file.metadata))
        # A platform that is the same in all rows need not be decoded.
        same = {
            name: value for name in as_dictionary if (value := _only_value(file.metadata, chosen, name)) is not None
        }
        read = [name for name in columns if name not in same] if len(same) < len(columns) else list(columns)
        for batch in (
            file.iter_batches(batch_rows, row_groups=chosen, columns=read, use_threads=False) if chosen else ()
        ):
            if len(read) == len(columns):
                yield batch
                continue
            places = pa.array(np.zeros(batch.num_rows, dtype=np.int32))
            arrays = [
                batch.column(name) if name in read else pa.DictionaryArray.from_arrays(places, [same[name]])
                for name in columns
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _only_value(metadata: pq.FileMetaData, row_groups: Sequence[int], column: str) -> str | None:
    """The value of a column in all rows of some row groups, if their statistics tell that there is but one."""
    place = metadata.schema.names.index(column)
    found = set()
    for group in row_groups:
        statistics = metadata.row_group(group).column(place).statistics
        if statistics is None or not statistics.has_min_max or statistics.null_count != 0:
            return None
        found |= {statistics.min, statistics.max}
        if len(found) > 1:
            return None
    return found.pop() if found else None


def keys_ascend(lake: Lake, table: str, days: Iterable[date]) -> bool:
    """Whether the rows of each of these published days are in the order of their keys, none twice."""
    contract = TABLES[table]
    texts = [name for name in contract.sort_key if contract.by_name[name].type == "text"]
    order, seen = KeyOrder(contract.sort_key), None
    for day, batch in stream(lake, table, days, contract.sort_key, as_dictionary=texts):
        if day != seen:
            order, seen = KeyOrder(contract.sort_key), day
        if not order.holds(batch):
            return False
    return True


def overlapping(column: str, first: str, last: str) -> RowGroups:
    """Row groups that may hold a value of a text column between `first` and `last`, both included."""

    def chosen(metadata: pq.FileMetaData) -> list[int]:
        place = metadata.schema.names.index(column)
        found = []
        for group in range(metadata.num_row_groups):
            statistics = metadata.row_group(group).column(place).statistics
            known = statistics is not None and statistics.has_min_max
            if not known or (statistics.min <= last and statistics.max >= first):
                found.append(group)
        return found

    return chosen
