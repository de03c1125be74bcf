"""Communities of influencers in the graph of significantly shared audiences, and how far each of them can be trusted.

Here: how many runs are made, their stabilities, and the measures of communities and members. Not here: a run, and
the consensus of runs (`leiden_runs`), which pairs are significant (`null_models`), names, ids that last and columns
(`audience_tables`).

One run proves little: on real graphs two seeds give visibly different partitions of nearly the same quality. So Leiden
runs with many seeds; the weight of an edge then becomes the share of runs that put its ends together, edges at 0 go,
and one more run on these weights is the answer. How well the runs agree with it is each node's and each community's
stability. Whether there are enough runs, they tell themselves: if the consensus of one half is not that of the other,
their number is doubled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.leiden_runs import connected, consensus, leiden
from sm_assets.analysis.partitions_agreement import adjusted_rand, contingency, mean_pairwise_ari, numbered
from sm_assets.errors import KernelError, OptionError

STATUSES: Final = ("member", "isolated", "small")
"""Names of the codes in `Communities.status`, which are positions in this tuple."""
MEMBER, ISOLATED, SMALL = range(3)

SWEEP: Final = (0.5, 0.7, 1.0, 1.5, 2.0)
"""Resolutions that are tried besides, for the metadata only: the most stable one is not the best."""

STABLE: Final = 0.75
_SWEEP_RUNS: Final = 5
"""Runs at each further resolution; the metadata tell."""
_ENOUGH_RUNS: Final = 20
_MOST_RUNS: Final = 80
_AGREEING: Final = 0.985
"""The consensus of all runs then agrees with that of as many others by 0.98 or more: halves differ more."""
_MOST_WORK: Final = 3_000_000
"""Runs times edges up to which runs are added: some 15 seconds."""
_STARTS: Final = 20
"""States kept for the consensus."""

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Labels: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Communities:
    """The answer: arrays by node, and by community 0, 1, 2, ... (by size descending, then by smallest node).

    Attributes:
        community: int32[n], -1 = in none that is large enough.
        status: uint8[n], position in `STATUSES`.
        stability: float64[n], mean Jaccard index of the node's community in the runs and in the answer; 1 for isolated
            nodes, which are alone in each run.
        strength: float64[n], weight of the node's edges inside its community (a small one, too).
        n_neighbours: int64[n], edges of the node.
        second_community: int32[n], other community with most of the node's weight (ties: the lower number), -1 = none.
        second_share: float64[n], its share of the node's weight, nan = none.
        size, n_edges: int64[k], members and edges between members.
        modularity_share: float64[k], the community's term of the modularity.
        density: float64[k], edges out of all pairs of members.
        conductance: float64[k], weight that leaves out of all weight of members (or of the rest, if that is less).
        community_stability: float64[k], mean over the members.
        modularity: of the whole partition (as at resolution 1, so that it compares between resolutions): the sum of all
            terms, those of small communities (`modularity_small`) among them.
        resolution: as asked for. n_runs: runs that were made.
        metadata: agreement and modularity of the runs, also at other resolutions; agreement of the halves' consensus.
    """

    community: Labels
    status: npt.NDArray[np.uint8]
    stability: Floats
    strength: Floats
    n_neighbours: Ints
    second_community: Labels
    second_share: Floats
    size: Ints
    n_edges: Ints
    modularity_share: Floats
    density: Floats
    conductance: Floats
    community_stability: Floats
    modularity: float
    modularity_small: float
    resolution: float
    n_runs: int
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def n_communities(self) -> int:
        """Communities that are large enough."""
        return len(self.size)

    @property
    def is_stable(self) -> npt.NDArray[np.bool_]:
        """bool[k], stability of at least 0.75."""
        return self.community_stability >= STABLE

    def count_by_status(self) -> dict[str, int]:
        """Number of nodes per status, in the order of `STATUSES`."""
        counts = np.bincount(self.status, minlength=len(STATUSES))
        return {name: int(count) for name, count in zip(STATUSES, counts, strict=True)}


def find_communities(
    n: int,
    i: npt.NDArray[np.integer],
    j: npt.NDArray[np.integer],
    weight: Floats,
    *,
    resolution: float = 1.0,
    n_runs: int = 20,
    min_community_size: int = 3,
    seed: int = 0,
    sweep: tuple[float, ...] = SWEEP,
    progress: Callable[[float], None] | None = None,
) -> Communities:
    """Find communities.

    Args:
        n: nodes, numbered in the order of their accounts.
        i: int[e], smaller end of each edge.
        j: int[e], larger end; each pair at most once, in any order.
        weight: float64[e], 0 or more; edges of weight 0 are dropped.
        resolution: above 0; higher gives more and smaller communities.
        n_runs: at least 1, Leiden runs with different seeds. From 20 on it is the least number: while the consensus of
            one half of them and that of the other agree by an adjusted Rand index below 0.985, it is doubled, up to 80
            and to 3 million runs times edges. Fewer than 20 are made as they are asked for.
        min_community_size: at least 1; smaller communities are `small`.
        seed: 0 or more, of all runs; equal input and seed give equal bits.
        sweep: further resolutions whose agreement goes into the metadata, with 5 runs each, which the metadata tell.
        progress: called with the share of the work that is done, 0..1.

    Returns:
        Communities; disconnected parts never share one. Without a node or an edge: none, and everybody isolated.

    Raises:
        OptionError: a parameter is out of range.
        KernelError: edges are no edges of such a graph.
    """
    if not (resolution > 0 and n_runs >= 1 and min_community_size >= 1 and seed >= 0 and all(r > 0 for r in sweep)):
        raise OptionError(
            "resolutions must be above 0, n_runs and min_community_size at least 1, seed 0 or more; found "
            f"resolution {resolution}, sweep {sweep}, n_runs {n_runs}, min_community_size {min_community_size}, seed "
            f"{seed}."
        )
    graph = _Graph.of(n, i, j, weight)
    report = progress or (lambda _: None)
    if not len(graph.i):
        report(1.0)
        return _answer(graph, np.zeros(0, np.int64), [], resolution, n_runs, min_community_size, _agreement(graph, []))
    most = max(n_runs, _MOST_RUNS) if n_runs >= _ENOUGH_RUNS else n_runs
    states = [int(state) for state in np.random.SeedSequence(seed).generate_state(most + _STARTS)]
    starts, states = states[:_STARTS], states[_STARTS:]
    others = [r for r in sweep if r != resolution]
    total, done, told = n_runs + 1 + min(n_runs, _SWEEP_RUNS) * len(others), 0, 0.0

    def step() -> None:
        nonlocal done, told
        done += 1
        told = max(told, done / total)
        report(told)

    def runs(at: float, first: int, last: int) -> list[Labels]:
        found: list[Labels] = []
        for state in states[first:last]:
            found.append(graph.leiden(at, state))
            step()
        return found

    base = runs(resolution, 0, n_runs)
    halves = _halves_agree(graph, base, resolution, starts)
    while halves < _AGREEING and len(base) < most and 2 * len(base) * len(graph.i) <= _MOST_WORK:
        first, last = len(base), min(2 * len(base), most)
        total += last - first
        base += runs(resolution, first, last)
        halves = _halves_agree(graph, base, resolution, starts)
    labels = graph.consensus(base, resolution, starts)
    step()
    metadata = _agreement(graph, base) | {"consensus_ari_of_halves": halves}
    metadata["sweep"] = [
        {"resolution": at, **_agreement(graph, base if at == resolution else runs(at, 0, min(n_runs, _SWEEP_RUNS)))}
        for at in sweep
    ]
    return _answer(graph, labels, base, resolution, len(base), min_community_size, metadata)


def _halves_agree(graph: _Graph, runs: list[Labels], resolution: float, starts: list[int]) -> float:
    """Adjusted Rand index of the consensus of every second run and that of the others; 1 for less than two runs."""
    if len(runs) < 2:
        return 1.0
    return adjusted_rand(*(graph.consensus(runs[half::2], resolution, starts) for half in (0, 1)))


@dataclass(frozen=True, slots=True, eq=False)
class _Graph:
    """The nodes that have an edge, numbered anew in their order, and the edges sorted by (i, j).

    Attributes:
        n: all nodes, those without an edge included.
        nodes: int64[m], nodes with an edge.
        i, j: int64[e], ends, i < j. weight: float64[e], above 0.
        strength: float64[m], weight of each node's edges.
    """

    n: int
    nodes: Ints
    i: Ints
    j: Ints
    weight: Floats
    strength: Floats

    @classmethod
    def of(cls, n: int, i: npt.NDArray[np.integer], j: npt.NDArray[np.integer], weight: Floats) -> _Graph:
        if not len(i) == len(j) == len(weight):
            raise KernelError(f"edges have two ends and a weight; found {len(i)}, {len(j)}, {len(weight)}.")
        a, b = i.astype(np.int64), j.astype(np.int64)
        if len(a) and (min(a.min(), b.min()) < 0 or max(a.max(), b.max()) >= n or (a >= b).any()):
            raise KernelError(f"edges are pairs i < j of 0..{n - 1}; found others.")
        if not (weight >= 0).all() or not np.isfinite(weight).all():
            raise KernelError("weights of edges are finite and 0 or more; found others.")
        keep = weight > 0
        a, b, weight = a[keep], b[keep], weight[keep].astype(np.float64)
        order = np.lexsort((b, a))
        a, b, weight = a[order], b[order], weight[order]
        if ((np.diff(a) == 0) & (np.diff(b) == 0)).any():
            raise KernelError("each pair of nodes has at most one edge; found one twice.")
        nodes, ends = np.unique(np.concatenate([a, b]), return_inverse=True)
        a, b = ends[: len(a)].reshape(-1), ends[len(a) :].reshape(-1)
        strength = np.bincount(a, weight, len(nodes)) + np.bincount(b, weight, len(nodes))
        return cls(n, nodes, a, b, weight, np.asarray(strength, np.float64))

    def leiden(self, resolution: float, state: int) -> Labels:
        """One run: int32[m], any numbers."""
        return leiden(len(self.nodes), self.i, self.j, self.weight, resolution, state)

    def consensus(self, runs: list[Labels], resolution: float, states: list[int]) -> Ints:
        """What runs have in common, parted into what hangs together: int64[m], numbered 0, 1, 2, ..."""
        labels = consensus(len(self.nodes), self.i, self.j, runs, resolution, states)
        return connected(len(self.nodes), self.i, self.j, labels[self.i] == labels[self.j])

    def modularity_terms(self, labels: Ints) -> Floats:
        """Term of each class of a partition numbered 0, 1, 2, ...: float64[classes]."""
        n = int(labels.max(initial=-1)) + 1
        whole = float(self.weight.sum())
        inside = labels[self.i] == labels[self.j]
        inner = np.bincount(labels[self.i[inside]], self.weight[inside], n)
        volume = np.bincount(labels, self.strength, n)
        return np.asarray(inner / whole - (volume / (2 * whole)) ** 2, np.float64)


def _agreement(graph: _Graph, runs: list[Labels]) -> dict[str, Any]:
    """What a reader should know about runs at one resolution."""
    return {
        "n_runs": len(runs),
        "mean_pairwise_ari": mean_pairwise_ari(runs),
        "modularity_per_run": [float(graph.modularity_terms(numbered(labels)).sum()) for labels in runs],
    }


def _stability(labels: Ints, runs: list[Labels]) -> Floats:
    """float64[m]: mean over the runs of the Jaccard index between a node's class there and here."""
    total = np.zeros(len(labels), np.float64)
    sizes = np.bincount(labels)
    for run in runs:
        there = numbered(run)
        here_class, there_class, both = contingency(labels, there)
        jaccard = both / (sizes[here_class] + np.bincount(there)[there_class] - both)
        width = int(there.max(initial=0)) + 1
        place = np.searchsorted(here_class * width + there_class, labels * width + there)
        total += jaccard[place]
    return total / max(len(runs), 1)


