"""JSON lines and JSON documents to Arrow columns, exactly: every record becomes a row or a counted reject.

Here: the checking face of the JSON scanner, and single values as Python objects by the same rules. Not here: file
access, decompression, encodings other than UTF-8, byte order marks, what the fields mean.

Grammar and text: strict RFC 8259, at most 512 levels deep; of repeated keys the first wins, at every level. NUL is
removed from strings; lone surrogate escapes and ill-formed UTF-8 become U+FFFD; `flags` says which of them a record
held, wherever in it.

Framing: each line stands for itself; several values on one line are items of one row, and so are the elements of an
array. Where the first value of a file goes on past its line the file is a document instead: values follow one another
however they are laid out, and the elements of a top-level array are read one by one. An array on the first line that
is longer than a record may be is read that way too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import KernelError
from sm_assets.kernels import _json_lines
from sm_assets.kernels.arrow import built_array, string_column

REASONS = ("malformed_json", "not_an_object", "truncated_record", "oversize_record")
NUL, BAD_UTF8, LONE_SURROGATE = 1, 2, 4
MAX_RECORD = 64 * 2**20


class Number(str):
    """A number as it was written, so that no id ever becomes a float."""

    __slots__ = ()


Value: TypeAlias = "dict[str, Value] | list[Value] | str | Number | bool | None"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A stretch that is no row: 1-based line, 0-based byte offset, bytes, 1-based record, reason."""

    line: int
    offset: int
    length: int
    record: int
    reason: str


@dataclass(frozen=True, slots=True)
class ScannedJson:
    """What was scanned since the last call.

    Attributes:
        columns: one pa.string() array per wanted path. Strings are unescaped; numbers, true and false are their
            literals; objects and arrays their JSON text, made safe; null, absent and empty are null.
        row: int64[n], 1-based number of the record (line, or value of a document), rejected ones counted.
        item: int32[n], 0-based place among the values of a line or the elements of an array, else 0.
        line: int64[n], 1-based physical line where the value starts.
        start: int64[n], 0-based byte offset of the value.
        length: int64[n], its bytes.
        flags: uint8[n], NUL | BAD_UTF8 | LONE_SURROGATE.
        rejects: rejected stretches in file order.
    """

    columns: list[pa.StringArray]
    row: npt.NDArray[np.int64]
    item: npt.NDArray[np.int32]
    line: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    flags: npt.NDArray[np.uint8]
    rejects: list[Rejected]


class JsonScanner:
    """Feeds windows of bytes to the scanner.

    Args:
        paths: one column each: keys joined by dots (`commit.record.text`), or several such paths of which the first
            that holds something is taken. None at all: only positions come back.
        line, offset: position of the first byte that will be fed.
        max_record: bytes after which an unfinished record is given up.

    Raises:
        KernelError: an empty path or key, or a max_record below 1.
    """

    def __init__(
        self,
        paths: Sequence[str | tuple[str, ...]],
        *,
        line: int = 1,
        offset: int = 0,
        max_record: int = MAX_RECORD,
    ) -> None:
        columns = [(path,) if isinstance(path, str) else tuple(path) for path in paths]
        distinct = list(dict.fromkeys(path for column in columns for path in column))
        bad = [path for path in distinct if not path or "" in path.split(".")]
        if bad or any(not column for column in columns):
            raise KernelError(f"a path is keys joined by single dots, like 'commit.record.text'; found {bad or '()'}.")
        if max_record < 1:
            raise KernelError(f"max_record must be at least 1 byte; found {max_record}.")
        slot = {path: k for k, path in enumerate(distinct)}
        self._scanner = _json_lines.Scanner(
            [[key.encode() for key in path.split(".")] for path in distinct],
            [[slot[path] for path in column] for column in columns],
            max_record,
            line,
            offset,
        )

    def feed(self, window: bytes | bytearray | memoryview, *, final: bool) -> int:
        """Scan a window that starts where the last call stopped; returns the bytes used, the rest comes again.

        While a record or an array is open, at least one byte is left: a last window with final=True is sure to come.
        """
        used: int = self._scanner.feed(window, final)
        return used

    def take(self) -> ScannedJson:
        """All rows and rejects since the last call."""
        columns, (row, item, line, start, length, flags), rejects = self._scanner.take()
        return ScannedJson(
            [built_array(column) for column in columns],
            np.frombuffer(row, dtype=np.int64),
            np.frombuffer(item, dtype=np.int32),
            np.frombuffer(line, dtype=np.int64),
            np.frombuffer(start, dtype=np.int64),
            np.frombuffer(length, dtype=np.int64),
            np.frombuffer(flags, dtype=np.uint8),
            [Rejected(at, start, size, record, REASONS[reason]) for at, start, size, record, reason in rejects],
        )

    @property
    def position(self) -> tuple[int, int]:
        """(line, byte offset) of the next byte to be scanned."""
        position: tuple[int, int] = self._scanner.position
        return position

    @property
    def statistics(self) -> dict[str, int]:
        """records; is_document; clean and broken runs of non-ASCII bytes in the strings of all rows."""
        statistics: dict[str, int] = self._scanner.statistics
        return statistics


def shortest(texts: pa.StringArray) -> pa.StringArray:
    """JSON objects and arrays without white space and needless escapes; any other text as it is.

    Equal values become equal texts however a tool wrote them; numbers and the order of keys stay.

    Raises:
        KernelError: the column is not text.
    """
    return built_array(_json_lines.shortest(string_column(texts)))


def parse(data: bytes | bytearray | memoryview) -> Value:
    """One JSON value as dict, list, str, Number, bool or None.

    Raises:
        KernelError: the bytes are not one JSON value.
    """
    return parse_flagged(data)[0]


def parse_flagged(data: bytes | bytearray | memoryview) -> tuple[Value, int]:
    """As `parse`, with what was repaired in the strings: NUL | BAD_UTF8 | LONE_SURROGATE.

    Raises:
        KernelError: the bytes are not one JSON value.
    """
    try:
        value, flags = _json_lines.parse(data, Number)
    except ValueError as problem:
        at = problem.args[0]
        raise KernelError(
            f"not one JSON value: byte {at} of {len(data)} does not fit ({bytes(data[at : at + 20])!r})."
        ) from problem
    return value, flags
