"""Rows of a vector cache: keys, vectors, and what was read of each text.

Here: their form in memory and in files, and finding keys. Not here: which files there are (`vector_cache`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Keys: TypeAlias = npt.NDArray[np.bytes_]


def vector_schema(width: int) -> pa.Schema:
    """Columns of the files: key, word pieces read, whether the text was cut, vector."""
    vector = pa.list_(pa.field("number", pa.float32(), nullable=False), width)
    columns = (("key", pa.binary(16)), ("n_tokens", pa.int32()), ("truncated", pa.bool_()), ("vector", vector))
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns])


@dataclass(frozen=True, slots=True)
class VectorRows:
    """Rows of the cache: S16[n] keys, int32[n], bool[n], float32[n, width]."""

    keys: Keys
    n_tokens: npt.NDArray[np.int32]
    truncated: npt.NDArray[np.bool_]
    vectors: npt.NDArray[np.float32]

    def take(self, places: npt.NDArray[np.intp] | npt.NDArray[np.bool_] | slice) -> VectorRows:
        """Some of the rows."""
        return VectorRows(self.keys[places], self.n_tokens[places], self.truncated[places], self.vectors[places])

    def table(self) -> pa.Table:
        """As they are written."""
        n, width = self.vectors.shape
        schema = vector_schema(width)
        key = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), n, [None, pa.py_buffer(self.keys.tobytes())])
        numbers = pa.array(np.ascontiguousarray(self.vectors).reshape(-1))
        vectors = pa.FixedSizeListArray.from_arrays(numbers, type=schema.field("vector").type)
        return pa.Table.from_arrays([key, pa.array(self.n_tokens), pa.array(self.truncated), vectors], schema=schema)

    @classmethod
    def of(cls, table: pa.Table) -> VectorRows:
        """As they were read."""
        vectors = table["vector"].combine_chunks().flatten().to_numpy()
        return cls(
            key_column(table["key"]),
            table["n_tokens"].to_numpy(),
            table["truncated"].to_numpy(),
            vectors.reshape(len(table), -1),
        )


@dataclass(frozen=True, slots=True)
class Shard:
    """What a shard holds: S16[n] keys, sorted, none twice; where each lies: file, row. `starts`: of its row groups."""

    files: list[str]
    starts: list[npt.NDArray[np.int64]]
    keys: Keys
    file: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]


def key_column(column: pa.ChunkedArray) -> Keys:
    """S16[n] of a column of keys."""
    array = column.combine_chunks()
    if not len(array):
        return np.empty(0, dtype="S16")
    return np.frombuffer(array.buffers()[1], dtype="S16")[array.offset : array.offset + len(array)]


def places_of(held: Keys, wanted: Keys) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Where each wanted key stands among the sorted keys held, and whether it does."""
    places = np.minimum(np.searchsorted(held, wanted), max(0, len(held) - 1))
    return places, (held[places] == wanted if len(held) else np.zeros(len(wanted), dtype=bool))


def file_digest(path: Path) -> str:
    """16 hex digits over a file's bytes."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
