"""Repairs of single cells: counted by column and reason, and noted on the rows they happened to.

Here: `Warnings`. Not here: which cells are repaired.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.sources.reading import Tally


class Warnings:
    """The repairs in one batch of rows; `lists` is its column `warnings`."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._noted: dict[int, list[str]] = {}

    def repair(self, column: str, reason: str, rows: npt.NDArray[np.int64]) -> None:
        """The cells of `column` in these rows were mended or became null."""
        self._tally.repair(column, reason, len(rows))
        for row in rows.tolist():
            self._noted.setdefault(row, []).append(f"{column}:{reason}")

    def lists(self, n: int) -> pa.Array:
        """list<text>[n], `column:reason`."""
        if not self._noted:
            return pa.ListArray.from_arrays(np.zeros(n + 1, dtype=np.int32), pa.array([], pa.string()))
        return pa.array([self._noted.get(row, []) for row in range(n)], pa.list_(pa.string()))
