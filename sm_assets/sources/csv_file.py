"""CSV files of any source: opened, brought to UTF-8, their header mapped, cut into rows with positions and rejects.

Here: bytes to text columns. Not here: what a column means, which vintage a header is.

How a reader uses it:
    column_of = column_mapper({"video_id": "video_id", ...}, options.columns)   # delivered name -> own name, or None
    file = CsvFile(path, tally, column_of, encoding=options.encoding)           # may raise InputError
    if file.empty: ...                                  # no header: no rows follow
    file.header.positions, .unknown, .names             # own names found, other delivered names, all: the vintage
    for rows in file.rows(["video_id", ...]):           # windows; damaged stretches are already in the tally
        rows.column("video_id")                         # pa.StringArray, "" is null; all null where the file lacks it
        file.reject(rows, k, "bad_time", "why")         # the k-th row is unusable; then leave it out of the batch
        yield tally.chunk({"videos": batch})            # rows.positions() gives source_row, source_item, source_line
    yield from the last tally.chunk(...)                # a cut compressed stream is a reject behind the last window
`rows` adds every row, rejected or not, to tally.rows_in. What only the whole file can tell is gathered first, with
`survey` (then construct with surveyed=True); a file without a header is read by `names` and one delimiter.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from sm_assets.errors import InputError
from sm_assets.kernels import scan
from sm_assets.sources.bytestream import (
    Windows,
    bom_of,
    compression_of,
    encoding_of,
    open_bytes,
    open_utf8,
    refuse_unmarked_utf16,
)
from sm_assets.sources.reading import Tally, excerpt

HEADER_BYTES = 1 << 16
LONGEST_HEADER = 1 << 24
ColumnOf = Callable[[str], str | None]
_DETAILS = {
    "missing_columns": "fewer fields than the header has",
    "extra_columns": "more fields than the header has",
    "unterminated_quote": "a quote opens and does not close where a field ends",
    "oversize_record": "one record of more than 64 MiB",
    "bad_char": "a NUL character",
    "bad_utf8": "bytes that are not UTF-8 in a UTF-8 file",
}


def fold_name(name: str) -> str:
    """A header name without byte order mark, no-break spaces and repeated blanks."""
    return re.sub(r"\s+", " ", name.replace("\ufeff", "").replace("\u00a0", " ")).strip()


def column_mapper(
    known: Mapping[str, str], stated: Mapping[str, str] | None = None, prefixes: Mapping[str, str] | None = None
) -> ColumnOf:
    """From a folded header name to a column, whatever its case; None: no such column.

    Args:
        known: delivered name -> column.
        stated: the same by the user; overrides.
        prefixes: how a delivered name begins -> column.
    """
    exact = {fold_name(name).casefold(): column for names in (known, stated or {}) for name, column in names.items()}
    heads = [(head.casefold(), column) for head, column in (prefixes or {}).items()]

    def column_of(name: str) -> str | None:
        key = name.casefold()
        return exact.get(key) or next((column for head, column in heads if key.startswith(head)), None)

    return column_of


@dataclass(frozen=True, slots=True)
class Header:
    """A header mapped to columns.

    Attributes:
        names: delivered names, folded.
        positions: column -> position of the field.
        unknown: delivered name -> position, for names with no column (or a second one of the same column).
    """

    names: tuple[str, ...]
    positions: Mapping[str, int]
    unknown: Mapping[str, int]

    @classmethod
    def of(cls, names: Sequence[str], column_of: ColumnOf) -> Header:
        """Map delivered names."""
        positions: dict[str, int] = {}
        unknown: dict[str, int] = {}
        folded = tuple(fold_name(name) for name in names)
        for position, name in enumerate(folded):
            column = column_of(name)
            if column is not None and column not in positions:
                positions[column] = position
                continue
            label, n = name or f"column {position + 1}", 2
            while label in unknown:
                label, n = f"{name} ({n})", n + 1
            unknown[label] = position
        return cls(folded, positions, unknown)


@dataclass(frozen=True, slots=True)
class CsvRows:
    """Rows of one window: texts only, nothing decided yet. `window` is valid until the next rows are asked for."""

    columns: Mapping[str, pa.StringArray]
    unknown: Mapping[str, pa.StringArray]
    scanned: scan.Scanned
    window: memoryview
    window_offset: int

    def __len__(self) -> int:
        return len(self.scanned.row)

    def column(self, name: str) -> pa.StringArray:
        """A column; all null where the file lacks it or it was not asked for."""
        found = self.columns.get(name)
        return found if found is not None else pa.nulls(len(self), pa.string())

    def positions(self) -> dict[str, pa.Array]:
        """Where each row stands: source_row, source_item, source_line."""
        return {
            "source_row": pa.array(self.scanned.row),
            "source_item": pa.array(np.zeros(len(self), dtype=np.int32)),
            "source_line": pa.array(self.scanned.line),
        }

    def extra(self) -> pa.Array:
        """The cells of unknown columns as JSON objects, null where all are empty."""
        if not self.unknown:
            return pa.nulls(len(self), pa.string())
        texts: list[str | None] = []
        for values in zip(*(column.to_pylist() for column in self.unknown.values()), strict=True):
            found = {name: value for name, value in zip(self.unknown, values, strict=True) if value is not None}
            texts.append(json.dumps(found, ensure_ascii=False) if found else None)
        return pa.array(texts, pa.string())

    def excerpt(self, offset: int, length: int) -> str:
        """The first bytes of a stretch of the file, readable."""
        return excerpt(self.window, offset - self.window_offset, length)


class CsvFile:
    """One CSV file: its header at once, rows by iteration, as often as needed.

    Attributes:
        path, compression, encoding, delimiter: as given or found.
        empty: it has neither header nor rows.
        header: the columns.
        broken: why a compressed file ended early, None if it did not; known once the rows were iterated.
        end: (line, byte offset) where reading ended.
    """

    def __init__(
        self,
        path: Path,
        tally: Tally,
        column_of: ColumnOf,
        *,
        delimiters: str = ",;\t",
        encoding: str | None = None,
        names: Sequence[str] | None = None,
        surveyed: bool = False,
        reject_damage: bool = False,
    ) -> None:
        r"""Read the header.

        Args:
            path: where it lies.
            tally: counts rows, rejects and repairs of whole records.
            column_of: see `column_mapper`.
            delimiters: the one under which the header has the most known columns, the first of equals, is taken.
            encoding: as the user states it.
            names: the columns of a file that has no header.
            surveyed: `survey` will be iterated before `rows`, and finds the encoding on the way.
            reject_damage: records with NUL or ill-formed UTF-8 are rejected instead of mended.

        Raises:
            InputError: the file cannot be read at all.
        """
        self.path = path
        self.tally = tally
        self.broken: str | None = None
        self.end = (0, 0)
        self._column_of = column_of
        self._delimiters = delimiters
        self._names = names
        self._reject_damage = reject_damage
        self._inspect = True
        self._header_broken = False
        self._statistics: dict[str, int] = {}
        self._cut = b""
        self.compression = compression_of(path)
        marked, self._skip = bom_of(self._head_of(open_bytes(path, self.compression), 16))
        self._settled = bool(encoding or marked)
        self.encoding = encoding or marked or "utf-8"
        if not self._settled and not surveyed:
            self.encoding = encoding_of(path, self.compression)
            self._note_encoding()
        self._map_header()

    # ------------------------------------------------------------------ opening

    def _head_of(self, stream: IO[bytes], size: int) -> bytes:
        windows = Windows(stream, size)
        try:
            head = bytes(next(iter(windows), b""))
        finally:
            stream.close()
        if windows.broken and not head:
            raise InputError(f"{self.path}: cannot be decompressed ({windows.broken}); fetch the file again.")
        return head

    def _map_header(self) -> None:
        """Read the header in the encoding known so far: another has other bytes, and its rows begin elsewhere."""
        if not self._read_header(HEADER_BYTES):
            self._read_header(LONGEST_HEADER)

    def _read_header(self, size: int) -> bool:
        """Header and where rows begin, from the first `size` bytes; false where the header may go on behind them."""
        head = self._head_of(open_utf8(self.path, self.compression, self.encoding, self._skip), size)
        refuse_unmarked_utf16(self.path, head)
        # What is not UTF-8 survives the round trip, so that lengths are those of the file.
        text = head.decode("utf-8", "surrogateescape")
        stripped = text.lstrip("\r\n")
        self.empty = not stripped.strip()
        if self.empty or self._names is not None:
            self.header = Header.of(() if self.empty else self._names or (), self._column_of)
            self.delimiter, self._body = self._delimiters[0], (1, 0)
            return True
        best: tuple[int, Header, str, int] | None = None
        for delimiter in self._delimiters:
            names, length = _first_record(stripped, delimiter)
            readable = [name.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for name in names]
            header = Header.of(readable, self._column_of)
            if best is None or len(header.positions) > best[0]:
                best = (len(header.positions), header, delimiter, length)
        assert best is not None
        _, self.header, self.delimiter, length = best
        consumed = text[: len(text) - len(stripped) + length]
        self._header_broken = any("\udc80" <= char <= "\udcff" for char in consumed)
        self._body = (1 + consumed.count("\n") or 1, len(consumed.encode("utf-8", "surrogateescape")))
        return length < len(stripped) or len(head) < size or size == LONGEST_HEADER

    # ------------------------------------------------------------------ the whole file

    def survey(self, names: Sequence[str]) -> Iterator[CsvRows]:
        """All rows, nothing counted; afterwards ask `survey_again`."""
        self._inspect = True
        damaged = False
        for rows in self.scan(names):
            scanned = rows.scanned
            damaged |= any(reject.reason in ("bad_char", "bad_utf8") for reject in scanned.rejects)
            damaged |= bool(len(scanned.flags) and scanned.flags.any())
            yield rows
        self._inspect = damaged or bool(self._statistics["broken_runs"])

    def survey_again(self) -> bool:
        """Whether the file has just turned out to be in another encoding, so that a survey of it must start afresh."""
        broken = bool(self._statistics["broken_runs"]) or self._header_broken
        if self._settled or not broken or not self._is_cp1252():
            return False
        self._settled, self.encoding = True, "cp1252"
        self._note_encoding()
        self._map_header()
        return True

    def _is_cp1252(self) -> bool:
        found = self._statistics
        if self._reject_damage:
            return found["broken_records"] + self._header_broken >= found["clean_records"]
        return not found["clean_runs"]

    def _note_encoding(self) -> None:
        if self.encoding == "cp1252":
            self.tally.notices.append("not UTF-8: read as Windows-1252")

    # ------------------------------------------------------------------ rows

    def scan(self, names: Sequence[str], unknown: Sequence[str] = ()) -> Iterator[CsvRows]:
        """Rows of the body window by window, nothing counted.

        Args:
            names: columns to read; those that the file lacks are left out.
            unknown: delivered names of unknown columns to read.
        """
        if self.empty:
            return
        found = [name for name in names if name in self.header.positions]
        wanted = [*(self.header.positions[name] for name in found), *(self.header.unknown[name] for name in unknown)]
        line, start = self._body
        scanner = scan.CsvScanner(
            len(self.header.names), wanted, delimiter=self.delimiter, inspect=self._inspect,
            reject_damage=self._reject_damage, line=line, offset=start + self._skip,
        )  # fmt: skip
        stream = open_utf8(self.path, self.compression, self.encoding, self._skip)
        windows = Windows(stream)
        try:
            skipped = 0
            for window in windows:
                body = window[max(0, start - skipped) :] if skipped < start else window
                head = len(window) - len(body)
                if windows.broken:
                    # Half a number is still a number: the line that the damage cuts is no row.
                    whole = 1 + max(bytes(body).rfind(b"\n"), bytes(body).rfind(b"\r"))
                    self._cut = bytes(body[whole:])
                    body = body[:whole]
                used = scanner.feed(body, final=windows.final)
                windows.used(head + used)
                skipped += head + used
                scanned = scanner.take()
                yield CsvRows(
                    dict(zip(found, scanned.columns[: len(found)], strict=True)),
                    dict(zip(unknown, scanned.columns[len(found) :], strict=True)),
                    scanned, window, windows.offset + self._skip,
                )  # fmt: skip
        finally:
            stream.close()
        self._statistics = scanner.statistics
        self.end = scanner.position
        self.broken = windows.broken

    def rows(self, names: Sequence[str], unknown: Sequence[str] = ()) -> Iterator[CsvRows]:
        """As `scan`, with everything counted: rows, rejects and repairs of whole records, an early end."""
        for rows in self.scan(names, unknown):
            self._count(rows)
            yield rows
        if self.broken:
            self.tally.rows_in += 1
            self.tally.notices.append(
                f"the compressed file ends early ({self.broken}); the rows before the damage were read"
            )
            self.tally.reject(
                "truncated_stream", f"the compressed file ends early ({self.broken}); fetch it again",
                line=self.end[0], offset=self.end[1], length=len(self._cut), record=None,
                excerpt=excerpt(self._cut, 0, len(self._cut)),
            )  # fmt: skip

    def _count(self, rows: CsvRows) -> None:
        scanned = rows.scanned
        self.tally.rows_in += len(rows) + len(scanned.rejects)
        if len(scanned.flags) and scanned.flags.any():
            self.tally.repair("record", "nul", int((scanned.flags & scan.NUL != 0).sum()))
            self.tally.repair("record", "invalid_utf8", int((scanned.flags & scan.BAD_UTF8 != 0).sum()))
        for reject in scanned.rejects:
            detail = _DETAILS[reject.reason]
            if reject.reason in ("missing_columns", "extra_columns"):
                detail = f"{reject.found} fields, the header has {len(self.header.names)}"
            self.tally.reject(
                reject.reason, detail, line=reject.line, offset=reject.offset, length=reject.length,
                record=reject.record, excerpt=rows.excerpt(reject.offset, reject.length),
            )  # fmt: skip

    def reject(self, rows: CsvRows, k: int, reason: str, detail: str | None, day: int | None = None) -> None:
        """The k-th of these rows cannot be used; `day`: days since 1970 of its event, where that is readable."""
        start, length = int(rows.scanned.start[k]), int(rows.scanned.length[k])
        self.tally.reject(
            reason, detail, line=int(rows.scanned.line[k]), offset=start, length=length,
            record=int(rows.scanned.row[k]), excerpt=rows.excerpt(start, length), day=day,
        )  # fmt: skip

    @property
    def facts(self) -> dict[str, object]:
        """What a manifest says of the file."""
        return {
            "encoding": self.encoding,
            "compression": self.compression,
            "dialect": {"delimiter": self.delimiter, "quote": '"'},
            "columns": list(self.header.names),
            "columns_unknown": list(self.header.unknown),
        }


def _first_record(text: str, delimiter: str) -> tuple[list[str], int]:
    """(fields, characters with the line end) of the first record."""
    lines = io.StringIO(text, newline="")
    try:
        names = next(csv.reader(lines, delimiter=delimiter))
    except (csv.Error, StopIteration):
        line = text.splitlines(keepends=True)[0]
        return line.rstrip("\r\n").split(delimiter), len(line)
    return names, lines.tell()
