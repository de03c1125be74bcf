"""Which number of clusters: every number tried, what speaks for it, and the choice.

Here: fits of one number or many, silhouettes, stability, the table of all. Not here: reductions, numbering of clusters
(`vector_clusters`).

Stability is the mean over seeded splits of the rows into halves of the adjusted Rand index, on all rows, between
models of either half (Ben-Hur, Elisseeff, Guyon, PSB 2002; Lange et al., Neural Comput. 16, 1299, 2004). A silhouette
alone often peaks beside the number that comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from sm_assets.analysis.cluster_spec import ClusterSpec, Log
from sm_assets.analysis.constrained_kmeans import constrained_kmeans
from sm_assets.analysis.kmeans import Fit, best_fit, kmeans_start, kmeans_starts
from sm_assets.analysis.one_thread_tasks import child_seed, run_all
from sm_assets.analysis.partitions_agreement import adjusted_rand
from sm_assets.analysis.silhouette import Silhouettes, silhouettes
from sm_assets.analysis.vector_rows import Floats, Ints, Matrix, nearest, summed

STABLE_FROM: Final = 0.8
_SPLITS: Final = 5
_SIDE_BY_SIDE: Final = 5
"""Starts of constrained k-means that share their products; the number is part of the result's last bits."""


class Space(NamedTuple):
    """The rows that are fitted, equal ones folded.

    Attributes:
        rows: [m, d], dense or sparse.
        weight: float64[m], how many of the given rows each one stands for.
        place: int64[n], of each given row its place among these.
        mass: float64[n], weight of each given row.
        metric: in which silhouettes are measured.
    """

    rows: Matrix
    weight: Floats
    place: Ints
    mass: Floats
    metric: str


class Choice(NamedTuple):
    """The fit in use, with the table of all numbers.

    Attributes:
        fit: labels of `Space.rows`.
        table: rows of out_cluster_k without analysis, params_hash and day.
        warnings: sentences.
    """

    fit: Fit
    table: list[dict[str, Any]]
    warnings: list[str]


def fit_one(space: Space, k: int, spec: ClusterSpec, threads: int) -> Choice:
    """Clusters of a number that is given."""
    fit = best_fit(run_all(_starts(space, k, spec), threads))
    found = _silhouettes(space, [fit], spec, threads)
    row = _row(space, k, fit, found.means[0], len(found.rows), None, spec, stable=True)
    return Choice(fit, [row | {"chosen": True, "reason": "given" if k > 1 else "one_cluster"}], [])


def choose(space: Space, grid: Sequence[int], spec: ClusterSpec, threads: int, log: Log) -> Choice:
    """Clusters of the number that most speaks for.

    Args:
        space: the rows.
        grid: numbers to try, rising, at least one.
        spec: see `ClusterSpec.choose`.
        threads: fits at a time.
        log: takes a sentence per number.

    Returns:
        `stable`: the highest silhouette among the eligible numbers (stability of at least .8, no cluster below
        size_min), ties to the lower number; none eligible: the most stable, with a warning. `silhouette`: the highest.
    """
    fits, stability = [], list[float | None]()
    for number, k in enumerate(grid):
        full = _starts(space, k, spec)
        halves = _halves(space, k, spec) if spec.choose == "stable" else []
        done = run_all([*full, *halves], threads)
        fits.append(best_fit(done[: len(full)]))
        stability.append(_agreement(space, done[len(full) :]) if halves else None)
        log(f"k = {k}: inertia {fits[-1].inertia:.6g} ({number + 1} of {len(grid)} numbers of clusters)")
    found = _silhouettes(space, fits, spec, threads)
    rows = [
        _row(
            space, k, fit, mean, len(found.rows), agreement, spec,
            stable=spec.choose == "silhouette" or _or_least(agreement) >= STABLE_FROM,
        )
        for k, fit, mean, agreement in zip(grid, fits, found.means, stability, strict=True)
    ]  # fmt: skip
    return _chosen(rows, fits, spec)


def _chosen(rows: list[dict[str, Any]], fits: list[Fit], spec: ClusterSpec) -> Choice:
    by_silhouette = spec.choose == "silhouette"
    eligible = [place for place, row in enumerate(rows) if row["eligible"] or by_silhouette]
    name, reason, warnings = "silhouette", "best_silhouette", list[str]()
    if not eligible:
        eligible, name, reason = list(range(len(rows))), "stability", "no_stable_k"
        warnings.append(
            f"No number of clusters is stable (at least {STABLE_FROM}) with clusters of {spec.size_min} and more: the "
            "most stable one was taken."
        )
    best = max(eligible, key=lambda place: (_or_least(rows[place][name]), -place))
    for place, row in enumerate(rows):
        row["chosen"] = place == best
        row["reason"] = reason if place == best else _against(row, by_silhouette=by_silhouette)
    return Choice(fits[best], rows, warnings)


