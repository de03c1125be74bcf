"""Sums of distances per label, for many labellings at once: the checking face.

Here: checks; calls pass the level of vector instructions (`sm_assets.kernels.isa`) down where there is a choice, and
all levels give the same bits. Not here: distances, silhouettes (`sm_assets.analysis.silhouette`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _silhouette
from sm_assets.kernels.isa import level
from sm_assets.kernels.sparse_rows import SparseRows


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


def add_near(
    rows: SparseRows,
    group: npt.NDArray[np.int32],
    weight: npt.NDArray[np.float64],
    bins: npt.NDArray[np.int32],
    first: int,
    base: npt.NDArray[np.float64],
    sums: npt.NDArray[np.float64],
    *,
    cosine: bool,
) -> None:
    """Correct sums of distances that were made as if no two rows had a word in common.

    Adds to `sums[i, bins[y, c]]`, for every labelling c and every row y that shares a word with row first + i, weight
    [y] times what their distance is more than `base[i, group[y]]`. A row is at distance 0 from itself.

    Args:
        rows: n of them; for cosine of length 1.
        group: int32[n], columns of `base`.
        weight: float64[n].
        bins: int32[n, c], of every labelling the column of `sums` that a row adds to.
        first: the first of the rows that `sums` is of.
        base: float64[b, g], the distance of each of these rows to one of a group with which it shares no word.
        sums: float64[b, s]; changed.
        cosine: the distance is 1 - product, otherwise Euclidean.

    Raises:
        KernelError: arrays that do not fit together, a group or bin outside.
    """
    n, (asked, width) = rows.n, sums.shape
    if not len(group) == len(weight) == len(bins) == n or len(base) != asked or not 0 <= first <= n - asked:
        raise KernelError(
            f"{asked} rows from {first} on of {n} do not fit to {len(group)} groups, {len(weight)} weights, bins "
            f"{bins.shape} and a base {base.shape}."
        )
    for name, numbers, end in (("groups", group, base.shape[1]), ("bins", bins, width)):
        if numbers.size and (numbers.min() < 0 or numbers.max() >= end):
            raise KernelError(f"{name} must lie in 0..{end - 1}; found {numbers.min()}..{numbers.max()}.")
    if len(rows.value) and sums.size and bins.size:
        _silhouette.add_near(*rows, group, weight, bins, first, base, sums, cosine)
