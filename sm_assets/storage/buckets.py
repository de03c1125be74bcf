"""Records that wait on disk, apart by range, until their range is sorted.

Here: appending and reading back. Not here: what the ranges are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class Buckets:
    """Records of some numpy type in numbered buckets; a single bucket stays in memory.

    Args:
        folder: private to the caller; each bucket that gets records is a file in it.
        n: buckets.
        kind: type of the records.
    """

    def __init__(self, folder: Path, n: int, kind: np.dtype[Any]) -> None:
        self._folder, self._n, self._kind = folder, n, kind
        self._held: list[npt.NDArray[Any]] = []

    def add(self, records: npt.NDArray[Any], places: npt.NDArray[np.int64] | None = None) -> None:
        """Append records; `places`, int64[n], are their buckets (None: all in the first)."""
        if self._n <= 1 or places is None:
            self._held.append(records)
            return
        order = np.argsort(places.astype(np.uint16 if self._n <= 2**16 else np.int64), kind="stable")
        records, counts = records[order], np.bincount(places, minlength=self._n)
        ends = np.cumsum(counts)
        # Opened anew each time: a system lends few files at once, and there may be thousands of buckets.
        for bucket in np.flatnonzero(counts).tolist():
            with self._path(bucket).open("ab") as sink:
                records[ends[bucket] - counts[bucket] : ends[bucket]].tofile(sink)

    def take(self, bucket: int) -> npt.NDArray[Any]:
        """All records of a bucket in the order they came; afterwards they are gone."""
        if self._n <= 1:
            held, self._held = self._held, []
            return np.concatenate(held) if held else np.empty(0, dtype=self._kind)
        path = self._path(bucket)
        if not path.exists():
            return np.empty(0, dtype=self._kind)
        found = np.fromfile(path, dtype=self._kind)
        path.unlink()
        return found

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{bucket}.records"
