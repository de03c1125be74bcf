"""k-means whose clusters have at least and at most so many rows.

Here: Lloyd's iterations with an exact assignment under bounds. Not here: the assignment itself (`kernels.transfers`).
Source: Bradley, Bennett, Demiriz, Constrained k-means clustering, MSR-TR-2000-65.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def constrained_kmeans(
    rows: Matrix, k: int, states: Sequence[int], *, size_min: int, size_max: int | None, max_iter: int, tol: float
) -> Fit:
    """The best of some starts of constrained k-means, on one thread.

    The starts go on side by side: one product gives the distances to the centres of all of them.

    Args:
        rows: [n, d].
        k: clusters.
        states: seeds of the k-means++ starts, at least one.
        size_min: rows of the smallest cluster, 1 or more.
        size_max: rows of the largest; None: any number.
        max_iter: iterations.
        tol: movement of the centres at which a start ends, relative to the mean variance.

    Returns:
        Centres are the means of their rows.

    Raises:
        OptionError: bounds that no clustering keeps.
    """
    n = rows.shape[0]
    check_sizes(n, k, size_min, size_max)
    lengths, exact = squared_lengths(rows), rows.astype(np.float64)
    most = n if size_max is None else size_max
    centres = np.stack([_plus_plus(exact, k, state) for state in states])
    end = tol * _mean_variance(exact, lengths)
    labels = np.full((len(states), n), -1, np.int32)
    going = np.arange(len(states))
    for _ in range(max_iter):
        cost = _costs(exact, centres[going], lengths)
        found = np.stack([assign_within(own, size_min, most) for own in cost])
        means = _means(exact, found, k)
        still = (found != labels[going]).any(axis=1) & (((means - centres[going]) ** 2).sum(axis=(1, 2)) > end)
        labels[going], centres[going] = found, means
        going = going[still]
        if not len(going):
            break
    inertia = [cost[np.arange(n), own].sum() for cost, own in zip(_costs(exact, centres, lengths), labels, strict=True)]
    best = int(np.argmin(inertia))
    return Fit(labels[best], centres[best], float(inertia[best]))


def _plus_plus(rows: Matrix, k: int, state: int) -> Floats:
    from sklearn.cluster import kmeans_plusplus

    centres, _ = kmeans_plusplus(rows, k, random_state=state)
    return np.asarray(centres.toarray() if is_sparse(centres) else centres, np.float64)


def _costs(rows: Matrix, centres: Floats, lengths: Floats) -> Floats:
    """float64[starts, n, k], C-contiguous: squared distances."""
    starts, k, d = centres.shape
    found = squared_distances(rows, centres.reshape(starts * k, d), lengths)
    return np.ascontiguousarray(found.reshape(-1, starts, k).transpose(1, 0, 2))


def _means(rows: Matrix, labels: npt.NDArray[np.int32], k: int) -> Floats:
    """float64[starts, k, d]: means of the rows of every cluster of every start."""
    starts, n = labels.shape
    member = np.zeros((n, starts * k))
    member[np.arange(n), labels + k * np.arange(starts)[:, None]] = 1
    sums = np.asarray(rows.T @ member).T
    return np.ascontiguousarray(sums / member.sum(axis=0)[:, None]).reshape(starts, k, -1)


def _mean_variance(rows: Matrix, lengths: Floats) -> float:
    """Mean over the columns of their variances."""
    mean = np.asarray(rows.mean(axis=0), np.float64).reshape(-1)
    return max(float(lengths.mean() - mean @ mean), 0.0) / len(mean)
