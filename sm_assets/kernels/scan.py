"""CSV text to Arrow columns, exactly: every record becomes a row or a counted reject.

Here: the checking face of the CSV scanner. Not here: file access, decompression, encodings other than UTF-8, header
names.

The grammar is RFC 4180 with one delimiter; records end with LF, CRLF or CR, quoted fields may hold line ends. An
open quote does not swallow the rest: scanning goes on at the next line that is a whole record by itself. Blank lines
are not records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import KernelError
from sm_assets.kernels import _scan
from sm_assets.kernels.arrow import built_array

REASONS = ("missing_columns", "extra_columns", "unterminated_quote", "oversize_record", "bad_char", "bad_utf8")
NUL, BAD_UTF8 = 1, 2
MAX_RECORD = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Rejected:
    """A stretch that is no row: 1-based line, 0-based byte offset, bytes, 1-based record, reason, fields found."""

    line: int
    offset: int
    length: int
    record: int
    reason: str
    found: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was scanned since the last call.

    Attributes:
        columns: the wanted fields, pa.string(), empty = null.
        row: int64[n], 1-based number of the record in the file, rejected ones counted.
        line: int64[n], 1-based physical line where the record starts.
        start: int64[n], 0-based byte offset of the record.
        length: int32[n], its bytes without the line end.
        flags: uint8[n], NUL | BAD_UTF8 where damage was repaired (only with inspect=True).
        rejects: rejected stretches in file order.
    """

    columns: list[pa.StringArray]
    row: npt.NDArray[np.int64]
    line: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int32]
    flags: npt.NDArray[np.uint8]
    rejects: list[Rejected]


class CsvScanner:
    """Feeds windows of bytes to the scanner.

    Args:
        n_fields: fields that each record must have.
        wanted: positions of the fields to keep, each at most once; columns come back in this order.
        delimiter: one ASCII character.
        inspect: look for NUL and ill-formed UTF-8. Without it the bytes must be valid UTF-8.
        reject_damage: records with NUL or ill-formed UTF-8 are rejected; otherwise NUL is removed and each maximal
            ill-formed part becomes U+FFFD.
        line, offset: position of the first byte that will be fed.
        max_record: bytes after which an unfinished record is given up.

    Raises:
        KernelError: positions out of range or given twice, or a delimiter that is not one ASCII character.
    """

    def __init__(
        self,
        n_fields: int,
        wanted: Sequence[int],
        *,
        delimiter: str = ",",
        inspect: bool = False,
        reject_damage: bool = False,
        line: int = 1,
        offset: int = 0,
        max_record: int = MAX_RECORD,
    ) -> None:
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
            raise KernelError(
                f"delimiter must be one ASCII character that is no quote or line end; found {delimiter!r}."
            )
        if len(set(wanted)) != len(wanted) or any(not 0 <= k < n_fields for k in wanted):
            raise KernelError(f"wanted positions must be distinct and lie in 0..{n_fields - 1}; found {list(wanted)}.")
        targets = [-1] * n_fields
        for column, position in enumerate(wanted):
            targets[position] = column
        self._scanner = _scan.Scanner(
            ord(delimiter), targets, len(wanted), max_record, inspect, reject_damage, line, offset
        )

    def feed(self, window: bytes | bytearray | memoryview, *, final: bool) -> int:
        """Scan a window that starts where the last call stopped; returns the bytes used, the rest comes again."""
        used: int = self._scanner.feed(window, final)
        return used

    def take(self) -> Scanned:
        """All rows and rejects since the last call."""
        columns, (row, line, start, length, flags), rejects = self._scanner.take()
        return Scanned(
            [built_array(column) for column in columns],
            np.frombuffer(row, dtype=np.int64),
            np.frombuffer(line, dtype=np.int64),
            np.frombuffer(start, dtype=np.int64),
            np.frombuffer(length, dtype=np.int32),
            np.frombuffer(flags, dtype=np.uint8),
            [
                Rejected(at, start, size, record, REASONS[reason], found)
                for at, start, size, record, reason, found in rejects
            ],
        )

    @property
    def position(self) -> tuple[int, int]:
        """(line, byte offset) of the next byte to be scanned."""
        position: tuple[int, int] = self._scanner.position
        return position

    @property
    def statistics(self) -> dict[str, int]:
        """records; with inspect=True also clean and broken runs of non-ASCII bytes, and records that hold any."""
        statistics: dict[str, int] = self._scanner.statistics
        return statistics
