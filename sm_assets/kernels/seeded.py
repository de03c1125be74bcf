"""Clustering around seeds, the hot loop's checking face.

Here: argument checks. Not here: the meaning of statuses and columns (`sm_assets.analysis.seeded`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _seeded

MIN_SEED_CONTENTS = 4


@dataclass(frozen=True, slots=True)
class Seeding:
    """Outcome over accounts, in the order of the accounts.

    Attributes:
        cluster: int32[n], number of the cluster (creations counted from 0, those of one account included) or -1.
        seeds: int32[n_clusters], first account of each cluster.
        best_cluster, second_cluster: int32[n], -1 where fewer clusters share a content.
        best_score, second_score: float64[n], nan likewise.
        steps: content-cluster meetings that were counted.
    """

    cluster: npt.NDArray[np.int32]
    seeds: npt.NDArray[np.int32]
    best_cluster: npt.NDArray[np.int32]
    second_cluster: npt.NDArray[np.int32]
    best_score: npt.NDArray[np.float64]
    second_score: npt.NDArray[np.float64]
    steps: int


def seed_accounts(
    account_ptr: npt.NDArray[np.int64],
    content: npt.NDArray[np.int32],
    order: npt.NDArray[np.int64],
    *,
    n_contents: int,
    n_background: int,
    min_threshold: float,
    second_cluster_factor: float,
) -> Seeding:
    """Visit the accounts in `order`; join the one matching cluster, or the clearly best, or seed a new one.

    Args:
        account_ptr: int64[n + 1], rows of account a are account_ptr[a]:account_ptr[a + 1].
        content: int32[n_rows], distinct inside an account.
        order: int64[k], accounts to visit.
        n_contents: contents are numbered 0..n_contents - 1.
        n_background: N, distinct contents of everybody.
        min_threshold: score from which an account matches.
        second_cluster_factor: how many times the best score must be the second.

    Raises:
        KernelError: arrays that do not fit together, or numbers out of range.
    """
    n = len(account_ptr) - 1
    if n < 0 or account_ptr[0] != 0 or account_ptr[-1] != len(content) or (np.diff(account_ptr) < 0).any():
        raise KernelError(f"account_ptr must rise from 0 to {len(content)}, the number of rows.")
    if len(content) and (content.min() < 0 or content.max() >= n_contents):
        raise KernelError(f"content numbers must lie in 0..{n_contents - 1}.")
    if len(order) and (order.min() < 0 or order.max() >= n):
        raise KernelError(f"order must name accounts 0..{n - 1}.")
    if not (math.isfinite(min_threshold) and math.isfinite(second_cluster_factor)):
        raise KernelError("min_threshold and second_cluster_factor must be finite.")
    cluster, best, second = (np.full(n, -1, dtype=np.int32) for _ in range(3))
    best_score, second_score = (np.full(n, np.nan) for _ in range(2))
    seeds, steps = _seeded.seed(
        np.ascontiguousarray(account_ptr, dtype=np.int64), np.ascontiguousarray(content, dtype=np.int32),
        np.ascontiguousarray(order, dtype=np.int64), n_contents, n_background, min_threshold, second_cluster_factor,
        MIN_SEED_CONTENTS, cluster, best, second, best_score, second_score,
    )  # fmt: skip
    return Seeding(cluster, np.array(seeds, dtype=np.int32), best, second, best_score, second_score, steps)
