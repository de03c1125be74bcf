"""Clusters of vectors: one interface over all presets.

Here: the order of rows, what is done with few or equal ones, the numbering of clusters, the record of it all. Not here:
parameters (`cluster_spec`), k-means (`kmeans`, `constrained_kmeans`), the number of clusters (`choice_of_k`), fewer
dimensions (`reductions`), ids over days (`cluster_identity`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.choice_of_k import Choice, Space, choose, fit_one
from sm_assets.analysis.cluster_spec import AUTO, ClusterSpec, Log
from sm_assets.analysis.constrained_kmeans import check_sizes
from sm_assets.analysis.kmeans import Fit
from sm_assets.analysis.one_thread_tasks import child_seed, one_thread
from sm_assets.analysis.reductions import reduce_rows
from sm_assets.analysis.silhouette import silhouettes
from sm_assets.analysis.vector_rows import (
    Floats,
    Ints,
    Matrix,
    distinct_rows,
    is_sparse,
    squared_distances,
    squared_lengths,
    summed,
    unit_rows,
    values_of,
)
from sm_assets.errors import KernelError, OptionError

LEAST_REDUCED: Final = 200
_DENSITY_DIMENSIONS: Final = 50
_LIBRARIES: Final = {"umap": "umap-learn", "pacmap": "pacmap"}

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """Clusters of rows.

    Attributes:
        labels: int32[n], in the order of the rows that were given; 0, 1, 2, ... by size descending, then by smallest
            member key; -1 = noise.
        strength: float32[n], 0..1, how surely a row belongs: hdbscan: probability of membership, 0 for noise; others:
            the simplified silhouette (b - a) / b, a and b the distances to the own and the nearest other centre, 1
            where there is one cluster.
        centres: float64[k, d], means of the members in the space of the fit.
        k_table: rows of out_cluster_k without analysis, params_hash and day.
        record: what was done: rows, reduction, k, notices, versions of libraries.
    """

    labels: Labels
    strength: npt.NDArray[np.float32]
    centres: Floats
    k_table: list[dict[str, Any]]
    record: dict[str, Any]

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.centres)

    @property
    def notices(self) -> list[str]:
        """What a reader should know: sentences."""
        return list(self.record["notices"])


class _Rows(NamedTuple):
    """Rows in the order of their keys.

    Attributes:
        rows: [n, d]; for the metric cosine of length 1.
        weight: float64[n].
        first, kind: of `distinct_rows`.
    """

    rows: Matrix
    weight: Floats
    first: Ints
    kind: Ints

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.kind)

    @property
    def n_distinct(self) -> int:
        """Number of distinct rows."""
        return len(self.first)


def cluster(
    X: Matrix,  # noqa: N803  # as the trade calls it
    keys: pa.Array | npt.NDArray[Any],
    spec: ClusterSpec,
    *,
    sample_weight: Floats | None = None,
    log: Log | None = None,
    threads: int = 1,
) -> Clustering:
    """Cluster the rows.

    Args:
        X: float32 or float64[n, d], or CSR of these; finite.
        keys: n distinct texts or numbers; rows are taken in their order, so that the order given does not matter.
        spec: how.
        sample_weight: float64[n], above 0, how many equal rows each one stands for (kmeans and reduced_kmeans).
        log: takes sentences about the progress.
        threads: tasks at a time; the result is the same with any number.

    Returns:
        The clustering. Fewer distinct rows than k: k is lowered, with a notice. All rows equal: one cluster. No row:
        none.

    Raises:
        KernelError: arrays that do not fit together, values that are not finite, keys that repeat.
        OptionError: parameters that these rows do not allow: bounds of sizes, weights with another preset, hdbscan by
            direction in more than 50 dimensions.
    """
    order = _order(X, keys, sample_weight, spec)
    if not len(order):
        return Clustering(
            np.empty(0, np.int32), np.empty(0, np.float32), np.empty((0, X.shape[1])), [], _record(spec, None, [])
        )
    weight = np.ones(len(order)) if sample_weight is None else np.asarray(sample_weight, np.float64)[order]
    if spec.preset == "constrained" and spec.k != AUTO:
        check_sizes(len(order), int(spec.k), spec.size_min, spec.size_max)
    rows = X[order]
    rows = unit_rows(rows) if spec.metric == "cosine" else rows
    given = _Rows(rows, weight, *distinct_rows(rows))
    notices = list[str]()
    reduction = _reduction(given, spec, notices)
    say = log or (lambda _: None)
    fitted, metric = given.rows, spec.metric
    if reduction != "none":
        say(f"{given.n} rows of {rows.shape[1]} numbers: {reduction} to {spec.n_components}")
        fitted = reduce_rows(
            rows, reduction, n_components=spec.n_components, n_neighbors=spec.n_neighbors, metric=spec.metric,
            seed=child_seed(spec.seed, reduction), threads=threads,
        )  # fmt: skip
        metric = "euclidean"
    if spec.preset == "hdbscan":
        choice, strength = _hdbscan(fitted, given, spec, metric, threads)
        labels = choice.fit.labels
    else:
        space = _space(fitted, given, spec, metric)
        choice = _choice(space, given, spec, threads, say, notices)
        labels = choice.fit.labels[space.place]
        strength = _strength(fitted, labels, choice.fit.centres)
    notices += choice.warnings
    for notice in notices:
        say(notice)
    numbers, labels = _canonical(labels, weight, len(choice.fit.centres))
    back = np.argsort(order)
    record = _record(spec, given, notices) | {
        "reduce_used": reduction,
        "fit_dimensions": int(fitted.shape[1]),
        "fit_metric": metric,
        "k_used": len(numbers),
        "noise": int((labels < 0).sum()),
    }
    return Clustering(
        labels[back], strength.astype(np.float32)[back], choice.fit.centres[numbers], choice.table, record
    )


def _order(rows: Matrix, keys: Any, weight: Floats | None, spec: ClusterSpec) -> Ints:
    """Rows by key, once everything has been checked."""
    named = keys if isinstance(keys, pa.Array | pa.ChunkedArray) else pa.array(keys)
    n = len(named)
    if len(rows.shape) != 2 or rows.shape[0] != n or (weight is not None and len(weight) != n):
        told = "" if weight is None else f" and {len(weight)} weights"
        raise KernelError(f"one key per row: found {n} keys{told} for vectors of shape {tuple(rows.shape)}.")
    if not np.isfinite(values_of(rows)).all():
        raise KernelError("vectors must be finite: found NaN or infinite values.")
    if named.null_count or len(pc.unique(named)) != n:
        raise KernelError(f"keys must be distinct and not null: found {len(pc.unique(named))} kinds in {n} rows.")
    if weight is not None:
        if spec.preset not in {"kmeans", "reduced_kmeans"}:
            raise OptionError(f"sample_weight belongs to kmeans and reduced_kmeans; found it with {spec.preset}.")
        if n and not (np.isfinite(weight).all() and np.min(weight) > 0):
            raise KernelError("weights must be finite and above 0.")
    return np.asarray(pc.sort_indices(named).to_numpy(zero_copy_only=False), np.int64)


def _reduction(given: _Rows, spec: ClusterSpec, notices: list[str]) -> str:
    """The reduction that these rows get."""
    asked, d = spec.reduction, given.rows.shape[1]
    dense = spec.preset == "hdbscan"
    if dense and asked == "none" and spec.metric == "cosine" and d > _DENSITY_DIMENSIONS:
        raise OptionError(
            f"hdbscan finds only noise in {d} dimensions: without a reduction at most {_DENSITY_DIMENSIONS} are taken. "
            "Set reduce to umap, pacmap or svd."
        )
    if asked == "none" or given.n_distinct == 1:
        return "none"
    if asked in {"umap", "pacmap"} and given.n < max(LEAST_REDUCED, spec.n_neighbors + 1):
        used = "svd" if dense and d > _DENSITY_DIMENSIONS else "none"
        notices.append(f"{given.n} rows are too few for {asked} (at least {LEAST_REDUCED}): reduce is {used}.")
        return used
    return asked


def _space(fitted: Matrix, given: _Rows, spec: ClusterSpec, metric: str) -> Space:
    """Equal rows folded, where they are fitted as they are and no draws of another program must be met."""
    if fitted is given.rows and spec.preset != "constrained" and spec.random_state is None:
        folded = summed(given.kind, given.weight, given.n_distinct)
        return Space(fitted[given.first], folded, given.kind, given.weight, metric)
    return Space(fitted, given.weight, np.arange(given.n), given.weight, metric)


def _choice(space: Space, given: _Rows, spec: ClusterSpec, threads: int, log: Log, notices: list[str]) -> Choice:
    n, most = given.n, given.n_distinct
    if spec.preset == "constrained" and spec.size_max is not None:
        # Equal rows may lie in different clusters where one would be too large.
        most = max(most, math.ceil(n / spec.size_max))
    if spec.k != AUTO:
        k = int(spec.k)
        if k > most:
            notices.append(f"k is lowered from {k} to {most}, the number of distinct rows.")
    elif most == 1:
        k = 1
        notices.append(f"All {n} rows are equal: one cluster.")
    else:
        fits = [k for k in spec.grid if k <= min(n / max(10, spec.size_min), most)]
        if spec.preset == "constrained" and spec.size_max is not None:
            fits = [k for k in fits if k * int(spec.size_max) >= n]
        if fits:
            return choose(space, fits, spec, threads, log)
        k = 1
        notices.append(f"{n} rows are too few for {spec.grid[0]} clusters: one cluster.")
    k = min(k, most)
    if spec.preset == "constrained":
        check_sizes(n, k, spec.size_min, spec.size_max)
    return fit_one(space, k, spec, threads)


def _hdbscan(
    fitted: Matrix, given: _Rows, spec: ClusterSpec, metric: str, threads: int
) -> tuple[Choice, npt.NDArray[Any]]:
    """Clusters of density, and how surely each row belongs."""
    points = np.asarray(fitted.toarray() if is_sparse(fitted) else fitted, np.float64)
    labels, strength = np.full(given.n, -1, np.int32), np.zeros(given.n)
    if given.n_distinct == 1:
        labels[:], strength[:] = 0, 1
    elif given.n > spec.size_min:
        import sklearn.cluster

        with one_thread():
            model = sklearn.cluster.HDBSCAN(min_cluster_size=max(spec.size_min, 2), copy=True).fit(points)
        labels = np.asarray(model.labels_, np.int32)
        strength = np.where(labels < 0, 0, model.probabilities_)
    k, placed = int(labels.max(initial=-1)) + 1, np.flatnonzero(labels >= 0)
    own = labels[placed]
    centres = np.stack([points[labels == number].mean(axis=0) for number in range(k)]) if k else points[:0]
    if not k:
        return Choice(Fit(labels, centres, 0.0), [], ["No cluster was found: all rows are noise."]), strength
    inertia = float(((points[placed] - centres[own]) ** 2).sum())
    told = silhouettes(points[placed], [own], metric=metric, seed=spec.seed, threads=threads)
    smallest = int(np.bincount(own).min())
    row = {
        "k": k, "inertia": inertia, "silhouette": told.means[0], "silhouette_rows": len(told.rows), "stability": None,
        "smallest_size": smallest, "eligible": smallest >= spec.size_min, "chosen": True, "reason": "found",
    }  # fmt: skip
    return Choice(Fit(labels, centres, inertia), [row], []), strength


def _strength(rows: Matrix, labels: Labels, centres: Floats) -> Floats:
    """float64[n]: 1 - distance to the own centre over that to the nearest other, 0..1."""
    n = len(labels)
    if len(centres) < 2:
        return np.ones(n)
    distance = np.sqrt(squared_distances(rows, centres, squared_lengths(rows)))
    own = distance[np.arange(n), labels]
    distance[np.arange(n), labels] = np.inf
    other = distance.min(axis=1)
    return np.asarray(np.clip(1 - np.divide(own, other, out=np.ones(n), where=other > 0), 0, 1))


def _canonical(labels: Labels, weight: Floats, k: int) -> tuple[Ints, Labels]:
    """(int64[k], int32[n]): the labels in their new order, and every row's new label; -1 stays."""
    placed = labels >= 0
    size = summed(labels[placed], weight[placed], k)
    first = np.full(k, len(labels))
    np.minimum.at(first, labels[placed], np.flatnonzero(placed))
    numbers = np.lexsort((first, -size)).astype(np.int64)
    new = np.empty(k + 1, np.int32)
    new[numbers], new[k] = np.arange(k), -1
    return numbers, new[labels]


def _record(spec: ClusterSpec, given: _Rows | None, notices: list[str]) -> dict[str, Any]:
    used = ["scikit-learn", *(_LIBRARIES[name] for name in (spec.reduction,) if name in _LIBRARIES)]
    return {
        "spec": spec.told(),
        "rows": given.n if given else 0,
        "distinct_rows": given.n_distinct if given else 0,
        "dimensions": int(given.rows.shape[1]) if given else 0,
        "notices": notices,
        "libraries": {name: version(name) for name in used},
    }
