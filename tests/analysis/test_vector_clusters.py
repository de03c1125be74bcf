"""Clusters of vectors: planted groups by every preset, the order of rows, few and equal rows, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from sm_assets.analysis import reductions
from sm_assets.analysis.choice_of_k import Space, choose
from sm_assets.analysis.cluster_spec import ClusterSpec
from sm_assets.analysis.one_thread_tasks import child_seed
from sm_assets.analysis.reductions import nearest_neighbours, reduce_rows
from sm_assets.analysis.vector_clusters import Clustering, cluster
from sm_assets.contracts import TABLES
from sm_assets.errors import KernelError, OptionError

Rows = npt.NDArray[np.float32]
K_COLUMNS = [name for name in TABLES["out_cluster_k"].column_names if name not in {"analysis", "params_hash", "day"}]


def planted(sizes: tuple[int, ...], dimensions: int = 64, noise: float = 0.12, seed: int = 0) -> tuple[Rows, Any]:
    """Unit rows around random directions, as vectors of accounts lie around what they write about."""
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    centres = np.linalg.qr(random.normal(size=(dimensions, len(sizes))))[0].T
    rows = centres[truth] + random.normal(size=(len(truth), dimensions)) * noise
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    mixed = random.permutation(len(truth))
    return rows[mixed].astype(np.float32), truth[mixed]


def names(n: int) -> pa.Array:
    return pa.array([f"bluesky\x1f{(n * 7919 + i * 104729) % 1_000_003:07d}" for i in range(n)])


def same(a: Clustering, b: Clustering, order: npt.NDArray[np.int64]) -> bool:
    """Whether `b` says of the rows in `order` what `a` says of all, to the last bit."""
    return (
        np.array_equal(a.labels[order], b.labels)
        and np.array_equal(a.strength[order], b.strength)
        and np.array_equal(a.centres, b.centres)
        and (a.k_table, a.record) == (b.k_table, b.record)
    )


@pytest.mark.parametrize("preset", ["kmeans", "constrained", "reduced_kmeans", "hdbscan"])
def test_planted_groups_come_out_in_any_order_of_rows_with_any_number_of_threads(preset: str) -> None:
    rows, truth = planted((90, 70, 50, 40))
    keys, said = names(len(rows)), list[str]()
    order = np.random.default_rng(9).permutation(len(rows))
    spec = ClusterSpec(preset, grid=(2, 3, 4, 5))
    found = cluster(rows, keys, spec, log=said.append)
    again = cluster(rows[order], keys.take(pa.array(order)), spec, threads=2)
    assert same(found, again, order)
    member = found.labels >= 0
    assert adjusted_rand_score(truth[member], found.labels[member]) == 1
    assert member.mean() > 0.9
    assert member.all() or preset == "hdbscan"
    # By size, descending.
    assert np.array_equal(np.bincount(found.labels[member]), sorted(np.bincount(found.labels[member]))[::-1])
    assert found.n_clusters == 4
    assert found.strength.min() >= 0
    assert found.strength.max() <= 1
    assert found.record["reduce_used"] == ("none" if preset in {"kmeans", "constrained"} else "umap")
    assert found.centres.shape == (4, 64 if preset in {"kmeans", "constrained"} else 5)
    chosen = [row for row in found.k_table if row["chosen"]]
    assert [row["k"] for row in chosen] == [4]
    assert chosen[0]["reason"] == ("found" if preset == "hdbscan" else "best_silhouette")
    assert all(list(row) == K_COLUMNS for row in found.k_table)
    assert len(said) == (1 if preset == "hdbscan" else len(found.k_table) + (preset == "reduced_kmeans"))


def test_svd_and_pacmap_too() -> None:
    rows, truth = planted((90, 70, 60))
    for how in ("svd", "pacmap"):
        spec = ClusterSpec(k=3, reduce=how)
        found = cluster(rows, names(len(rows)), spec)
        assert same(found, cluster(rows, names(len(rows)), spec, threads=2), np.arange(len(rows)))
        assert adjusted_rand_score(truth, found.labels) == 1
        assert found.centres.shape == (3, 5)


def test_neighbours_are_the_nearest_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    rows = random.normal(size=(300, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for metric, distance in (
        ("cosine", 1 - rows @ rows.T),
        ("euclidean", np.linalg.norm(rows[:, None] - rows, axis=2)),
    ):
        np.fill_diagonal(distance, 0)
        for given in (rows, csr_matrix(rows)):
            monkeypatch.setattr(reductions, "_BLOCK", 300 * 70)
            place, far = nearest_neighbours(given, 6, metric, threads=2)
            assert np.array_equal(place, np.argsort(distance, axis=1)[:, :6])
            assert np.allclose(far, np.sort(distance, axis=1)[:, :6], atol=1e-6)


def test_few_rows_are_not_reduced() -> None:
    rows, truth = planted((70, 60, 50))
    found = cluster(rows, names(len(rows)), ClusterSpec(k=3))
    assert found.record["reduce_used"] == "none"
    assert "180 rows are too few for umap" in found.notices[0]
    assert adjusted_rand_score(truth, found.labels) == 1
    dense = cluster(rows, names(len(rows)), ClusterSpec("hdbscan"))
    assert dense.record["reduce_used"] == "svd"
    assert dense.n_clusters == 3


def test_sparse_rows_give_what_dense_rows_give() -> None:
    random = np.random.default_rng(4)
    rows = np.where(random.random((260, 40)) < 0.1, random.random((260, 40)), 0)
    rows[:, :4] += np.eye(4)[random.integers(0, 4, 260)] * 3
    for spec in (ClusterSpec("kmeans", 4), ClusterSpec("kmeans", 4, metric="euclidean"), ClusterSpec("constrained", 4)):
        dense, sparse = cluster(rows, names(260), spec), cluster(csr_matrix(rows), names(260), spec)
        assert np.array_equal(dense.labels, sparse.labels)
        assert np.allclose(dense.centres, sparse.centres)
        assert dense.k_table[0] == pytest.approx(sparse.k_table[0])


def test_a_weight_is_so_many_equal_rows() -> None:
    random = np.random.default_rng(5)
    rows, times = random.normal(size=(80, 6)), random.integers(1, 6, 80)
    spec = ClusterSpec("kmeans", 6, metric="euclidean")
    weighted = cluster(rows, names(80), spec, sample_weight=times.astype(float))
    owner = np.repeat(np.arange(80), times)
    repeated = cluster(rows[owner], pa.array([f"{names(80)[i]}/{at:04d}" for at, i in enumerate(owner)]), spec)
    assert weighted.k_table[0]["inertia"] == pytest.approx(repeated.k_table[0]["inertia"], rel=1e-9)
    assert weighted.k_table[0]["silhouette"] == pytest.approx(repeated.k_table[0]["silhouette"], abs=1e-9)
    # Sizes count repeats, so the numbers are the same too.
    assert np.array_equal(weighted.labels[owner], repeated.labels)
    assert repeated.record["distinct_rows"] == 80


def test_scikit_learns_own_draws_can_be_asked_for() -> None:
    random = np.random.default_rng(6)
    rows = csr_matrix(np.where(random.random((300, 50)) < 0.05, random.random((300, 50)), 0))
    told = KMeans(9, n_init=10, random_state=42).fit(rows)
    spec = ClusterSpec("kmeans", 9, metric="euclidean", random_state=42)
    found = cluster(rows, np.arange(300), spec)
    assert found.k_table[0]["inertia"] == pytest.approx(told.inertia_, rel=1e-9)
    assert len(set(zip(found.labels.tolist(), told.labels_.tolist(), strict=True))) == 9


def test_numbers_go_by_size_then_by_the_smallest_key() -> None:
    rows = np.repeat(np.eye(4, 6, dtype=np.float32), [2, 3, 3, 2], axis=0)
    keys = pa.array(["j", "c", "d", "e", "i", "a", "f", "g", "b", "h"])
    found = cluster(rows, keys, ClusterSpec("kmeans", 4))
    # The second and third have three members, and "a" is in the third; of the pairs "b" is in the last.
    assert found.labels.tolist() == [3, 3, 1, 1, 1, 0, 0, 0, 2, 2]


def test_k_is_lowered_to_the_number_of_distinct_rows() -> None:
    rows = np.repeat(np.eye(3, 8), 20, axis=0)
    for preset in ("kmeans", "reduced_kmeans", "constrained"):
        found = cluster(rows, names(60), ClusterSpec(preset, 5))
        assert found.n_clusters == 3
        assert found.k_table[0]["k"] == 3
        assert "k is lowered from 5 to 3, the number of distinct rows." in found.notices
        assert found.k_table[0]["silhouette"] == pytest.approx(1)


@pytest.mark.parametrize("preset", ["kmeans", "reduced_kmeans", "hdbscan", "constrained"])
def test_equal_rows_are_one_cluster_without_a_silhouette(preset: str) -> None:
    found = cluster(np.ones((250, 8)), names(250), ClusterSpec(preset))
    assert found.labels.tolist() == [0] * 250
    assert [(row["k"], row["silhouette"]) for row in found.k_table] == [(1, None)]
    assert found.k_table[0]["reason"] == ("found" if preset == "hdbscan" else "one_cluster")


def test_few_rows_and_none() -> None:
    assert cluster(np.zeros((0, 8)), names(0), ClusterSpec()).labels.tolist() == []
    rows = np.random.default_rng(1).random((19, 4))
    found = cluster(rows, names(19), ClusterSpec())
    assert found.n_clusters == 1
    assert any("19 rows are too few for 2 clusters" in notice for notice in found.notices)
    assert cluster(rows[:1], names(1), ClusterSpec("kmeans", 3)).labels.tolist() == [0]
    noise = cluster(rows[:5], names(5), ClusterSpec("hdbscan"))
    assert noise.labels.tolist() == [-1] * 5
    assert noise.k_table == []
    assert "all rows are noise" in noise.notices[-1]


def test_rows_of_zeros_are_clustered_like_others() -> None:
    rows, _ = planted((40, 40))
    rows[:5] = 0
    found = cluster(rows, names(80), ClusterSpec("kmeans", 3))
    assert len(set(found.labels[:5].tolist())) == 1
    assert np.isfinite(found.centres).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"preset": "dbscan"}, "preset must be one of"),
        ({"reduce": "pca"}, "reduce must be one of"),
        ({"metric": "l1"}, "metric must be one of"),
        ({"choose": "eye"}, "choose must be one of"),
        ({"k": 0}, "k must be at least 1"),
        ({"k": "many"}, "k must be a whole number"),
        ({"grid": ()}, "grid must be"),
        ({"grid": (3, 2)}, "grid must be"),
        ({"grid": (1, 2)}, "grid must be at least 2"),
        ({"size_min": 0}, "size_min must be at least 1"),
        ({"size_min": 5, "size_max": 4}, "size_max must be at least 5"),
        ({"tol": -1}, "tol must lie"),
        ({"random_state": 1}, "random_state belongs to the preset kmeans"),
    ],
)
def test_parameters_out_of_range_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        ClusterSpec(**change)


def test_input_that_does_not_fit_is_refused() -> None:
    rows = np.ones((3, 60))
    with pytest.raises(KernelError, match="one key per row"):
        cluster(rows, names(2), ClusterSpec())
    with pytest.raises(KernelError, match="distinct"):
        cluster(rows, pa.array(["a", "b", "a"]), ClusterSpec())
    with pytest.raises(KernelError, match="distinct and not null"):
        cluster(rows, pa.array(["a", "b", None]), ClusterSpec())
    with pytest.raises(KernelError, match="finite"):
        cluster(np.full((3, 2), np.nan), names(3), ClusterSpec())
    with pytest.raises(KernelError, match="finite and above 0"):
        cluster(rows, names(3), ClusterSpec(), sample_weight=np.array([1.0, 0.0, 1.0]))
    with pytest.raises(KernelError, match="3 keys and 2 weights"):
        cluster(rows, names(3), ClusterSpec(), sample_weight=np.ones(2))
    with pytest.raises(OptionError, match="sample_weight belongs to"):
        cluster(rows, names(3), ClusterSpec("constrained", 1, size_min=1), sample_weight=np.ones(3))
    with pytest.raises(OptionError, match="only noise in 60 dimensions"):
        cluster(rows, names(3), ClusterSpec("hdbscan", reduce="none"))


def test_stability_is_the_agreement_of_models_of_halves() -> None:
    rows, _ = planted((60, 50, 40), noise=0.3)
    exact = rows.astype(np.float64)
    space = Space(exact, np.ones(150), np.arange(150), np.ones(150), "euclidean")
    spec = ClusterSpec("kmeans", metric="euclidean")
    found = choose(space, [2, 3, 5], spec, 1, lambda _: None)
    for row in found.table:
        told = []
        for split in range(5):
            order = np.random.default_rng(child_seed(42, f"split {split}")).permutation(150)
            sides = [
                min(
                    (
                        KMeans(row["k"], n_init=1, random_state=child_seed(
                            42, f"start {number} of {row['k']} clusters of half {side} of split {split}"
                        )).fit(exact[half])
                        for number in range(10)
                    ),
                    key=lambda model: model.inertia_,
                ).predict(exact)
                for side, half in enumerate((np.sort(order[:75]), np.sort(order[75:])))
            ]  # fmt: skip
            told.append(adjusted_rand_score(*sides))
        assert row["stability"] == pytest.approx(np.mean(told), abs=1e-9)


def test_the_choice_is_the_highest_silhouette_among_what_is_stable_and_large_enough() -> None:
    rows, _ = planted((60, 50, 6), noise=0.05)
    reasons = {
        row["k"]: row["reason"] for row in cluster(rows, names(116), ClusterSpec("kmeans", grid=(2, 3, 4))).k_table
    }
    # Three groups are there, but one of them is too small.
    assert reasons[2] == "best_silhouette"
    assert reasons[3] == "small_cluster"
    assert set(reasons.values()) <= {"best_silhouette", "small_cluster", "unstable", "lower_silhouette"}
    by_silhouette = cluster(rows, names(116), ClusterSpec("kmeans", grid=(2, 3, 4), choose="silhouette"))
    assert [row["k"] for row in by_silhouette.k_table if row["chosen"]] == [3]
    assert {row["reason"] for row in by_silhouette.k_table} == {"best_silhouette", "lower_silhouette"}


def test_where_nothing_is_stable_the_most_stable_number_is_taken_with_a_warning() -> None:
    rows = np.random.default_rng(8).normal(size=(90, 12))
    found = cluster(rows, names(90), ClusterSpec("kmeans", grid=(3, 4, 5, 6)))
    chosen = next(row for row in found.k_table if row["chosen"])
    assert chosen["reason"] == "no_stable_k"
    assert chosen["stability"] == max(row["stability"] for row in found.k_table)
    assert any("No number of clusters is stable" in notice for notice in found.notices)


def test_a_number_whose_halves_have_too_few_distinct_rows_is_not_stable() -> None:
    rows = np.repeat(np.eye(3, 8), [28, 1, 1], axis=0)
    found = cluster(rows, names(30), ClusterSpec("kmeans", size_min=1))
    assert [(row["k"], row["stability"], row["eligible"]) for row in found.k_table] == [
        (2, None, False),
        (3, None, False),
    ]
    assert [row["reason"] for row in found.k_table] == ["no_stable_k", "unstable"]


def test_a_reduction_does_not_depend_on_threads() -> None:
    rows, _ = planted((100, 110))
    one, two = (
        reduce_rows(rows, "umap", n_components=3, n_neighbors=10, metric="cosine", seed=5, threads=threads)
        for threads in (1, 2)
    )
    assert np.array_equal(one, two)
    assert one.shape == (210, 3)
