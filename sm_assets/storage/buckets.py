"""Rows of numbers that wait on disk, apart by range, until their range is sorted.

Here: appending and reading back. Not here: what the ranges are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class Buckets:
    """Columns of numbers in numbered buckets; a single bucket stays in memory.

    Args:
        folder: private to the caller; each column of a bucket is a file in it.
        n: buckets.
        kinds: types of the columns.
    """

    def __init__(self, folder: Path, n: int, kinds: Sequence[np.dtype[Any]]) -> None:
        self._folder, self._n, self._kinds = folder, n, tuple(kinds)
        self._held: list[list[npt.NDArray[Any]]] = [[np.empty(0, dtype=kind)] for kind in kinds]

    def add(self, columns: Sequence[npt.NDArray[Any]], places: npt.NDArray[np.unsignedinteger[Any]]) -> None:
        """Append rows; `places`[n] are their buckets."""
        if self._n <= 1:
            for held, column in zip(self._held, columns, strict=True):
                held.append(column)
            return
        order = np.argsort(places.astype(np.uint16) if self._n <= 2**16 else places, kind="stable")
        counts = np.bincount(places, minlength=self._n)
        ends = np.cumsum(counts)
        for number, column in enumerate(columns):
            sorted_column = column[order]
            # Opened anew each time: a system lends few files at once, and there may be thousands of buckets.
            for bucket in np.flatnonzero(counts).tolist():
                with self._path(bucket, number).open("ab") as sink:
                    sorted_column[ends[bucket] - counts[bucket] : ends[bucket]].tofile(sink)

    def take(self, bucket: int) -> list[npt.NDArray[Any]]:
        """The columns of a bucket in the order they came; afterwards they are gone."""
        if self._n <= 1:
            found = [np.concatenate(held) for held in self._held]
            self._held = [[column[:0]] for column in found]
            return found
        return [self._read(self._path(bucket, number), kind) for number, kind in enumerate(self._kinds)]

    @staticmethod
    def _read(path: Path, kind: np.dtype[Any]) -> npt.NDArray[Any]:
        if not path.exists():
            return np.empty(0, dtype=kind)
        found = np.fromfile(path, dtype=kind)
        path.unlink()
        return found

    def _path(self, bucket: int, column: int) -> Path:
        return self._folder / f"{bucket}-{column}"
