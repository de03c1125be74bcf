"""Byte streams of damaged compressed files: all that can be read, then why no more, and nothing left behind."""

from __future__ import annotations

import gc
import gzip
import random
import weakref
from pathlib import Path

import pytest

from sm_assets.sources.bytestream import Windows, open_bytes

PLAIN = random.Random(1).randbytes(200_000)
WHOLE = gzip.compress(PLAIN, mtime=0)
DAMAGED = {
    "cut": (WHOLE[:-3000], "the last member is cut"),
    "flipped": (WHOLE[:150_000] + bytes(1000) + WHOLE[151_000:], "Error -3"),
    "followed by something else": (WHOLE + b"\n\n", "Error -3"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_gzip_file_gives_what_it_has_and_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    data, why = DAMAGED[name]
    path = tmp_path / "x.gz"
    path.write_bytes(data)
    gc.disable()
    try:
        stream = open_bytes(path, "gzip")
        windows = Windows(stream, 1 << 12)
        found = b""
        for window in windows:
            found += bytes(window)
            windows.used(len(window))
            window.release()
        assert why in str(windows.broken)
        assert len(found) > 100_000
        assert PLAIN.startswith(found[:100_000])
        stream.close()
        # A window may hold a record of 64 MiB: it must not wait for the collector of cycles.
        left = weakref.ref(windows)
        del windows, stream, window
        assert left() is None
    finally:
        gc.enable()
