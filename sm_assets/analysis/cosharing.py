"""Co-sharing results: who stands for each cluster, how strongly each member belongs, in which order they are shown.

Here: the measures of members, and the rows of the result. Not here: the clustering methods (`seeded`, `linkage`),
the tables of the lake (`cosharing_tables`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.clustering import Clustering
from sm_assets.analysis.evidence import Evidence
from sm_assets.errors import OptionError
from sm_assets.kernels.overlap import units_covered, units_shared_with

Method = Literal["linkage", "seeded"]
METHODS: Final[tuple[Method, ...]] = ("linkage", "seeded")


def check_method(method: str) -> Method:
    """The method as given.

    Raises:
        OptionError: neither linkage nor seeded.
    """
    if method not in METHODS:
        raise OptionError(f"method {method!r} is unknown; expected one of {', '.join(METHODS)}.")
    return method


def pointwise(
    n_xy: npt.NDArray[np.int32], n_x: npt.NDArray[np.int32], n_y: npt.NDArray[np.int32], n: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(pmi, npmi, damped npmi) of pairs of accounts.

        pmi  = log2(n_xy N / (n_y n_x))
        npmi = log2(n_y n_x / N / N) / log2(n_xy / N) - 1
        damped npmi = npmi (1 - exp(-min(n_x, n_y) / 4))

    n_xy = N: pmi 0, npmi 1. Nothing in common: pmi nan, npmi -1, damped npmi -exp(-min(n_x, n_y) / 4).

    Args:
        n_xy: int[k], contents in common.
        n_x: int[k], contents of the one account.
        n_y: int[k], contents of the other.
        n: N, contents of everybody.
    """
    xy, x, y = (np.asarray(a, dtype=np.float64) for a in (n_xy, n_x, n_y))
    least = np.minimum(x, y)
    damping = 1 - np.exp(-least / 4)
    with np.errstate(divide="ignore", invalid="ignore"):
        pmi = np.log2(xy * n / (y * x))
        npmi = np.log2(y * x / n / n) / np.log2(xy / n) - 1
    everything = xy == n
    pmi[everything], npmi[everything] = 0.0, 1.0
    damped = npmi * damping
    nothing = xy == 0
    pmi[nothing], npmi[nothing], damped[nothing] = np.nan, -1.0, -np.exp(-least[nothing] / 4)
    return pmi, npmi, damped


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """The members of all clusters of two or more, in the order in which they are shown.

    Attributes:
        account: int64[m], number of the account.
        cluster: int32[m].
        seed: int64[m], number of the account that stands for the cluster.
        cluster_size: int64[m].
        cluster_score: float64[m], size x log10(followers of the seed + 1).
        n_contents: int32[m], pieces of evidence of the account.
        coverage, pmi, npmi, damped_npmi: float64[m]; pmi is nan where nothing is in common with the seed.
    """

    account: npt.NDArray[np.int64]
    cluster: npt.NDArray[np.int32]
    seed: npt.NDArray[np.int64]
    cluster_size: npt.NDArray[np.int64]
    cluster_score: npt.NDArray[np.float64]
    n_contents: npt.NDArray[np.int32]
    coverage: npt.NDArray[np.float64]
    pmi: npt.NDArray[np.float64]
    npmi: npt.NDArray[np.float64]
    damped_npmi: npt.NDArray[np.float64]


def loudest_members(clustering: Clustering, total_interactions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """int64[n_clusters]: the member with the most total interactions (ties: smallest number); -1 for unused numbers."""
    members = np.flatnonzero(clustering.cluster >= 0)
    order = members[np.lexsort((members, -total_interactions[members], clustering.cluster[members]))]
    seeds = np.full(int(clustering.cluster.max(initial=-1)) + 1, -1, dtype=np.int64)
    first = np.diff(clustering.cluster[order], prepend=-1) != 0
    seeds[clustering.cluster[order[first]]] = order[first]
    return seeds


def rank_members(
    evidence: Evidence,
    clustering: Clustering,
    seeds: npt.NDArray[np.int64],
    *,
    method: Method,
    followers: npt.NDArray[np.int64],
    total_interactions: npt.NDArray[np.int64],
    joined: npt.NDArray[np.int64] | None = None,
) -> Members:
    """Measure every member against the seed of its cluster and put all in order.

    Args:
        evidence: what the clustering was found in.
        clustering: what was found.
        seeds: int[n_clusters], the account that stands for each cluster number.
        method: seeded counts coverage against the seed, linkage against all other members.
        followers: int64[n_accounts].
        total_interactions: int64[n_accounts].
        joined: int64[n_accounts], order of joining, for ties; None: account number.

    Returns:
        Members sorted by cluster score, cluster, damped npmi, coverage, total interactions, followers, all descending.
    """
    account = np.flatnonzero(clustering.cluster >= 0)
    if joined is not None:
        account = account[np.argsort(joined[account], kind="stable")]
    cluster = clustering.cluster[account]
    seed = np.asarray(seeds, dtype=np.int64)[cluster] if len(account) else account
    sizes = np.bincount(cluster)
    units = evidence.n_units
    n_y, n_x = units[account], units[seed]
    arrays = (evidence.account_ptr, evidence.content, evidence.unit, evidence.n_contents)
    of, partner = account.astype(np.int32), seed.astype(np.int32)
    shared = np.minimum(units_shared_with(*arrays, of, partner), units_shared_with(*arrays, partner, of))
    pmi, npmi, damped = pointwise(shared, n_x, n_y, evidence.n_background)
    coverage = shared / np.maximum(n_y, 1)
    own = account == seed
    with np.errstate(divide="ignore"):
        pmi[own] = np.log2(evidence.n_background / n_y[own])
    npmi[own] = 1.0
    damped[own] = 1 - np.exp(-n_y[own] / 4)
    coverage[own] = 1.0
    if method == "linkage":
        coverage = units_covered(*arrays, clustering.cluster)[account] / np.maximum(n_y, 1)
    score = sizes[cluster] * np.log10(followers[seed] + 1.0) if len(account) else np.zeros(0)
    order = np.lexsort(
        (-followers[account], -total_interactions[account], -coverage, -damped, -cluster.astype(np.int64), -score)
    )
    return Members(
        account[order],
        cluster[order],
        seed[order],
        sizes[cluster][order] if len(account) else np.zeros(0, np.int64),
        score[order],
        n_y[order],
        coverage[order],
        pmi[order],
        npmi[order],
        damped[order],
    )
