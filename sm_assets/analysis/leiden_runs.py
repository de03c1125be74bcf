"""Leiden runs that come to an end near the best partition, and the consensus of many.

Here: one run (Traag, Waltman, van Eck, Sci. Rep. 9, 5233, 2019) on scikit-network's compiled steps, and the partition
that many runs have in common (Lancichinetti and Fortunato, Sci. Rep. 2, 336, 2012). Not here: how many runs are needed,
stabilities and measures (`communities`).

scikit-network goes through a graph once. Where it stops, most runs are some way from the best partition, each in a
place of its own, and their consensus then depends on the seeds. Here a run starts again from what it has found, as the
paper says, until nothing more is gained or four passes are made: runs are better, and agree more.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.partitions_agreement import numbered

_PASSES: Final = 4
_LEAST_INCREASE: Final = 1e-5
"""Modularity that a round over all nodes must gain, or there is no further one; far above rounding."""
_LEAST_GAIN: Final = 1e-4
_STARTS: Final = 20
_FOUND: Final = 3
_ONE_AT_A_TIME: Final = Lock()

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Labels: TypeAlias = npt.NDArray[np.int32]


def leiden(n: int, i: Ints, j: Ints, weight: Floats, resolution: float, state: int) -> Labels:
    """One run.

    Args:
        n: nodes.
        i: int64[e], one end of each edge; i = j is a tie of a node to itself.
        j: int64[e], the other end; edges met twice add up.
        weight: float64[e], 0 or more; of a tie i = j twice the weight of the edges it stands for. 0 is no edge.
        resolution: above 0.
        state: 0..2^32-1; equal input and state give equal bits.

    Returns:
        int32[n], class of each node; without an edge everybody is alone.
    """
    from scipy.sparse import csr_matrix

    keep = weight > 0
    if not keep.any():
        return np.arange(n, dtype=np.int32)
    a, b, w = i[keep], j[keep], weight[keep]
    back = a != b
    ends = (np.concatenate([a, b[back]]), np.concatenate([b, a[back]]))
    adjacency = csr_matrix((np.concatenate([w, w[back]]), ends), (n, n))
    adjacency.sort_indices()
    algorithm = _leiden_class()(
        resolution=resolution, random_state=state, shuffle_nodes=True, return_probs=False, return_aggregate=False,
        tol_optimization=_LEAST_INCREASE, tol_aggregation=_LEAST_INCREASE,
    )  # fmt: skip
    # scikit-network draws the order of nodes from `random_state`, but refines with the C library's rand(), whose state
    # is the whole process's: without a seed of its own a run would depend on the runs before it.
    with _ONE_AT_A_TIME:
        ctypes.CDLL(None).srand(ctypes.c_uint(state))
        return np.asarray(algorithm.fit_predict(adjacency), np.int32)


def consensus(
    n: int, i: Ints, j: Ints, runs: Sequence[Labels], resolution: float, states: Sequence[int]
) -> npt.NDArray[np.int64]:
    """The partition that runs on one graph have in common.

    The weight of an edge is the share of runs with both ends together; edges at 0 go. Leiden on these weights, at the
    same resolution, is the answer: it begins with the groups that all runs keep together, joined by edges of share 1,
    and never parts them. It starts from several states and the best result by modularity counts, the first of equals;
    no further start is made once the best has come up three times.

    Args:
        n: nodes.
        i: int64[e], one end of each edge.
        j: int64[e], the other end.
        runs: int32[n] each, at least one.
        resolution: above 0.
        states: of the starts, at least one, at most 20 are used.

    Returns:
        int64[n], classes 0, 1, 2, ...
    """
    share = np.zeros(len(i), np.float64)
    for run in runs:
        share += run[i] == run[j]
    group = connected(n, i, j, share == len(runs))
    share /= len(runs)
    n_groups = int(group.max(initial=-1)) + 1
    a, b = np.minimum(group[i], group[j]), np.maximum(group[i], group[j])
    key, place = np.unique(a * max(n_groups, 1) + b, return_inverse=True)
    sums = np.bincount(place.reshape(-1), share, len(key)).astype(np.float64)
    a, b = key // max(n_groups, 1), key % max(n_groups, 1)
    best, quality, found = np.arange(n_groups, dtype=np.int64), -np.inf, 0
    for state in states[:_STARTS]:
        labels = _in_order(leiden(n_groups, a, b, np.where(a == b, 2 * sums, sums), resolution, state))
        value = _modularity(labels, a, b, sums, resolution)
        if value > quality:
            best, quality, found = labels, value, 0
        found += np.array_equal(labels, best)
        if found == _FOUND:
            break
    return numbered(best[group])


def connected(n: int, i: Ints, j: Ints, kept: npt.NDArray[np.bool_]) -> Ints:
    """Parts that hang together by the edges that are kept: int64[n], numbered 0, 1, 2, ..."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    links = csr_matrix((np.ones(int(kept.sum()), np.int8), (i[kept], j[kept])), (n, n))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _in_order(labels: Labels) -> Ints:
    """The same classes, numbered in the order of their first nodes: equal partitions become equal arrays."""
    _, first, place = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[place.reshape(-1)]


