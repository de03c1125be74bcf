"""Silhouettes in one pass, against scikit-learn's, and the kernel behind them on every level of instructions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import silhouette_samples, silhouette_score

from sm_assets.analysis import silhouette as module
from sm_assets.analysis.silhouette import silhouettes
from sm_assets.errors import KernelError
from sm_assets.kernels.isa import LEVELS, isa, set_isa
from sm_assets.kernels.silhouette import add_columns, add_near
from sm_assets.kernels.sparse_rows import sparse_rows

METRICS = ("euclidean", "cosine")


@pytest.fixture
def rows() -> npt.NDArray[np.float64]:
    """Rows of which many are equal and one is zero."""
    random = np.random.default_rng(0)
    found = np.where(random.random((400, 12)) < 0.3, random.normal(size=(400, 12)), 0)
    found[100:180] = found[:80]
    found[5:8] = 0
    return found


@pytest.fixture
def labellings() -> list[npt.NDArray[np.int64]]:
    random = np.random.default_rng(1)
    alone = random.integers(0, 3, 400)
    alone[7] = 3
    return [random.integers(0, k, 400) for k in (2, 5, 40)] + [alone]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["dense", "sparse", "float32"])
def test_all_labellings_have_the_values_of_scikit_learn(
    rows: npt.NDArray[np.float64], labellings: list[npt.NDArray[np.int64]], metric: str, kind: str
) -> None:
    given = {"dense": rows, "sparse": csr_matrix(rows), "float32": rows.astype(np.float32)}[kind]
    found = silhouettes(given, labellings, metric=metric)
    assert np.array_equal(found.rows, np.arange(400))
    for labels, values, mean in zip(labellings, found.values, found.means, strict=True):
        # scikit-learn's own distances of sparse rows are exact to 1e-8 only.
        assert np.abs(values - silhouette_samples(given, labels, metric=metric)).max() < 1e-6
        assert mean == pytest.approx(silhouette_score(given, labels, metric=metric), abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("lengths", [0, 1, 3, 400])
def test_sparse_rows_of_few_lengths_have_the_values_of_scikit_learn(
    rows: npt.NDArray[np.float64], labellings: list[npt.NDArray[np.int64]], metric: str, lengths: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    given = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    given *= np.random.default_rng(3).integers(1, max(lengths, 1) + 1, (400, 1)) if lengths else 1e-9
    values = silhouettes(csr_matrix(given), labellings, metric=metric).values
    for labels, own in zip(labellings, values, strict=True):
        assert np.abs(own - silhouette_samples(given, labels, metric=metric)).max() < 1e-6
    # One by one, in blocks of distances, they are the same.
    monkeypatch.setattr(module, "_MOST_LENGTHS", 0)
    for own, other in zip(values, silhouettes(csr_matrix(given), labellings, metric=metric).values, strict=True):
        assert np.abs(own - other).max() < 1e-7


@pytest.mark.parametrize("metric", METRICS)
def test_a_weight_is_so_many_equal_rows(rows: npt.NDArray[np.float64], metric: str) -> None:
    random = np.random.default_rng(2)
    few, labels, times = rows[:90], random.integers(0, 4, 90), random.integers(1, 5, 90)
    folded = silhouettes(few, [labels], metric=metric, weight=times.astype(float))
    told = silhouette_samples(np.repeat(few, times, axis=0), np.repeat(labels, times), metric=metric)
    assert np.abs(np.repeat(folded.values[0], times) - told).max() < 1e-7
    assert folded.means[0] == pytest.approx(told.mean(), abs=1e-7)


def test_equal_rows_in_unlike_clusters_are_told_apart(rows: npt.NDArray[np.float64]) -> None:
    labels = np.arange(400) % 2
    assert (labels[:80] == labels[100:180]).all()
    labels[100:180] = 1 - labels[:80]
    assert np.abs(silhouettes(rows, [labels]).values[0] - silhouette_samples(rows, labels)).max() < 1e-7


def test_threads_do_not_change_a_bit(rows: npt.NDArray[np.float64], labellings: list[npt.NDArray[np.int64]]) -> None:
    for given in (rows, csr_matrix(rows)):
        one, two = (silhouettes(given, labellings, threads=threads) for threads in (1, 2))
        assert all(np.array_equal(a, b) for a, b in zip(one.values, two.values, strict=True))


def test_one_cluster_has_no_mean(rows: npt.NDArray[np.float64]) -> None:
    found = silhouettes(rows, [np.zeros(400, np.int64), np.full(400, 7), np.arange(400) % 2])
    assert found.means[:2] == [None, None]
    assert found.means[2] is not None
    assert not found.values[0].any()


def test_many_distinct_rows_are_sampled_by_a_seed(
    rows: npt.NDArray[np.float64], labellings: list[npt.NDArray[np.int64]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 300)
    monkeypatch.setattr(module, "SAMPLE_ROWS", 200)
    found, again, other = (silhouettes(rows, labellings[:1], seed=seed) for seed in (1, 1, 2))
    assert len(set(found.rows.tolist())) == len(found.values[0]) == 200
    told = silhouette_samples(rows[found.rows], labellings[0][found.rows])
    assert np.abs(found.values[0] - told).max() < 1e-7
    assert found.means == again.means
    assert found.means != other.means


def test_rows_that_are_equal_do_not_count_towards_the_limit(
    rows: npt.NDArray[np.float64], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 50)
    labels = np.arange(40) % 2
    repeated, own = np.tile(rows[:40], (10, 1)), np.tile(labels, 10)
    found = silhouettes(repeated, [own])
    assert len(found.rows) == 400
    assert np.abs(found.values[0] - silhouette_samples(repeated, own)).max() < 1e-7


def test_what_is_no_labelling_is_refused(rows: npt.NDArray[np.float64]) -> None:
    with pytest.raises(KernelError, match="400 numbers"):
        silhouettes(rows, [np.zeros(3, np.int64)])
    with pytest.raises(KernelError, match="from 0 on"):
        silhouettes(rows, [np.full(400, -1)])
    with pytest.raises(KernelError, match="manhattan"):
        silhouettes(rows, [np.zeros(400, np.int64)], metric="manhattan")


@pytest.fixture
def lowered() -> Iterator[None]:
    before = isa()
    yield
    set_isa(before)


@pytest.mark.usefixtures("lowered")
def test_every_level_of_instructions_adds_to_the_same_bits() -> None:
    random = np.random.default_rng(4)
    distance, weight = random.random((70, 37)), random.random(90)
    bins = random.integers(0, 11, (3, 90)).astype(np.int32)
    told = np.zeros((11, 37))
    for j in range(70):
        for own in bins:
            told[own[20 + j]] += weight[20 + j] * distance[j]
    best = LEVELS.index(isa())
    for level in LEVELS[: best + 1]:
        set_isa(level)
        sums = np.zeros((11, 37))
        add_columns(distance, weight, bins, 20, sums)
        assert np.array_equal(sums, told), level


def test_the_kernel_refuses_what_does_not_fit() -> None:
    distance, weight, sums = np.zeros((4, 3)), np.ones(4), np.zeros((2, 3))
    with pytest.raises(KernelError, match="do not fit"):
        add_columns(distance, weight, np.zeros((1, 5), np.int32), 0, sums)
    with pytest.raises(KernelError, match="do not fit"):
        add_columns(distance, weight, np.zeros((1, 4), np.int32), 1, sums)
    with pytest.raises(KernelError, match=r"0\.\.1"):
        add_columns(distance, weight, np.full((1, 4), 2, np.int32), 0, sums)


def test_the_kernel_of_sparse_rows_refuses_what_does_not_fit() -> None:
    rows = sparse_rows(csr_matrix(np.eye(4)))
    group, weight, bins = np.zeros(4, np.int32), np.ones(4), np.zeros((4, 1), np.int32)
    base, sums = np.ones((2, 1)), np.zeros((2, 1))
    with pytest.raises(KernelError, match="3 groups"):
        add_near(rows, group[:3], weight, bins, 0, base, sums, cosine=True)
    with pytest.raises(KernelError, match="from 3 on"):
        add_near(rows, group, weight, bins, 3, base, sums, cosine=True)
    with pytest.raises(KernelError, match=r"groups must lie in 0\.\.0"):
        add_near(rows, group + 1, weight, bins, 0, base, sums, cosine=True)
    with pytest.raises(KernelError, match=r"bins must lie in 0\.\.0; found -1"):
        add_near(rows, group, weight, bins - 1, 0, base, sums, cosine=True)
    add_near(rows, group, weight, bins, 0, base, sums, cosine=True)
    assert sums.tolist() == [[-1], [-1]]  # each shares words with itself only
