"""CrowdTangle exports of Facebook pages: CSV files to raw rows and rejects.

Here: how one file is recognised, surveyed and read, row by row, with every decision that can reject a row or repair
a field. Not here: where files lie, conversion (`convert`), what rows mean together (sql/).

A file is read twice: a survey settles what only the whole file can tell (encoding, thousands mark, zones, last
event), then the rows are streamed. Memory is bounded by the window and the largest record.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import InputError, SmAssetsError, UnknownVintage
from sm_assets.kernels import fields, scan
from sm_assets.sources.bytestream import Windows, bom_of, compression_of, open_bytes, open_utf8
from sm_assets.sources.crowdtangle_columns import COUNT_COLUMNS, PARTS, RAW_COLUMNS, Header
from sm_assets.sources.crowdtangle_records import RECORD_SCHEMA, REJECT_SCHEMA, Chunk, RawChunk, ReadOptions
from sm_assets.sources.crowdtangle_survey import Survey
from sm_assets.sources.zones import ZoneRules, check_zone, to_utc

HEADER_BYTES = 1 << 16
LONGEST_HEADER = 1 << 24
_FILE_NAME = re.compile(r"(\d{4})-(\d{2})-(\d{2})-(\d{2})-(\d{2})-(\d{2})-([A-Z]{1,5})-.*csv", re.IGNORECASE)


def exported_at_of(path: Path) -> tuple[datetime | None, str | None]:
    """(time, zone) in a file name like 2021-07-05-22-49-20-BRT-search-csv-export.csv; (None, None) if it has none."""
    match = _FILE_NAME.search(path.name)
    if match is None:
        return None, None
    zone = match.group(7).upper()
    try:
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        micros = int(to_utc(np.array([local.timestamp() * 1e6], dtype=np.int64), check_zone(zone))[0])
        return datetime.fromtimestamp(micros / 1e6, tz=UTC), zone
    except (ValueError, OverflowError, SmAssetsError):
        return None, None


class PostReader:
    """One export file: known facts at once, rows by iteration.

    Attributes:
        path, options: as given.
        header: the columns.
        vintage: name of the vintage (`unnamed` under the command's policy if none fits).
        manifest: facts and counts; the counts are complete once the rows were iterated.
        broken: why a compressed file ended early, None if it did not; known once the rows were iterated.

    Raises:
        InputError: the file cannot be read at all, has no header, or (policy `tables`) no known vintage.
    """

    def __init__(self, path: Path, options: ReadOptions | None = None) -> None:
        self.path = Path(path)
        self.options = options or ReadOptions()
        if self.options.zone:
            check_zone(self.options.zone)
        self._compression = compression_of(self.path)
        self._notices: list[str] = []
        self.empty = False
        self._header_broken = False
        self._open_header()
        named_at, named_zone = exported_at_of(self.path)
        self.exported_at = self.options.exported_at or named_at
        self._exported_origin = "stated" if self.options.exported_at else "file_name" if named_at else None
        self._counts: dict[str, Counter[str]] = {"rejected": Counter(), "ignored": Counter(), "repairs": Counter()}
        self._rows_in = self._rows_out = 0
        self._days: Counter[int] = Counter()
        self.last_event_us: int | None = None
        self._group: str | None = self.options.number_format
        self._zone_rules = ZoneRules(self.options.zone, named_zone, lenient=self.options.policy == "command",
                                     default=self.options.default_zone)  # fmt: skip
        self._zones_used: Counter[str] = Counter()
        self._zone_assumed = False
        self._inspect = False
        self.broken: str | None = None
        self._end = (0, 0)
        if not self.empty:
            self._survey()

    # ------------------------------------------------------------------ opening

    def _open_header(self) -> None:
        marked, self._skip = bom_of(self._head_of(open_bytes(self.path, self._compression), 16))
        self._encoding = self.options.encoding or marked or "utf-8"
        self._map_header()
        if self.empty:
            return
        try:
            self.vintage = self.header.vintage(self.path)
        except UnknownVintage:
            if self.options.policy == "tables":
                raise
            self.vintage = "unnamed"

    def _head_of(self, stream: IO[bytes], size: int) -> bytes:
        windows = Windows(stream, size)
        try:
            head = bytes(next(iter(windows), b""))
        finally:
            stream.close()
        if windows.broken and not head:
            raise InputError(f"{self.path}: cannot be decompressed ({windows.broken}); fetch the file again.")
        return head

    def _read_header(self, size: int) -> bool:
        """Header and where rows begin, from the first `size` bytes; false where the header may go on behind them."""
        head = self._head_of(open_utf8(self.path, self._compression, self._encoding, self._skip), size)
        if head[:64].count(0) > 16:
            raise InputError(
                f"{self.path}: looks like UTF-16 or UTF-32 without a byte order mark; save it as UTF-8 and try again."
            )
        # What is not UTF-8 survives the round trip, so that lengths are those of the file.
        text = head.decode("utf-8", "surrogateescape")
        stripped = text.lstrip("\r\n")
        self.empty = not stripped.strip()
        if self.empty:
            self.header, self.vintage, self.delimiter, self._body = Header((), {}, {}), "empty", ",", (1, 0)
            return True
        best: tuple[int, Header, str, int] | None = None
        for delimiter in ",;\t":
            names, length = _first_record(stripped, delimiter)
            readable = [name.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for name in names]
            header = Header.of(readable, self.options.columns)
            if best is None or len(header.positions) > best[0]:
                best = (len(header.positions), header, delimiter, length)
        assert best is not None
        _, self.header, self.delimiter, length = best
        consumed = text[: len(text) - len(stripped) + length]
        self._header_broken = any("\udc80" <= char <= "\udcff" for char in consumed)
        self._body = (1 + consumed.count("\n") or 1, len(consumed.encode("utf-8", "surrogateescape")))
        return length < len(stripped) or len(head) < size or size == LONGEST_HEADER

    def _scan(self, wanted: list[int], *, inspect: bool) -> Iterator[tuple[scan.Scanned, memoryview, int]]:
        """Scanned windows of the body with their bytes and offset."""
        line, start = self._body
        scanner = scan.CsvScanner(
            len(self.header.names), wanted, delimiter=self.delimiter, inspect=inspect,
            reject_damage=self.options.policy == "command", line=line, offset=start + self._skip,
        )  # fmt: skip
        stream = open_utf8(self.path, self._compression, self._encoding, self._skip)
        windows = Windows(stream)
        try:
            skipped = 0
            for window in windows:
                body = window[max(0, start - skipped) :] if skipped < start else window
                head = len(window) - len(body)
                used = scanner.feed(body, final=windows.final)
                windows.used(head + used)
                skipped += head + used
                yield scanner.take(), window, windows.offset + self._skip
        finally:
            stream.close()
        self._statistics = scanner.statistics
        self._end = scanner.position
        self.broken = windows.broken

    # ------------------------------------------------------------------ survey

    def _survey(self) -> None:
        """One pass for what only the whole file tells: encoding, thousands mark, zones, last event."""
        names = [name for name in (*COUNT_COLUMNS, "post_created") if name in self.header.positions]
        if self.options.wanted is not None:
            keep = {*self.options.wanted, *PARTS}
            names = [name for name in names if name in keep]
        for _ in range(2):
            seen = Survey()
            for scanned, _window, _offset in self._scan([self.header.positions[name] for name in names], inspect=True):
                seen.add(dict(zip(names, scanned.columns, strict=True)), scanned)
            statistics = self._statistics
            damaged = bool(statistics["broken_runs"]) or self._header_broken
            if self._encoding != "utf-8" or self.options.encoding or not damaged or not self._is_cp1252(statistics):
                break
            self._encoding = "cp1252"
            self._notices.append("not UTF-8: read as Windows-1252")
            self._map_header()
        self._inspect = bool(statistics["broken_runs"]) or seen.damaged
        self._group, self.totals = seen.number_format(self._group)
        if self.totals["rows"] and self.totals["off"] > 0.05 * self.totals["rows"]:
            self._notices.append(
                f"totals_disagree: in {self.totals['off']:,} of {self.totals['rows']:,} rows "
                "Total Interactions is not the sum of its parts"
            )
        self._zone_rules = ZoneRules(
            self._zone_rules.stated,
            self._zone_rules.hint,
            frozenset(zone.upper() for zone in seen.zones),
            self._zone_rules.lenient,
            self._zone_rules.default,
        )

    def _is_cp1252(self, statistics: dict[str, int]) -> bool:
        if self.options.policy == "command":
            return statistics["broken_records"] + self._header_broken >= statistics["clean_records"]
        return not statistics["clean_runs"]

    def _map_header(self) -> None:
        """Read the header in the encoding known so far: another has other bytes, and its rows begin elsewhere."""
        if not self._read_header(HEADER_BYTES):
            self._read_header(LONGEST_HEADER)

    # ------------------------------------------------------------------ rows

    def raw_chunks(self) -> Iterator[RawChunk]:
        """Windows of rows as delivered; NUL and ill-formed UTF-8 are repaired (tables) or rejected (command)."""
        if self.empty:
            return
        names = [
            n
            for n in RAW_COLUMNS
            if n in self.header.positions and (self.options.wanted is None or n in self.options.wanted)
        ]
        unknown = list(self.header.unknown) if self.options.wanted is None else []
        wanted = [self.header.positions[name] for name in names] + [self.header.unknown[name] for name in unknown]
        for scanned, window, offset in self._scan(wanted, inspect=self._inspect):
            self._rows_in += len(scanned.row) + len(scanned.rejects)
            for reject in scanned.rejects:
                self._counts["rejected"][reject.reason] += 1
            if len(scanned.flags) and scanned.flags.any():
                self._counts["repairs"]["record/nul"] += int((scanned.flags & scan.NUL != 0).sum())
                self._counts["repairs"]["record/invalid_utf8"] += int((scanned.flags & scan.BAD_UTF8 != 0).sum())
            texts = scanned.columns
            yield RawChunk(
                dict(zip(names, texts[: len(names)], strict=True)),
                dict(zip(unknown, texts[len(names) :], strict=True)),
                scanned, window, offset,
            )  # fmt: skip
        if self.broken:
            self._rows_in += 1
            self._counts["rejected"]["truncated_stream"] += 1
            self._notices.append(
                f"the compressed file ends early ({self.broken}); the rows before the damage were read"
            )

    def parse_counts(self, texts: pa.Array) -> fields.Counts:
        """Whole numbers with the file's thousands mark."""
        return fields.parse_counts(texts, group=self._group)

    def parse_times(
        self, texts: pa.Array
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], list[str], npt.NDArray[np.int32]]:
        """Times of posts in UTC.

        Returns:
            int64[n] microseconds; uint8[n] code (0 fine, 1 assumed zone, 2 no time, 3 unreadable, 4 zone unknown);
            zones used; int32[n] index of the zone used or -1.
        """
        parsed = fields.parse_times(texts)
        micros = parsed.local.copy()
        code = np.zeros(len(micros), dtype=np.uint8)
        code[parsed.zone == fields.NO_TIME] = 2
        code[parsed.zone == fields.UNREADABLE] = 3
        used: list[str] = []
        index = np.full(len(micros), -1, dtype=np.int32)
        for number, text in [*enumerate(parsed.zones), (fields.NO_ZONE, "")]:
            rows = np.flatnonzero(parsed.zone == number)
            if not len(rows):
                continue
            zone, assumed = self._zone_rules.reading(text)
            if zone is None:
                code[rows] = 4
                continue
            micros[rows] = to_utc(parsed.local[rows], zone)
            code[rows] = 1 if assumed else 0
            index[rows] = len(used)
            used.append(zone)
            self._zones_used[zone] += len(rows)
            self._zone_assumed |= assumed
        return micros, code, used, index

    def __iter__(self) -> Iterator[Chunk]:
        from sm_assets.sources.crowdtangle_rows import resolve

        for chunk in self.raw_chunks():
            records, rejects = resolve(self, chunk)
            self._rows_out += len(records)
            yield Chunk(records, rejects)
        if self.broken:
            cut = {"line": self._end[0], "byte_offset": self._end[1], "byte_length": 0, "reason": "truncated_stream"}
            cut["detail"] = f"the compressed file ends early ({self.broken}); fetch it again"
            yield Chunk(pa.RecordBatch.from_pylist([], RECORD_SCHEMA), pa.RecordBatch.from_pylist([cut], REJECT_SCHEMA))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing stays open between iterations."""

    @property
    def end(self) -> tuple[int, int]:
        """(line, byte offset) where reading ended."""
        return self._end

    @property
    def notices(self) -> list[str]:
        """Sentences about the file as a whole."""
        return list(self._notices)

    @property
    def manifest(self) -> dict[str, Any]:
        """Facts about the file and the counts so far; JSON-ready."""
        stated = self._zone_rules.stated
        return {
            "vintage": self.vintage,
            "encoding": self._encoding,
            "compression": self._compression,
            "dialect": {"delimiter": self.delimiter, "quote": '"'},
            "zone": ", ".join(sorted(self._zones_used)) or None,
            "zone_origin": "assumed" if self._zone_assumed else "stated" if stated else "record",
            "number_format": self._group,
            "exported_at": self.exported_at.isoformat() if self.exported_at else None,
            "exported_at_origin": self._exported_origin,
            "last_event_at": None
            if self.last_event_us is None
            else datetime.fromtimestamp(self.last_event_us / 1e6, tz=UTC).isoformat(),
            "columns": list(self.header.names),
            "columns_missing": [] if self.empty else self.header.missing,
            "columns_unknown": list(self.header.unknown),
            "rows_in": self._rows_in,
            "rows_out": self._rows_out,
            "rejected": dict(sorted(self._counts["rejected"].items())),
            "ignored": dict(sorted(self._counts["ignored"].items())),
            "repairs": dict(sorted((k, v) for k, v in self._counts["repairs"].items() if v)),
            "notices": self.notices,
        }

    def count(self, kind: str, reason: str, n: int = 1) -> None:
        """Add n to a counter of the manifest: kind is rejected, ignored or repairs."""
        if n:
            self._counts[kind][reason] += int(n)


def read_posts(path: Path, options: ReadOptions | None = None) -> PostReader:
    """Open one export; see `PostReader`."""
    return PostReader(path, options)


def _first_record(text: str, delimiter: str) -> tuple[list[str], int]:
    """(fields, characters with the line end) of the first record."""
    lines = io.StringIO(text, newline="")
    try:
        names = next(csv.reader(lines, delimiter=delimiter))
    except (csv.Error, StopIteration):
        line = text.splitlines(keepends=True)[0]
        return line.rstrip("\r\n").split(delimiter), len(line)
    return names, lines.tell()
