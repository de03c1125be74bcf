"""k-means of sparse rows, as scikit-learn has it on one thread, in a fraction of its time.

To the bits, up to the order of equal starts: where two reach the same clusters, either may be the one that is kept.

Here: k-means++ and Lloyd's rounds on the kernels of sparse rows. Not here: which rows, which start is the best
(`kmeans`).

A row of three words is as far from most rows as its length says, and near only those that share a word: distances to
candidates cost what those rows cost. All draws, sums and ties are scikit-learn's, so that its results can be asked for.

Source: Arthur and Vassilvitskii, k-means++, 2007, with several candidates for each centre.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sm_assets.analysis.vector_rows import Floats, Ints, Matrix
from sm_assets.kernels.sparse_kmeans import (
    Labels,
    closer_of,
    drawn_rows,
    member_sums,
    nearest_centres,
    squared_to_own,
)
from sm_assets.kernels.sparse_rows import SparseRows, sparse_rows


class Rounds(NamedTuple):
    """Where Lloyd's rounds ended: labels int32[n], centres float64[k, d], inertia."""

    labels: Labels
    centres: Floats
    inertia: float


def sparse_start(
    matrix: Matrix, k: int, state: int, *, weight: Floats | None, number: int, max_iter: int, tol: float
) -> Rounds:
    """One start of k-means.

    Args:
        matrix: [n, d], sparse, float64.
        k: clusters, at most n.
        state: scikit-learn's random_state.
        weight: float64[n]; None: 1.
        number: which start of those that draw from the stream of `state` one after the other, from 0 on.
        max_iter: rounds at most.
        tol: movement of the centres at which the rounds end, relative to the mean variance.
    """
    from sklearn.utils import check_random_state
    from sklearn.utils.sparsefuncs import mean_variance_axis

    rows = sparse_rows(matrix)
    mass = np.ones(rows.n) if weight is None else np.ascontiguousarray(weight, np.float64)
    random, trials = check_random_state(state), 2 + int(np.log(k))
    # Every start draws as many numbers: those of the starts before are passed over.
    random.random_sample(number * (1 + (k - 1) * trials))
    first = _plus_plus(rows, k, mass, random, trials)
    still = float(mean_variance_axis(matrix.tocsr(), axis=0)[1].mean() * tol) if tol else 0.0
    return _lloyd(rows, mass, matrix.tocsr()[first].toarray(), max_iter, still)


def _plus_plus(rows: SparseRows, k: int, weight: Floats, random: Any, trials: int) -> Ints:
    """int64[k]: rows that are the first centres."""
    chosen = np.empty(k, np.int64)
    chosen[0] = random.choice(rows.n, p=weight / weight.sum())
    closest = closer_of(rows, np.full(rows.n, np.inf), chosen[:1])[0]
    total = closest @ weight
    for at in range(1, k):
        asked = drawn_rows(weight, closest, random.uniform(size=trials) * total)
        closer = closer_of(rows, closest, asked)
        totals = (closer @ weight.reshape(-1, 1)).reshape(-1)
        best = int(totals.argmin())
        chosen[at], closest, total = asked[best], closer[best], totals[best]
    return chosen


def _lloyd(rows: SparseRows, weight: Floats, centres: Floats, max_iter: int, still: float) -> Rounds:
    labels, before = np.full(rows.n, -1, np.int32), np.full(rows.n, -1, np.int32)
    for _ in range(max_iter):
        before, labels = labels, nearest_centres(rows, centres)
        old, centres = centres, _means(rows, weight, labels, centres)
        if np.array_equal(labels, before):
            break
        if (np.sqrt(((centres - old) ** 2).sum(axis=1)) ** 2).sum() <= still:
            labels = nearest_centres(rows, centres)
            break
    else:
        labels = nearest_centres(rows, centres)
    far = squared_to_own(rows, labels, centres) * weight
    return Rounds(labels, centres, float(np.cumsum(far)[-1]))


def _means(rows: SparseRows, weight: Floats, labels: Labels, centres: Floats) -> Floats:
    """Means of the members; a cluster without any gets one of the rows that lie farthest from their centres."""
    k = len(centres)
    sums, mass = member_sums(rows, weight, labels, k)
    empty = np.flatnonzero(mass == 0)
    if len(empty):
        far = squared_to_own(rows, labels, centres)
        if far.max() > 0:
            farthest = np.argpartition(far, -len(empty))[: -len(empty) - 1 : -1]
            for new, row in zip(empty, farthest, strict=True):
                own = slice(rows.row_ptr[row], rows.row_ptr[row + 1])
                moved = rows.value[own] * weight[row]
                sums[labels[row], rows.word[own]] -= moved
                sums[new, rows.word[own]] = moved
                mass[new] = weight[row]
                mass[labels[row]] -= weight[row]
    held, largest = mass > 0, int(mass.argmax())
    means = sums * np.divide(1.0, mass, out=np.zeros(k), where=held)[:, None]
    # What is empty yet lies where the largest cluster lies; below its number, where scikit-learn has not yet divided.
    lost = np.flatnonzero(~held)
    means[lost] = np.where((lost < largest)[:, None], sums[largest], means[largest])
    return means
