"""From a path to UTF-8 bytes: compression by its magic bytes, encoding by its marks and by what the bytes prove.

Here: opening, decompressing and transcoding single files, always streaming. Not here: records of any kind.
"""

from __future__ import annotations

import codecs
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa

from sm_assets.errors import InputError, UnsupportedContainer

WINDOW = 4 * 2**20
GZIP_INPUT = 16 * 2**10  # what a damaged byte can cost: a whole call's output is lost with it
ZSTD_OUTPUT = 64 * 2**10
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def compression_of(path: Path) -> str | None:
    """`gzip`, `zstd` or None, by the first bytes.

    Raises:
        UnsupportedContainer: zip and tar archives.
        InputError: the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as problem:
        raise InputError(
            f"{path}: cannot be read ({problem.strerror}); check the path and its permissions."
        ) from problem
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return "zstd"
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06") or head[257:262] == b"ustar":
        raise UnsupportedContainer(f"{path}: is an archive (zip or tar); unpack it and give the files inside.")
    return None


def open_bytes(path: Path, compression: str | None) -> IO[bytes]:
    """The decompressed bytes; several members or frames one after another are one stream."""
    if compression == "gzip":
        return _Gunzipped(path)  # type: ignore[return-value]  # RawIOBase has all that IO[bytes] is used for
    if compression == "zstd":
        unpacked: IO[bytes] = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
        return unpacked
    return path.open("rb", buffering=0)


class _Gunzipped(io.RawIOBase):
    """The members of a gzip file as one stream. A cut file gives all that can be read before it raises.

    (The library's own reader raises with the last block still in its hands.)
    """

    def __init__(self, path: Path) -> None:
        self._raw = path.open("rb", buffering=0)
        self._member = zlib.decompressobj(wbits=31)
        self._input = b""
        # The words only: an exception that is kept keeps the frames of all who called, and their windows.
        self._problem: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # io wants a wider buffer type
        while self._problem is None:
            self._input = self._input or self._raw.read(GZIP_INPUT)
            if not self._input:
                if self._member.eof:
                    return 0
                self._problem = "the last member is cut"
                break
            if self._member.eof:
                # Zero bytes behind the last member are padding.
                self._input = self._input.lstrip(b"\0")
                if not self._input:
                    continue
                self._member = zlib.decompressobj(wbits=31)
                continue
            try:
                data = self._member.decompress(self._input, len(buffer))
            except zlib.error as problem:
                self._problem = str(problem)
                break
            self._input = self._member.unconsumed_tail or self._member.unused_data
            if data:
                buffer[: len(data)] = data
                return len(data)
        raise OSError(self._problem)

    def close(self) -> None:
        self._raw.close()
        super().close()


def bom_of(head: bytes) -> tuple[str | None, int]:
    """(encoding that a byte order mark states or None, bytes of the mark)."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding, len(mark)
    return None, 0


def refuse_unmarked_utf16(path: Path, head: bytes) -> None:
    """Look at a file's first bytes, which have no mark and no stated encoding.

    Raises:
        InputError: every other byte is zero, or nearly so: no text in any other encoding begins like that.
    """
    if head[:64].count(0) > 16:
        raise InputError(
            f"{path}: looks like UTF-16 or UTF-32 without a byte order mark; save it as UTF-8 and try again."
        )


_HIGH = re.compile(rb"[\x80-\xff]+")


def encoding_of(path: Path, compression: str | None) -> str:
    """`utf-8`, or `cp1252` where the file has bytes beyond ASCII and no run of them is valid UTF-8.

    Reads until the first valid run, so mostly one window; a file of ASCII throughout is read to its end.

    Raises:
        InputError: it is in UTF-16 without a mark, or nothing of it can be decompressed.
    """
    broken = read = False
    held = b""
    stream = open_bytes(path, compression)
    windows = Windows(stream)
    try:
        for window in windows:
            data = held + bytes(window)
            read = read or bool(data)
            if not windows.offset:
                refuse_unmarked_utf16(path, data)
            windows.used(len(window))
            held = b""
            if data.isascii():
                continue
            for run in _HIGH.finditer(data):
                if run.end() == len(data) and not windows.final and len(run.group()) < WINDOW:
                    held = run.group()  # it may go on in the next window
                    break
                try:
                    run.group().decode("utf-8")
                except UnicodeDecodeError:
                    broken = True
                else:
                    return "utf-8"
    finally:
        stream.close()
    if windows.broken and not read:
        raise InputError(f"{path}: cannot be decompressed ({windows.broken}); fetch the file again.")
    return "cp1252" if broken else "utf-8"


class _Transcoded(io.RawIOBase):
    """A byte stream of another encoding read as UTF-8; undefined bytes become U+FFFD."""

    def __init__(self, raw: IO[bytes], encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # io wants a wider buffer type
        while not self._ready and not self._ended:
            data = self._raw.read(WINDOW // 4)
            self._ended = not data
            self._ready = self._decoder.decode(data, final=not data).encode("utf-8", "replace")
        n = min(len(buffer), len(self._ready))
        buffer[:n] = self._ready[:n]
        self._ready = self._ready[n:]
        return n

    def close(self) -> None:
        self._raw.close()
        super().close()


def open_utf8(path: Path, compression: str | None, encoding: str, skip: int) -> IO[bytes]:
    """The file as UTF-8 bytes behind its byte order mark of `skip` bytes; invalid UTF-8 stays as it is."""
    raw = open_bytes(path, compression)
    if skip:
        raw.read(skip)
    if encoding == "utf-8":
        return raw
    return _Transcoded(raw, encoding)  # type: ignore[return-value]  # RawIOBase has all that IO[bytes] is used for


class Windows:
    """Windows of bytes over a stream for a scanner that uses a window's beginning and wants the rest again.

    Iterate, and say with `used` how many bytes of the window were taken. A window grows only when nothing of it
    could be used. `broken` tells why the stream ended early (a cut or damaged compressed file), None if it did not.
    """

    def __init__(self, stream: IO[bytes], size: int = WINDOW) -> None:
        self._stream = stream
        self._buffer = bytearray(size)
        self._filled = 0
        self._taken = 0
        self.final = False
        self.broken: str | None = None
        self.offset = 0

    def used(self, n: int) -> None:
        """The first n bytes of the current window are done with."""
        self._taken = n

    def __iter__(self) -> Iterator[memoryview]:
        while True:
            rest = self._filled - self._taken
            if self._taken:
                self._buffer[:rest] = self._buffer[self._taken : self._filled]
                self.offset += self._taken
            elif rest == len(self._buffer):
                self._buffer = self._buffer + bytes(len(self._buffer))  # the old one may still be looked at
            self._filled, self._taken = rest, 0
            self._fill()
            if self._filled or not self.final:
                yield memoryview(self._buffer)[: self._filled]
            if self.final:
                return

    def _fill(self) -> None:
        while self._filled < len(self._buffer) and not self.final:
            view = memoryview(self._buffer)[self._filled :]
            try:
                n = self._read(view) if isinstance(self._stream, pa.NativeFile) else self._stream.readinto(view)  # type: ignore[attr-defined]  # a raw stream
            except OSError as problem:
                self.broken, n = str(problem) or type(problem).__name__, 0
            finally:
                view.release()
            self._filled += n or 0
            self.final = not n

    def _read(self, view: memoryview) -> int:
        # Arrow's stream raises with a whole call's output in its hands: small calls lose little of a cut file.
        data = self._stream.read(min(len(view), ZSTD_OUTPUT))
        view[: len(data)] = data
        return len(data)
