"""k-means of sparse rows: nearest centres, sums of members, rows that may become centres. The checking face.

Here: checks; every call passes the level of vector instructions (`sm_assets.kernels.isa`) down, and all levels give
the same bits. Not here: starts and rounds (`sm_assets.analysis.sparse_kmeans`).

Products run over the words of a row in their order, sums over members in the order of the rows, one at a time: so does
scikit-learn on one thread, and the bits are its bits.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _sparse_kmeans
from sm_assets.kernels.isa import level
from sm_assets.kernels.sparse_rows import SparseRows

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int32]

# Centres are looked at so many at a time.
_BLOCK: Final = 16


def nearest_centres(rows: SparseRows, centres: Floats) -> Labels:
    """int32[n]: the nearest centre of each row, ties to the lower number.

    Args:
        rows: n of them.
        centres: float64[k, d], finite, at least one.

    Raises:
        KernelError: centres that do not fit to the rows or are not finite.
    """
    _check_centres(rows, centres)
    k = len(centres)
    width = -(-k // _BLOCK) * _BLOCK
    turned, squared = np.zeros((rows.d, width)), np.full(width, np.inf)
    turned[:, :k], squared[:k] = centres.T, _squared(centres)
    found = np.zeros(rows.n, np.int32)
    _sparse_kmeans.nearest(rows.row_ptr, rows.word, rows.value, turned, squared, found, level())
    return found


def member_sums(rows: SparseRows, weight: Floats, labels: Labels, k: int) -> tuple[Floats, Floats]:
    """(float64[k, d], float64[k]): sums of the members of each cluster by weight, and of the weights.

    Args:
        rows: n of them.
        weight: float64[n].
        labels: int32[n], 0..k-1.
        k: clusters.

    Raises:
        KernelError: arrays that do not fit together.
    """
    _check_labels(rows, labels, k)
    if len(weight) != rows.n:
        raise KernelError(f"one weight per row; found {len(weight)} for {rows.n} rows.")
    sums, mass = np.zeros((k, rows.d)), np.zeros(k)
    _sparse_kmeans.add_members(rows.row_ptr, rows.word, rows.value, weight, labels, sums, mass)
    return sums, mass


def squared_to_own(rows: SparseRows, labels: Labels, centres: Floats) -> Floats:
    """float64[n]: the squared distance of each row to the centre of its cluster.

    Args:
        rows: n of them.
        labels: int32[n], 0..k-1.
        centres: float64[k, d], finite.

    Raises:
        KernelError: arrays that do not fit together.
    """
    _check_centres(rows, centres)
    _check_labels(rows, labels, len(centres))
    found = np.zeros(rows.n)
    _sparse_kmeans.to_own(
        rows.row_ptr, rows.word, rows.value, labels, np.ascontiguousarray(centres), _squared(centres), found
    )
    return found


def drawn_rows(weight: Floats, closest: Floats, drawn: Floats) -> npt.NDArray[np.int64]:
    """int64[m]: of each number the first row up to which weights times distances add up to it, else the last row.

    Args:
        weight: float64[n], n > 0.
        closest: float64[n].
        drawn: float64[m], numbers from 0 to the sum of all.

    Raises:
        KernelError: unlike lengths, or no row.
    """
    if not len(weight) or len(closest) != len(weight):
        raise KernelError(f"one distance per weight, at least one; found {len(closest)} for {len(weight)} weights.")
    found = np.zeros(len(drawn), np.int64)
    if len(drawn):
        _sparse_kmeans.draw(weight, closest, drawn, found)
    return found


def closer_of(rows: SparseRows, closest: Floats, asked: npt.NDArray[np.int64]) -> Floats:
    """float64[m, n]: of every row the smaller of `closest` and its squared distance to each of the rows asked for.

    Args:
        rows: n of them.
        closest: float64[n].
        asked: int64[m], numbers of rows.

    Raises:
        KernelError: arrays that do not fit together, no such row.
    """
    if len(closest) != rows.n:
        raise KernelError(f"one distance per row; found {len(closest)} for {rows.n} rows.")
    if len(asked) and (asked.min() < 0 or asked.max() >= rows.n):
        raise KernelError(f"rows must lie in 0..{rows.n - 1}; found {asked.min()}..{asked.max()}.")
    found = np.empty((len(asked), rows.n))
    if found.size:
        _sparse_kmeans.to_rows(*rows[:6], rows.lengths, closest, asked, found, level())
    return found


def _squared(centres: Floats) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", centres, centres))


def _check_centres(rows: SparseRows, centres: Floats) -> None:
    if centres.ndim != 2 or not len(centres) or centres.shape[1] != rows.d or not np.isfinite(centres).all():
        raise KernelError(f"centres must be finite, at least one, of {rows.d} columns; found shape {centres.shape}.")


def _check_labels(rows: SparseRows, labels: npt.NDArray[Any], k: int) -> None:
    if len(labels) != rows.n or (rows.n and (labels.min() < 0 or labels.max() >= k)):
        raise KernelError(f"a labelling has {rows.n} numbers in 0..{k - 1}; found {len(labels)}, or others.")
