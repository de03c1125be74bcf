"""Biographies: k = 2, 50, 200, 500 on 30,819 sparse rows of 308 words, ten starts, full silhouettes.

Scikit-learn beside, one run. Seconds on the clock with all cores, as the whole is waited for, and CPU seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from sm_assets.analysis.cluster_spec import ClusterSpec
from sm_assets.analysis.vector_clusters import cluster

TARGETS = {"wall_s": (30, 15)}
_N, _WORDS, _KS = 30_819, 308, (2, 50, 200, 500)


def biographies() -> Any:
    """TF-IDF as of short biographies: 1.8 known words each, a few words in many of them."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfTransformer

    random = np.random.default_rng(5)
    share = 1 / np.arange(3, _WORDS + 3)
    counts = random.poisson(1.95, _N)
    rows = np.repeat(np.arange(_N), counts)
    words = random.choice(_WORDS, len(rows), p=share / share.sum())
    found = csr_matrix((np.ones(len(rows)), (rows, words)), shape=(_N, _WORDS))
    found.sum_duplicates()
    return TfidfTransformer().fit_transform(found).tocsr()


def measure(repeats: int) -> dict[str, float]:
    """Seconds of both, and how the inertias compare."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    rows = biographies()
    threads = os.cpu_count() or 1
    spec = ClusterSpec("kmeans", metric="euclidean", grid=_KS, choose="silhouette", size_min=1)
    table: list[dict[str, Any]] = []
    inertia: list[float] = []

    def ours() -> None:
        table[:] = cluster(rows, np.arange(_N), spec, threads=threads).k_table

    def peer() -> None:
        for k in _KS:
            model = KMeans(k, n_init=10, random_state=42).fit(rows)
            silhouette_score(rows, model.labels_)
            inertia.append(float(model.inertia_))

    runs = [_timed(ours) for _ in range(repeats)]
    wall, cpu = (float(np.median(column)) for column in zip(*runs, strict=True))
    peer_wall, peer_cpu = _timed(peer)
    return {
        "wall_s": wall,
        "cpu_s": cpu,
        "peer_wall_s": peer_wall,
        "peer_cpu_s": peer_cpu,
        "wall_ratio": peer_wall / wall,
        "largest_inertia_ratio": max(row["inertia"] / told for row, told in zip(table, inertia, strict=True)),
    }


def _timed(task: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    task()
    return time.perf_counter() - wall, time.process_time() - cpu
