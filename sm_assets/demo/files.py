"""How the demo's files come to lie where they lie: whole or not at all, and with the same bytes on every machine.

Here: writing aside and moving, lines, a gzip that depends on no library's version, JSON and Parquet. Not here: what is
in the files.
"""

from __future__ import annotations

import csv
import io
import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

_BLOCK: Final = 60_000
_MEMBER: Final = 1_000_000


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to that becomes `path` at the end of the block; after an error it is gone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.tmp")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_lines(path: Path, lines: Iterable[str], *, packed: bool = False) -> list[Path]:
    """Write lines as they come, each ended by a newline; without any there is no file.

    Returns:
        The path, or nothing.
    """
    rest = iter(lines)
    first = next(rest, None)
    if first is None:
        return []
    with whole(path) as aside, aside.open("wb") as file:
        target: BinaryIO | _StoredGzip = _StoredGzip(file) if packed else file
        target.write(first.encode() + b"\n")
        for line in rest:
            target.write(line.encode() + b"\n")
        if isinstance(target, _StoredGzip):
            target.end()
    return [path]


def write_rows(path: Path, rows: Iterable[Sequence[object]], *, encoding: str = "utf-8") -> Path:
    """Write rows as CSV, as they come."""
    with whole(path) as aside, aside.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return path


def write_bytes(path: Path, data: bytes) -> Path:
    """Write a small file."""
    with whole(path) as aside:
        aside.write_bytes(data)
    return path


def write_sidecar(path: Path, facts: dict[str, Any]) -> Path:
    """Say beside a file what it does not say itself."""
    return write_bytes(path.with_name(f"{path.name}.meta.json"), json.dumps(facts, indent=2).encode() + b"\n")


def write_table(path: Path, table: pa.Table) -> list[Path]:
    """Write a table as Parquet and as CSV; `path` has no suffix. Lists are joined by blanks in the CSV."""
    parquet = path.with_name(f"{path.name}.parquet")
    with whole(parquet) as aside:
        pq.write_table(table, aside, compression="zstd")
    rows = (
        [" ".join(map(str, cell)) if isinstance(cell, list) else cell for cell in row.values()]
        for batch in table.to_batches(max_chunksize=4_096)
        for row in batch.to_pylist()
    )
    return [
        parquet,
        write_rows(path.with_name(f"{path.name}.csv"), (row for part in ([table.column_names], rows) for row in part)),
    ]


class _StoredGzip:
    """Gzip without compression, in members: what any reader accepts and no version of a library changes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._pending = file, io.BytesIO()

    def write(self, data: bytes) -> None:
        """Take bytes; a member ends when it is full."""
        self._pending.write(data)
        if self._pending.tell() >= _MEMBER:
            self.end()

    def end(self) -> None:
        """Write what is pending as a member."""
        data = self._pending.getvalue()
        self._file.write(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
        for begin in range(0, len(data), _BLOCK):
            block = data[begin : begin + _BLOCK]
            last = begin + _BLOCK >= len(data)
            self._file.write(struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block)
        self._file.write(struct.pack("<II", crc32(data), len(data)))
        self._pending = io.BytesIO()
