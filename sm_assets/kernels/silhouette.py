"""Sums of distances per label, for many labellings at once: the checking face.

Here: checks; every call passes the level of vector instructions (`sm_assets.kernels.isa`) down, and all levels give
the same bits. Not here: distances, silhouettes (`sm_assets.analysis.silhouette`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _silhouette
from sm_assets.kernels.isa import level


def add_columns(
    distance: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    bins: npt.NDArray[np.int32],
    first: int,
    sums: npt.NDArray[np.float64],
) -> None:
    """Add to `sums[bins[c, first + j], i]` the distance [j, i] times weight [first + j], for every labelling c.

    Args:
        distance: float64[m, b], of the columns first..first + m - 1 to b rows.
        weight: float64[n], of all columns.
        bins: int32[c, n], of every labelling the row of `sums` that a column adds to.
        first: the first column.
        sums: float64[s, b]; changed.

    Raises:
        KernelError: arrays that do not fit together, a bin outside of `sums`.
    """
    m, rows = distance.shape
    n = len(weight)
    if bins.shape[1] != n or sums.shape[1] != rows or not 0 <= first <= n - m:
        raise KernelError(
            f"{m} columns from {first} on and {rows} rows do not fit to {n} weights, bins {bins.shape} and sums "
            f"{sums.shape}."
        )
    part = bins[:, first : first + m]
    if part.size and (part.min() < 0 or part.max() >= len(sums)):
        raise KernelError(f"bins must lie in 0..{len(sums) - 1}; found {part.min()}..{part.max()}.")
    if distance.size and len(bins):
        _silhouette.add_columns(distance, weight, bins, first, sums, level())
