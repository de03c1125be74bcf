"""k-means with bounds of sizes: held bounds, a minimum that nothing near improves, the golden partition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from sm_assets.analysis.cluster_spec import ClusterSpec
from sm_assets.analysis.constrained_kmeans import constrained_kmeans
from sm_assets.analysis.kmeans import Fit
from sm_assets.analysis.vector_clusters import cluster
from sm_assets.errors import OptionError
from sm_assets.kernels.transfers import assign_within


def best(rows: Any, k: int, size_min: int, size_max: int | None = None, starts: int = 10) -> Fit:
    return constrained_kmeans(
        rows, k, list(range(starts)), size_min=size_min, size_max=size_max, max_iter=300, tol=1e-4
    )


def test_starts_side_by_side_are_the_starts_one_by_one() -> None:
    rows = np.random.default_rng(5).normal(size=(200, 6))
    bounds: dict[str, Any] = {"size_min": 30, "size_max": 45, "max_iter": 300, "tol": 1e-4}
    alone = [constrained_kmeans(rows, 5, [state], **bounds) for state in range(6)]
    together = constrained_kmeans(rows, 5, list(range(6)), **bounds)
    told = min(alone, key=lambda fit: fit.inertia)
    assert len({round(fit.inertia, 6) for fit in alone}) > 2
    assert together.inertia == pytest.approx(told.inertia, rel=1e-12)
    assert np.array_equal(together.labels, told.labels)


def test_bounds_are_kept_and_the_result_is_a_fixed_point() -> None:
    rows, _ = make_blobs([150, 20, 10], centers=np.array([[0, 0], [6, 0], [0, 6]]), random_state=1)
    fit = best(rows, 3, 40, 80)
    sizes = np.bincount(fit.labels)
    assert sizes.min() >= 40
    assert sizes.max() <= 80
    means = np.stack([rows[fit.labels == number].mean(axis=0) for number in range(3)])
    assert np.allclose(fit.centres, means)
    assert fit.inertia == pytest.approx(((rows - means[fit.labels]) ** 2).sum())
    cost = ((rows[:, None] - fit.centres) ** 2).sum(axis=2)
    again = cost[np.arange(len(rows)), assign_within(cost, 40, 80)].sum()
    assert again >= fit.inertia * (1 - 1e-3)


def test_where_nothing_binds_it_is_k_means() -> None:
    rows, _ = make_blobs(400, 10, centers=5, random_state=2)
    assert best(rows, 5, 10).inertia == pytest.approx(KMeans(5, n_init=10, random_state=0).fit(rows).inertia_)


def test_sparse_rows_give_what_dense_rows_give() -> None:
    random = np.random.default_rng(3)
    rows = np.where(random.random((120, 30)) < 0.2, random.random((120, 30)), 0)
    dense, sparse = best(rows, 4, 25, starts=3), best(csr_matrix(rows), 4, 25, starts=3)
    assert np.array_equal(dense.labels, sparse.labels)
    assert dense.inertia == pytest.approx(sparse.inertia, abs=1e-9)


@pytest.mark.parametrize("k", [4, "auto"])
def test_sizes_that_cannot_be_are_refused_before_any_work(k: int | str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).random((39, 3))
    if k == 4:
        monkeypatch.setattr("sm_assets.analysis.vector_clusters.distinct_rows", None)
        with pytest.raises(OptionError, match="need 40 rows; there are 39"):
            cluster(rows, np.arange(39), ClusterSpec("constrained", 4, size_min=10))
        with pytest.raises(OptionError, match="hold 36 rows; there are 39"):
            cluster(rows, np.arange(39), ClusterSpec("constrained", 4, size_min=1, size_max=9))
    else:
        found = cluster(rows, np.arange(39), ClusterSpec("constrained", k, size_min=10, size_max=14))
        assert [row["k"] for row in found.k_table] == [3]


@pytest.mark.shared_data
def test_the_golden_partition_of_the_personas(shared_data: Path) -> None:
    folder = shared_data / "personas" / "out_k4"
    stored = np.load(folder / "user_embeddings.npz", allow_pickle=False)
    told = json.loads((folder / "user_clusters.json").read_text())
    spec = ClusterSpec("constrained", 4, metric="euclidean", size_min=10)
    found = cluster(stored["emb"], stored["users"], spec)
    pairs = set(zip(found.labels.tolist(), (told[user] for user in stored["users"]), strict=True))
    assert len(stored["users"]) == 108
    assert len(pairs) == len({label for label, _ in pairs}) == len({name for _, name in pairs}) == 4

    chosen = ClusterSpec("constrained", metric="euclidean", size_min=10, grid=tuple(range(2, 11)), choose="silhouette")
    auto = cluster(stored["emb"], stored["users"], chosen)
    assert np.array_equal(auto.labels, found.labels)
    assert all(row["stability"] is None for row in auto.k_table)
