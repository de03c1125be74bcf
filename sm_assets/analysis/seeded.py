"""Clustering around seeds: the original program's method.

Here: the method over `Evidence` with one content per piece. Not here: the improved method (`linkage`), output
columns (`cosharing`).

Accounts are visited once, by total interactions. Each is compared with the first account of every cluster (its seed)
and joins the only match, or the best if it is clearly the best; otherwise it seeds a cluster of its own, if it has
contents enough.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.clustering import LONE_SEED, MEMBER, TOO_FEW_CONTENTS, UNSHARED, Clustering
from sm_assets.analysis.defaults import METHOD_DEFAULTS
from sm_assets.analysis.evidence import Evidence
from sm_assets.kernels.seeded import seed_accounts

DEFAULT_THRESHOLD, DEFAULT_FACTOR = METHOD_DEFAULTS["seeded"]
HEAVY_STEPS: Final = 10**9


def visiting_order(
    total_interactions: npt.NDArray[np.int64], tie: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.int64]:
    """int64[n]: accounts by total interactions, descending; ties by `tie` ascending (None: by account number)."""
    if tie is None:
        return np.argsort(-total_interactions, kind="stable").astype(np.int64)
    return np.lexsort((tie, -total_interactions)).astype(np.int64)


def seed_clusters(
    evidence: Evidence,
    order: npt.NDArray[np.int64],
    *,
    min_threshold: float = DEFAULT_THRESHOLD,
    second_cluster_factor: float = DEFAULT_FACTOR,
) -> tuple[Clustering, npt.NDArray[np.int64]]:
    """Cluster the accounts around seeds.

    Args:
        evidence: one content per piece of evidence (primary contents only).
        order: int64[n_accounts], accounts in visiting order.
        min_threshold: score from which an account matches a cluster, 0..1.
        second_cluster_factor: how many times the best score must be the second.

    Returns:
        The clustering (clusters of one account are dropped, so numbers have gaps) and int64[n_clusters], the seed of
        every number.

    Source: jdallen83/sm_content_clustering, 2021 (MIT).
    """
    found = seed_accounts(
        evidence.account_ptr,
        evidence.content,
        order,
        n_contents=evidence.n_contents,
        n_background=evidence.n_background,
        min_threshold=min_threshold,
        second_cluster_factor=second_cluster_factor,
    )
    sizes = np.bincount(found.cluster[found.cluster >= 0], minlength=len(found.seeds))
    placed = found.cluster >= 0
    lone = placed & (sizes[np.where(placed, found.cluster, 0)] < 2) if len(sizes) else placed
    member = placed & ~lone
    n_shared = pieces_shared(evidence)
    status = np.full(evidence.n_accounts, TOO_FEW_CONTENTS, dtype=np.uint8)
    status[lone] = LONE_SEED
    status[n_shared == 0] = UNSHARED
    status[member] = MEMBER
    best, second = found.best_cluster.copy(), found.second_cluster.copy()
    best_score, second_score = found.best_score.copy(), found.second_score.copy()
    # A seed was never scored against itself; what it came closest to before is its second.
    seed = found.seeds[sizes >= 2]
    second[seed], second_score[seed] = best[seed], best_score[seed]
    best[seed], best_score[seed] = found.cluster[seed], 1 - np.exp(-evidence.n_units[seed] / 4)
    # Clusters of one are dropped, as answers too.
    for cluster, score in ((second, second_score), (best, best_score)):
        dropped = (cluster >= 0) & (sizes[np.where(cluster >= 0, cluster, 0)] < 2) if len(sizes) else cluster >= 0
        cluster[dropped], score[dropped] = -1, np.nan
    return (
        Clustering(
            cluster=np.where(member, found.cluster, -1).astype(np.int32),
            status=status,
            best_cluster=best,
            second_cluster=second,
            best_score=best_score,
            second_score=second_score,
            n_shared=n_shared,
        ),
        found.seeds.astype(np.int64),
    )


def pieces_shared(evidence: Evidence) -> npt.NDArray[np.int32]:
    """int32[n_accounts]: pieces of evidence that at least one other account carries."""
    carriers = np.bincount(evidence.content, minlength=evidence.n_contents)
    rows = np.flatnonzero(carriers[evidence.content] > 1)
    account = np.searchsorted(evidence.account_ptr, rows, side="right") - 1
    new = (np.diff(account, prepend=-1) != 0) | (np.diff(evidence.unit[rows], prepend=-1) != 0)
    return np.bincount(account[new], minlength=evidence.n_accounts).astype(np.int32)