def _or_least(value: float | None) -> float:
    return -np.inf if value is None else value


def _against(row: dict[str, Any], *, by_silhouette: bool) -> str:
    if by_silhouette or row["eligible"]:
        return "lower_silhouette"
    return "unstable" if _or_least(row["stability"]) < STABLE_FROM else "small_cluster"


def _row(
    space: Space, k: int, fit: Fit, silhouette: float | None, n_rows: int, stability: float | None, spec: ClusterSpec,
    *, stable: bool,
) -> dict[str, Any]:  # fmt: skip
    smallest = int(np.bincount(fit.labels[space.place], minlength=k).min())
    return {
        "k": k,
        "inertia": fit.inertia,
        "silhouette": silhouette,
        "silhouette_rows": n_rows,
        "stability": stability,
        "smallest_size": smallest,
        "eligible": stable and smallest >= spec.size_min,
    }


def _silhouettes(space: Space, fits: list[Fit], spec: ClusterSpec, threads: int) -> Silhouettes:
    return silhouettes(
        space.rows,
        [fit.labels for fit in fits],
        metric=space.metric,
        weight=space.weight,
        seed=spec.seed,
        threads=threads,
    )


def _starts(space: Space, k: int, spec: ClusterSpec) -> list[Callable[[], Fit]]:
    if spec.random_state is not None:
        return kmeans_starts(
            space.rows, k, spec.random_state, weight=space.weight, n_init=spec.n_init, max_iter=spec.max_iter,
            tol=spec.tol,
        )  # fmt: skip
    return _fits(space.rows, space.weight, k, _states(spec, f"{k} clusters"), spec)


def _states(spec: ClusterSpec, of: str) -> list[int]:
    return [child_seed(spec.seed, f"start {number} of {of}") for number in range(spec.n_init)]


def _fits(
    rows: Matrix, weight: Floats, k: int, states: Sequence[int], spec: ClusterSpec, *, of_half: bool = False
) -> list[Callable[[], Fit]]:
    """Tasks that fit from every start; on a half of the rows bounds of sizes are halved."""
    if spec.preset != "constrained":
        return [
            partial(kmeans_start, rows, k, state, weight=weight, max_iter=spec.max_iter, tol=spec.tol)
            for state in states
        ]
    least, most = spec.size_min, spec.size_max
    if of_half:
        least, most = max(least // 2, 1), None if most is None else -(-most // 2)
    return [
        partial(
            constrained_kmeans, rows, k, states[first : first + _SIDE_BY_SIDE], size_min=least, size_max=most,
            max_iter=spec.max_iter, tol=spec.tol,
        )
        for first in range(0, len(states), _SIDE_BY_SIDE)
    ]  # fmt: skip


def _halves(space: Space, k: int, spec: ClusterSpec) -> list[Callable[[], Fit]]:
    """Fits of the halves of each split, in turn; empty where a half has too few distinct rows."""
    tasks = list[Callable[[], Fit]]()
    n = len(space.place)
    for split in range(_SPLITS):
        order = np.random.default_rng(child_seed(spec.seed, f"split {split}")).permutation(n)
        for side, half in enumerate((order[: n // 2], order[n // 2 :])):
            weight = summed(space.place[half], space.mass[half], space.rows.shape[0])
            kept = np.flatnonzero(weight)
            if len(kept) < k:
                return []
            states = _states(spec, f"{k} clusters of half {side} of split {split}")
            tasks.append(partial(_best_start, space.rows, weight, kept, k, states, spec))
    return tasks


def _best_start(rows: Matrix, weight: Floats, kept: Ints, k: int, states: Sequence[int], spec: ClusterSpec) -> Fit:
    half, own = rows[kept], weight[kept]
    return best_fit(fit() for fit in _fits(half, own, k, states, spec, of_half=True))


def _agreement(space: Space, fits: list[Fit]) -> float:
    """Mean adjusted Rand index of the pairs of halves, on all given rows."""
    labels = [nearest(space.rows, fit.centres)[space.place] for fit in fits]
    return float(np.mean([adjusted_rand(a, b) for a, b in zip(labels[::2], labels[1::2], strict=True)]))
