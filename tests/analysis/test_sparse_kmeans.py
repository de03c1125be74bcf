"""k-means of sparse rows: the bits of scikit-learn, and the kernels behind it against plain loops on every level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans

from sm_assets.analysis.cluster_spec import ClusterSpec
from sm_assets.analysis.kmeans import best_fit, kmeans_start, kmeans_starts
from sm_assets.analysis.one_thread_tasks import one_thread
from sm_assets.analysis.vector_clusters import cluster
from sm_assets.errors import KernelError
from sm_assets.kernels.isa import LEVELS, isa, set_isa
from sm_assets.kernels.sparse_kmeans import closer_of, drawn_rows, member_sums, nearest_centres, squared_to_own
from sm_assets.kernels.sparse_rows import sparse_rows

Rows = npt.NDArray[np.float64]
HOW: dict[str, Any] = {"max_iter": 300, "tol": 1e-4}


def bios(n: int, d: int, share: float, seed: int, *, unit: bool = True, plain: bool = False) -> Rows:
    """Rows of few words, many of them equal or empty."""
    random = np.random.default_rng(seed)
    found = np.where(random.random((n, d)) < share, 1.0 if plain else random.integers(1, 4, (n, d)), 0.0)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return np.divide(found, length, out=found.copy(), where=length > 0) if unit else found


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.integers(3, 200), st.integers(1, 30), st.floats(0.01, 0.4), st.integers(1, 30), st.booleans(), st.booleans(),
    st.booleans(), st.integers(0, 10**6),
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_a_start_has_the_bits_of_scikit_learn(
    n: int, d: int, share: float, k: int, unit: bool, plain: bool, weighted: bool, seed: int
) -> None:
    # Also where rows are fewer than they seem: then clusters run empty and are given other rows.
    rows, k = csr_matrix(bios(n, d, share, seed, unit=unit, plain=plain)), min(k, n)
    weight = np.random.default_rng(seed).integers(1, 5, n).astype(float) if weighted else None
    with one_thread():
        told = KMeans(k, n_init=1, random_state=seed).fit(rows, sample_weight=weight)
        found = kmeans_start(rows, k, seed, weight=weight, **HOW)
    assert np.array_equal(found.labels, told.labels_)
    assert np.array_equal(found.centres, told.cluster_centers_)
    assert found.inertia == told.inertia_


@pytest.mark.parametrize(("max_iter", "tol"), [(1, 0.0), (2, 1e-4), (300, 0.05), (300, 0.0)])
def test_rounds_end_where_scikit_learns_do(max_iter: int, tol: float) -> None:
    rows = csr_matrix(bios(400, 30, 0.06, 1))
    with one_thread():
        told = KMeans(20, n_init=1, random_state=3, max_iter=max_iter, tol=tol).fit(rows)
        found = kmeans_start(rows, 20, 3, max_iter=max_iter, tol=tol)
    assert np.array_equal(found.labels, told.labels_)
    assert np.array_equal(found.centres, told.cluster_centers_)
    assert found.inertia == told.inertia_


def test_starts_of_one_stream_are_scikit_learns_in_any_order() -> None:
    rows = csr_matrix(bios(500, 40, 0.05, 2))
    tasks = kmeans_starts(rows, 25, 42, n_init=6, **HOW)
    assert len(tasks) == 6
    with one_thread():
        fits = [task() for task in tasks[::-1]][::-1]
        for n_init in (1, 3, 6):
            told = KMeans(25, n_init=n_init, random_state=42).fit(rows)
            best = best_fit(fits[:n_init])
            assert np.array_equal(best.labels, told.labels_)
            assert best.inertia == told.inertia_
    assert len({fit.inertia for fit in fits}) > 3


@pytest.mark.parametrize("threads", [1, 2])
def test_a_sweep_is_scikit_learns_sweep(threads: int) -> None:
    rows = csr_matrix(bios(600, 40, 0.05, 3))
    spec = ClusterSpec("kmeans", metric="euclidean", grid=(2, 9, 30), choose="silhouette", size_min=1, random_state=42)
    found = cluster(rows, np.arange(600), spec, threads=threads)
    with one_thread():
        models = [KMeans(k, n_init=10, random_state=42).fit(rows) for k in (2, 9, 30)]
    assert [row["inertia"] for row in found.k_table] == [model.inertia_ for model in models]
    chosen = next(model for model, row in zip(models, found.k_table, strict=True) if row["chosen"])
    assert len(set(zip(found.labels.tolist(), chosen.labels_.tolist(), strict=True))) == chosen.n_clusters


def test_rows_without_a_word_and_columns_without_a_row() -> None:
    rows = csr_matrix(np.array([[0.0, 0, 1], [0, 0, 0], [0, 0, 1], [0, 0, 0]]))
    assert kmeans_start(rows, 2, 0, **HOW).inertia == 0
    assert kmeans_start(csr_matrix((4, 3)), 1, 0, **HOW).labels.tolist() == [0, 0, 0, 0]
    assert kmeans_start(csr_matrix((4, 0)), 1, 0, max_iter=3, tol=0.0).centres.shape == (1, 0)


def test_zeros_that_are_stored_and_values_that_are_stored_twice_do_not_matter() -> None:
    plain = csr_matrix(np.array([[1.0, 2, 0], [0, 0, 0], [3, 0, 0]]))
    odd = csr_matrix(
        (np.array([2.0, 0.25, 0.75, 0.0, 1.0, 2.0]), np.array([1, 0, 0, 2, 0, 0]), np.array([0, 3, 4, 6])), (3, 3)
    )
    assert all(np.array_equal(a, b) for a, b in zip(sparse_rows(plain), sparse_rows(odd), strict=True))


@pytest.fixture(params=LEVELS)
def on_level(request: pytest.FixtureRequest) -> Iterator[str]:
    before = isa()
    if LEVELS.index(request.param) > LEVELS.index(before):
        pytest.skip(f"this machine has {before} at most")
    set_isa(request.param)
    yield request.param
    set_isa(before)


@pytest.mark.usefixtures("on_level")
@pytest.mark.parametrize("k", [1, 2, 15, 16, 17, 33, 100])
def test_the_nearest_centre_is_the_first_of_the_nearest(k: int) -> None:
    rows = bios(300, 12, 0.15, k, plain=True)
    centres = bios(k, 12, 0.2, k + 1, plain=True)
    # Equal centres, at unlike places of a block and in unlike blocks.
    centres[k // 2 :] = centres[: k - k // 2]
    score = np.zeros((300, k))
    for t in range(12):
        score += rows[:, t : t + 1] * centres[:, t]
    told = (np.einsum("ij,ij->i", centres, centres) - 2 * score).argmin(axis=1)
    assert np.array_equal(nearest_centres(sparse_rows(csr_matrix(rows)), centres), told)


@pytest.mark.usefixtures("on_level")
def test_distances_to_rows_are_those_of_all_pairs() -> None:
    rows = bios(200, 15, 0.1, 4, unit=False)
    rows[:20, :3] *= -1  # products that cancel
    known, asked = sparse_rows(csr_matrix(rows)), np.array([3, 3, 199, int((rows == 0).all(axis=1).argmax())])
    told = ((rows[asked][:, None] - rows) ** 2).sum(axis=2)
    closest = np.random.default_rng(5).random(200) * 20
    for bound in (np.full(200, np.inf), closest):
        np.testing.assert_allclose(closer_of(known, bound, asked), np.minimum(told, bound), atol=1e-12)


def test_sums_distances_and_draws_are_those_of_plain_loops() -> None:
    random = np.random.default_rng(6)
    rows, weight, labels = bios(90, 9, 0.2, 6), random.random(90), random.integers(0, 7, 90).astype(np.int32)
    known = sparse_rows(csr_matrix(rows))
    sums, mass = member_sums(known, weight, labels, 7)
    for number in range(7):
        own = labels == number
        np.testing.assert_allclose(sums[number], (rows[own] * weight[own, None]).sum(axis=0))
        assert mass[number] == pytest.approx(weight[own].sum())
    centres = random.random((7, 9))
    np.testing.assert_allclose(squared_to_own(known, labels, centres), ((rows - centres[labels]) ** 2).sum(axis=1))
    total = np.cumsum(weight * rows[:, 0])
    drawn = np.array([0.0, total[40], total[40] + 1e-9, total[-1], total[-1] * 2])
    assert drawn_rows(weight, rows[:, 0].copy(), drawn).tolist() == [
        min(int((total < number).sum()), 89) for number in drawn
    ]


def test_what_does_not_fit_is_refused() -> None:
    known = sparse_rows(csr_matrix(np.eye(3)))
    labels = np.zeros(3, np.int32)
    for call, words in (
        (lambda: nearest_centres(known, np.zeros((0, 3))), "at least one"),
        (lambda: nearest_centres(known, np.zeros((2, 4))), "3 columns"),
        (lambda: nearest_centres(known, np.full((2, 3), np.nan)), "finite"),
        (lambda: member_sums(known, np.ones(2), labels, 1), "2 for 3 rows"),
        (lambda: member_sums(known, np.ones(3), labels + 1, 1), r"in 0\.\.0"),
        (lambda: squared_to_own(known, labels[:2], np.zeros((2, 3))), "3 numbers"),
        (lambda: closer_of(known, np.ones(2), np.zeros(1, np.int64)), "2 for 3 rows"),
        (lambda: closer_of(known, np.ones(3), np.array([3])), r"in 0\.\.2"),
        (lambda: drawn_rows(np.ones(2), np.ones(3), np.ones(1)), "3 for 2 weights"),
        (lambda: drawn_rows(np.ones(0), np.ones(0), np.ones(1)), "at least one"),
        (lambda: sparse_rows(csr_matrix(np.array([[np.inf]]))), "finite"),
    ):
        with pytest.raises(KernelError, match=words):
            call()