def _modularity(labels: Ints, i: Ints, j: Ints, weight: Floats, resolution: float) -> float:
    """Of classes 0, 1, 2, ...; an edge i = j counts once."""
    whole = max(float(weight.sum()), np.finfo(np.float64).tiny)
    inner = float(weight[labels[i] == labels[j]].sum())
    volume = np.bincount(labels[i], weight, len(labels)) + np.bincount(labels[j], weight, len(labels))
    return inner / whole - resolution * float(((volume / (2 * whole)) ** 2).sum())


@cache
def _leiden_class() -> Any:
    """scikit-network's Leiden, made to come to an end, and to go on where it stops too early.

    Its refinement goes on while any node gains by a move, and reckons in single precision: where two places are equally
    good, rounding may make each look better than the other, for ever. Here a move must gain more than a ten-thousandth
    of the node's weight, far above rounding; modularity then rises with each move.
    """
    from scipy.sparse import csr_matrix
    from sknetwork.clustering import Leiden
    from sknetwork.clustering.leiden_core import optimize_refine_core
    from sknetwork.clustering.louvain_core import optimize_core
    from sknetwork.utils.membership import get_membership

    def optimize(self: Any, labels: Any, adjacency: Any, out_weights: Any, in_weights: Any) -> tuple[Any, float]:
        """(classes, modularity gained): scikit-network's own, without its many small matrices."""
        single = [np.asarray(values, np.float32) for values in (out_weights, in_weights)]
        inside = [np.bincount(labels, values).astype(np.float32) for values in single]
        return optimize_core(  # type: ignore[no-any-return]  # compiled, without types
            np.array(labels, np.int32),
            adjacency.indices,
            adjacency.indptr,
            adjacency.data.astype(np.float32),
            *single,
            *inside,
            np.zeros(len(inside[0]), np.float32),
            adjacency.diagonal().astype(np.float32),
            self.resolution,
            self.tol_optimization,
        )

    def refine(
        self: Any, labels: Any, labels_refined: Any, adjacency: Any, out_weights: Any, in_weights: Any
    ) -> npt.NDArray[np.int32]:
        """Refined labels; all begin alone."""
        single = [np.asarray(values, np.float32) for values in (out_weights, in_weights)]
        inside = [np.bincount(labels_refined, values).astype(np.float32) for values in single]
        # A node leaves its place if it gains more than 2 (weight to its place - self-loop) and so on: the threshold is
        # part of what it would leave.
        loops = adjacency.diagonal() - _LEAST_GAIN / 2 * single[0]
        return np.asarray(
            optimize_refine_core(
                np.asarray(labels, np.int32),
                np.asarray(labels_refined, np.int32),
                adjacency.indices,
                adjacency.indptr,
                adjacency.data.astype(np.float32),
                *single,
                *inside,
                np.zeros(len(inside[0]), np.float32),
                loops.astype(np.float32),
                self.resolution,
            )
        )

    def aggregate(
        labels: Any, parts: Any, adjacency: Any, out_weights: Any, in_weights: Any
    ) -> tuple[Ints, Any, Floats, Floats]:
        """The graph of the parts, and each part's class: the same."""
        n = int(parts.max()) + 1
        ends = (np.repeat(parts, np.diff(adjacency.indptr)), parts[adjacency.indices])
        of_part = np.empty(n, np.int64)
        of_part[parts] = labels
        coarse = csr_matrix((adjacency.data, ends), (n, n))
        out_weights, in_weights = (np.bincount(parts, values) for values in (out_weights, in_weights))
        return of_part, coarse, out_weights, in_weights

    def one_pass(self: Any, adjacency: Any, weights: tuple[Any, Any], labels: Ints) -> tuple[Ints, float]:
        """(classes of the nodes, modularity gained) from classes to begin with."""
        place, gained, level = np.arange(len(labels)), 0.0, 0
        while True:
            labels, increase = self._optimize(labels, adjacency, *weights)
            gained, level, labels = gained + float(increase), level + 1, numbered(labels)
            # A pass that begins with good classes gains nothing before they are parted and joined in another way.
            if increase <= self.tol_aggregation and (level > 1 or len(weights[0]) == 1):
                return labels[place], gained
            parts = numbered(self._optimize_refine(labels, np.arange(len(labels)), adjacency, *weights))
            if int(parts.max()) + 1 == len(parts):
                return labels[place], gained
            place = parts[place]
            labels, adjacency, *weights = self._aggregate_refine(labels, parts, adjacency, *weights)

    def fit(self: Any, adjacency: Any, force_bipartite: bool = False) -> Any:
        """Passes over the whole graph, each from the classes found before."""
        whole, *weights, _, index = self._pre_processing(adjacency, force_bipartite)
        labels = np.arange(whole.shape[0])
        for done in range(_PASSES):
            labels, gained = one_pass(self, whole, weights, labels)
            if done and gained <= self.tol_aggregation:
                break
        self._post_processing(adjacency, get_membership(labels), index)
        return self

    steps: dict[str, Any] = {
        "_optimize": optimize,
        "_optimize_refine": refine,
        "_aggregate_refine": staticmethod(aggregate),
        "fit": fit,
    }
    return type("_EndingLeiden", (Leiden,), steps)
