"""k-means whose clusters have at least and at most so many rows.

Here: Lloyd's iterations with an exact assignment under bounds. Not here: the assignment itself (`kernels.transfers`).
Source: Bradley, Bennett, Demiriz, Constrained k-means clustering, MSR-TR-2000-65.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.kmeans import Fit
from sm_assets.analysis.vector_rows import Floats, Matrix, is_sparse, squared_distances, squared_lengths
from sm_assets.errors import OptionError
from sm_assets.kernels.transfers import assign_within


def check_sizes(n: int, k: int, size_min: int, size_max: int | None) -> None:
    """Refuse bounds that no clustering keeps.

    Raises:
        OptionError: tells both numbers.
    """
    if k * size_min > n:
        raise OptionError(
            f"{k} clusters of at least {size_min} need {k * size_min} rows; there are {n}. Lower k or size_min."
        )
    if size_max is not None and k * size_max < n:
        raise OptionError(
            f"{k} clusters of at most {size_max} hold {k * size_max} rows; there are {n}. Raise k or size_max."
        )


def constrained_start(
    rows: Matrix, k: int, state: int, *, size_min: int, size_max: int | None, max_iter: int, tol: float
) -> Fit:
    """Constrained k-means from one k-means++ start, on one thread.

    Args:
        rows: [n, d].
        k: clusters.
        state: seed of the start.
        size_min: rows of the smallest cluster, 1 or more.
        size_max: rows of the largest; None: any number.
        max_iter: iterations.
        tol: movement of the centres at which it ends, relative to the mean variance.

    Returns:
        Centres are the means of their rows.

    Raises:
        OptionError: bounds that no clustering keeps.
    """
    from sklearn.cluster import kmeans_plusplus

    n = rows.shape[0]
    check_sizes(n, k, size_min, size_max)
    lengths, exact = squared_lengths(rows), rows.astype(np.float64)
    most = n if size_max is None else size_max
    centres, _ = kmeans_plusplus(exact, k, random_state=state)
    centres = np.asarray(centres.toarray() if is_sparse(centres) else centres, np.float64)
    end = tol * _mean_variance(exact, lengths)
    labels = np.full(n, -1, np.int32)
    for _ in range(max_iter):
        before, labels = labels, assign_within(squared_distances(exact, centres, lengths), size_min, most)
        moved, centres = centres, _means(exact, labels, k)
        if np.array_equal(labels, before) or ((centres - moved) ** 2).sum() <= end:
            break
    cost = squared_distances(exact, centres, lengths)
    return Fit(labels, centres, float(cost[np.arange(n), labels].sum()))


def _means(rows: Matrix, labels: npt.NDArray[np.int32], k: int) -> Floats:
    member = np.zeros((len(labels), k))
    member[np.arange(len(labels)), labels] = 1
    return np.ascontiguousarray(np.asarray(rows.T @ member).T / member.sum(axis=0)[:, None])


def _mean_variance(rows: Matrix, lengths: Floats) -> float:
    """Mean over the columns of their variances."""
    mean = np.asarray(rows.mean(axis=0), np.float64).reshape(-1)
    return max(float(lengths.mean() - mean @ mean), 0.0) / len(mean)
