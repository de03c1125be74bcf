"""k-means of weighted rows: starts that can run side by side, and the best of them.

Here: Lloyd's k-means from k-means++ starts, as scikit-learn has it. Not here: the rounds of sparse rows
(`sparse_kmeans`), bounds of sizes (`constrained_kmeans`), the number of clusters (`choice_of_k`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.sparse_kmeans import sparse_start
from sm_assets.analysis.vector_rows import Floats, Matrix, is_sparse


class Fit(NamedTuple):
    """One result.

    Attributes:
        labels: int32[n], 0..k-1.
        centres: float64[k, d].
        inertia: sum of squared distances to the centres, by weight.
    """

    labels: npt.NDArray[np.int32]
    centres: Floats
    inertia: float


def kmeans_start(
    rows: Matrix, k: int, state: int, *, weight: Floats | None = None, n_init: int = 1, max_iter: int, tol: float
) -> Fit:
    """k-means from `n_init` k-means++ starts that draw from one stream, on one thread.

    Args:
        rows: [n, d], at least k distinct ones.
        k: clusters.
        state: scikit-learn's random_state.
        weight: float64[n], how many rows each one stands for; None: 1.
        n_init: starts.
        max_iter: rounds of a start at most.
        tol: movement of the centres at which a start ends, relative to the mean variance.
    """
    tasks = kmeans_starts(rows, k, state, weight=weight, n_init=n_init, max_iter=max_iter, tol=tol)
    return best_fit(task() for task in tasks)


def kmeans_starts(
    rows: Matrix, k: int, state: int, *, weight: Floats | None = None, n_init: int, max_iter: int, tol: float
) -> list[Callable[[], Fit]]:
    """Tasks of starts that draw from one stream, one after the other, as scikit-learn's do.

    Args:
        rows: [n, d], at least k distinct ones.
        k: clusters.
        state: scikit-learn's random_state.
        weight: float64[n]; None: 1.
        n_init: starts.
        max_iter: rounds of a start at most.
        tol: see `kmeans_start`.

    Returns:
        Of sparse rows of float64 one task per start; of others one task, with the best of them.
    """
    if is_sparse(rows) and rows.dtype == np.float64:
        return [
            partial(_sparse, rows, k, state, weight=weight, number=number, max_iter=max_iter, tol=tol)
            for number in range(n_init)
        ]
    return [partial(_dense, rows, k, state, weight=weight, n_init=n_init, max_iter=max_iter, tol=tol)]


def _sparse(rows: Matrix, k: int, state: int, **how: Any) -> Fit:
    return Fit(*sparse_start(rows, k, state, **how))


def _dense(rows: Matrix, k: int, state: int, *, weight: Floats | None, n_init: int, max_iter: int, tol: float) -> Fit:
    from sklearn.cluster import KMeans

    model = KMeans(k, n_init=n_init, max_iter=max_iter, tol=tol, algorithm="lloyd", random_state=state)
    model.fit(rows, sample_weight=weight)
    return Fit(model.labels_.astype(np.int32), np.asarray(model.cluster_centers_, np.float64), float(model.inertia_))


def best_fit(fits: Iterable[Fit]) -> Fit:
    """The one of least inertia, the first of equals."""
    return min(fits, key=lambda fit: fit.inertia)