def _answer(
    graph: _Graph,
    labels: Ints,
    runs: list[Labels],
    resolution: float,
    n_runs: int,
    min_community_size: int,
    metadata: dict[str, Any],
) -> Communities:
    """Measures of the partition `labels` (int64[m], numbered 0, 1, 2, ...)."""
    m = len(graph.nodes)
    members, first = np.bincount(labels), np.full(int(labels.max(initial=-1)) + 1, m, np.int64)
    np.minimum.at(first, labels, np.arange(m))
    order = np.lexsort((first, -members))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    labels, members = rank[labels], members[order]
    k = int(np.count_nonzero(members >= min_community_size))

    i, j, weight, strength = graph.i, graph.j, graph.weight, graph.strength
    inside = labels[i] == labels[j]
    n_classes = len(members)
    n_edges = np.bincount(labels[i[inside]], minlength=n_classes)
    inner = np.bincount(labels[i[inside]], weight[inside], n_classes)
    volume = np.bincount(labels, strength, n_classes)
    least = np.minimum(volume, 2 * weight.sum() - volume)
    leaving = np.maximum(volume - 2 * inner, 0.0)
    conductance = np.clip(np.divide(leaving, least, out=np.zeros(n_classes), where=least > 0), 0.0, 1.0)
    conductance[
        np.bincount(labels[i[~inside]], minlength=n_classes) + np.bincount(labels[j[~inside]], minlength=n_classes) == 0
    ] = 0.0
    terms = graph.modularity_terms(labels)
    stability = _stability(labels, runs)
    own = np.bincount(i[inside], weight[inside], m) + np.bincount(j[inside], weight[inside], m)
    second, share = _second(graph, labels, k)
    kept = labels < k
    pairs = members[:k] * (members[:k] - 1) / 2

    def spread(values: npt.NDArray[Any], elsewhere: Any) -> npt.NDArray[Any]:
        whole = np.full(graph.n, elsewhere, values.dtype)
        whole[graph.nodes] = values
        return whole

    return Communities(
        community=spread(np.where(kept, labels, -1).astype(np.int32), -1),
        status=spread(np.where(kept, MEMBER, SMALL).astype(np.uint8), ISOLATED),
        stability=spread(stability, 1.0),
        strength=spread(own, 0.0),
        n_neighbours=spread(np.bincount(i, minlength=m) + np.bincount(j, minlength=m), 0).astype(np.int64),
        second_community=spread(second, -1),
        second_share=spread(share, np.nan),
        size=members[:k].astype(np.int64),
        n_edges=n_edges[:k].astype(np.int64),
        modularity_share=terms[:k],
        density=np.divide(n_edges[:k], pairs, out=np.zeros(k), where=pairs > 0),
        conductance=conductance[:k],
        community_stability=np.clip(np.bincount(labels, stability, n_classes)[:k] / np.maximum(members[:k], 1), 0, 1),
        modularity=float(terms.sum()),
        modularity_small=float(terms[k:].sum()),
        resolution=resolution,
        n_runs=n_runs,
        metadata=metadata,
    )


def _second(graph: _Graph, labels: Ints, k: int) -> tuple[Labels, Floats]:
    """(int32[m], float64[m]): of each node the other of the first k classes with most of its weight, and its share."""
    m = len(graph.nodes)
    node = np.concatenate([graph.i, graph.j])
    there = labels[np.concatenate([graph.j, graph.i])]
    weight = np.concatenate([graph.weight, graph.weight])
    other = (there != labels[node]) & (there < k)
    key, inverse = np.unique(node[other] * max(k, 1) + there[other], return_inverse=True)
    sums = np.bincount(inverse.reshape(-1), weight[other], len(key))
    node, there = key // max(k, 1), key % max(k, 1)
    order = np.lexsort((there, -sums, node))
    lead = order[np.diff(node[order], prepend=-1) != 0]
    second, share = np.full(m, -1, np.int32), np.full(m, np.nan)
    second[node[lead]] = there[lead]
    share[node[lead]] = np.minimum(sums[lead] / graph.strength[node[lead]], 1.0)
    return second, share
