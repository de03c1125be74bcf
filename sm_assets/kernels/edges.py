"""Edge lists in plain text to Arrow columns, and node ids in one form.

Here: the checking face. Not here: files, headers, formats other than plain text, what an edge means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import KernelError
from sm_assets.kernels import _edges
from sm_assets.kernels.arrow import built_array, string_column

MISSING, NOT_A_NUMBER, NEGATIVE, TOO_LARGE, EXTRA, UNTERMINATED, OVERSIZE = range(7)
ID_PLAIN, ID_CHANGES, ID_EMPTY, ID_NEGATIVE = range(4)
NO_WEIGHT, WEIGHT, BAD_WEIGHT = range(3)
MAX_RECORD = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Ids:
    """Node ids: the texts themselves where nothing had to change; null where empty. kind: uint8[n], ID_*."""

    texts: pa.StringArray
    kind: npt.NDArray[np.uint8]


def canonical_ids(texts: pa.Array) -> Ids:
    """Numbers up to 2^64-1 without leading zeros, any other text without blanks around it.

    Raises:
        KernelError: the column is not text.
    """
    column = string_column(texts)
    kind = np.zeros(len(column), dtype=np.uint8)
    if len(column):
        _edges.kinds(column, kind)
    changed = bool((kind != ID_PLAIN).any())
    return Ids(built_array(_edges.canonical(column)) if changed else column, kind)


def decimal_texts(numbers: npt.NDArray[np.int64] | npt.NDArray[np.uint64]) -> pa.StringArray:
    """Whole numbers as decimal texts.

    Args:
        numbers: int64[n] or uint64[n], contiguous.

    Raises:
        KernelError: another type, or more than 100 million numbers.
    """
    if numbers.dtype not in (np.int64, np.uint64) or numbers.ndim != 1 or len(numbers) > 10**8:
        raise KernelError(f"numbers must be int64[n] or uint64[n], n <= 10^8; found {numbers.dtype}{numbers.shape}.")
    offsets = np.zeros(len(numbers) + 1, dtype=np.int32)
    out = np.empty(20 * len(numbers), dtype=np.int8)
    write = _edges.signed_texts if numbers.dtype == np.int64 else _edges.unsigned_texts
    used = write(np.ascontiguousarray(numbers), offsets, out)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(out[:used].tobytes()))


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that is no edge: 1-based line, 0-based byte offset, bytes, 1-based record, reason (MISSING, ...)."""

    line: int
    offset: int
    length: int
    record: int
    reason: int


@dataclass(frozen=True, slots=True)
class ScannedEdges:
    """What was scanned since the last call.

    Attributes:
        first, second: ends as delivered, digits only.
        weight_text: third column as delivered, null where there is none.
        weight: float64[n], 0 where there is none.
        weight_kind: uint8[n], NO_WEIGHT, WEIGHT or BAD_WEIGHT.
        row: int64[n], 1-based number of the record in the file, rejected ones counted.
        line: int64[n], 1-based physical line.
        start, length: int64[n], byte offset and bytes of the line without its end.
        rejects: lines that are no edges.
        padded: some end has leading zeros.
    """

    first: pa.StringArray
    second: pa.StringArray
    weight_text: pa.StringArray
    weight: npt.NDArray[np.float64]
    weight_kind: npt.NDArray[np.uint8]
    row: npt.NDArray[np.int64]
    line: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    rejects: list[RejectedLine]
    padded: bool


class EdgeScanner:
    """Feeds windows of bytes to the scanner of lines `<number> <number> [<weight>]`.

    Args:
        commas: commas divide fields too.
        line, offset: position of the first byte that will be fed.
        max_record: bytes after which an unfinished line is given up.

    Raises:
        KernelError: max_record below 2.
    """

    def __init__(self, *, commas: bool = False, line: int = 1, offset: int = 0, max_record: int = MAX_RECORD) -> None:
        if max_record < 2:
            raise KernelError(f"max_record must be at least 2 bytes; found {max_record}.")
        self._scanner = _edges.Scanner(commas, max_record, line, offset)

    def feed(self, window: bytes | bytearray | memoryview, *, final: bool) -> int:
        """Scan a window that starts where the last call stopped; returns the bytes used, the rest comes again."""
        used: int = self._scanner.feed(window, final)
        return used

    def take(self) -> ScannedEdges:
        """All rows and rejects since the last call."""
        (first, second, weight_text), (row, line, start, length, weight, kind), rejects, padded = self._scanner.take()
        return ScannedEdges(
            built_array(first),
            built_array(second),
            built_array(weight_text),
            np.frombuffer(weight, dtype=np.float64),
            np.frombuffer(kind, dtype=np.uint8),
            np.frombuffer(row, dtype=np.int64),
            np.frombuffer(line, dtype=np.int64),
            np.frombuffer(start, dtype=np.int64),
            np.frombuffer(length, dtype=np.int64),
            [RejectedLine(*reject) for reject in rejects],
            padded,
        )

    @property
    def position(self) -> tuple[int, int]:
        """(line, byte offset) of the next byte to be scanned."""
        position: tuple[int, int] = self._scanner.position
        return position

    @property
    def records(self) -> int:
        """Records so far, rejected ones included."""
        records: int = self._scanner.records
        return records
