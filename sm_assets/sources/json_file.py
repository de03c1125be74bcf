"""JSON files of any source: opened, brought to UTF-8, cut into records.

Here: windows through the JSON kernel, damage and cut streams as rejects. Not here: what a record means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sm_assets.kernels.json_lines import BAD_UTF8, LONE_SURROGATE, NUL, JsonScanner, ScannedJson
from sm_assets.sources.bytestream import Windows, bom_of, compression_of, encoding_of, open_bytes, open_utf8
from sm_assets.sources.reading import Tally, excerpt

# Each window costs some two hundred calls over whole columns.
WINDOW = 16 * 2**20
_DETAILS = {
    "malformed_json": "the line is not JSON throughout",
    "not_an_object": "a JSON value that is no object",
    "truncated_record": "the file ends inside this record",
    "oversize_record": "one record of more than 64 MiB",
}


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one window. `window` is valid until the next is asked for."""

    scanned: ScannedJson
    window: memoryview
    window_offset: int

    def __len__(self) -> int:
        return len(self.scanned.row)

    def record(self, k: int) -> memoryview:
        """The bytes of one record."""
        start = int(self.scanned.start[k]) - self.window_offset
        return self.window[start : start + int(self.scanned.length[k])]

    def excerpt(self, k: int) -> str:
        """The first bytes of one record, readable."""
        return excerpt(self.record(k), 0, int(self.scanned.length[k]))


class JsonFile:
    """One JSON file.

    Attributes:
        compression, encoding: as found.
        skip: bytes of the byte order mark.
    """

    def __init__(self, path: Path, tally: Tally, encoding: str | None = None) -> None:
        """Look at the file's first bytes.

        Args:
            path: where it lies.
            tally: counts rejects and repairs of whole records. `rows_in` grows by the rejects; accepted records are
                counted by the caller, who knows what they contain.
            encoding: as the user states it.

        Raises:
            InputError: the file cannot be opened or is an archive.
        """
        self.path = path
        self.compression = compression_of(path)
        self._tally = tally
        stream = open_bytes(path, self.compression)
        try:
            head = bytes(next(iter(Windows(stream, 16)), b""))
        finally:
            stream.close()
        marked, self.skip = bom_of(head)
        self.encoding = encoding or marked or encoding_of(path, self.compression)

    def records(self, paths: Sequence[str | tuple[str, ...]]) -> Iterator[Records]:
        """All records, window by window; `paths` as in `kernels.json_lines.JsonScanner`."""
        scanner = JsonScanner(paths, offset=self.skip)
        stream = open_utf8(self.path, self.compression, self.encoding, self.skip)
        windows = Windows(stream, WINDOW)
        try:
            for window in windows:
                used = scanner.feed(window, final=windows.final)
                windows.used(used)
                scanned = scanner.take()
                offset = windows.offset + self.skip
                self._count(scanned, window, offset)
                yield Records(scanned, window, offset)
        finally:
            stream.close()
        if windows.broken:
            line, end = scanner.position
            self._tally.rows_in += 1
            self._tally.notices.append(
                f"the compressed file ends early ({windows.broken}); the records before the damage were read"
            )
            self._tally.reject(
                "truncated_stream",
                f"the compressed file ends early ({windows.broken}); fetch it again",
                line=line,
                offset=end,
                length=0,
                record=None,
                excerpt="",
            )

    def _count(self, scanned: ScannedJson, window: memoryview, offset: int) -> None:
        for flag, reason in ((NUL, "nul"), (BAD_UTF8, "invalid_utf8"), (LONE_SURROGATE, "lone_surrogate")):
            self._tally.repair("record", reason, int((scanned.flags & flag != 0).sum()))
        for reject in scanned.rejects:
            self._tally.rows_in += 1
            self._tally.reject(
                reject.reason,
                _DETAILS[reject.reason],
                line=reject.line,
                offset=reject.offset,
                length=reject.length,
                record=reject.record,
                excerpt=_excerpt(window, reject.offset - offset, reject.length),
            )


def _excerpt(window: memoryview, start: int, length: int) -> str:
    """What is left of a rejected piece that may have begun in an earlier window."""
    return excerpt(window, max(start, 0), max(length + min(start, 0), 0))
