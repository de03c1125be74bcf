"""Null models of shared audiences: against another package's answers, node-by-node solving and counting by hand."""

from __future__ import annotations

import json
from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import root
from scipy.stats import poisson

from sm_assets.analysis import bipartite_fit, null_models
from sm_assets.analysis.null_models import NULLS, DegreeClasses, benjamini_hochberg, null_model
from sm_assets.errors import KernelError, OptionError

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "bicm.json").read_text(encoding="utf-8"))


def matrix_of(seed: int, n_followers: int, n_influencers: int, spread: float, level: float) -> np.ndarray:
    draws = np.random.default_rng(seed)
    odds = np.exp(draws.normal(level, spread, (n_followers, 1)) + draws.normal(0, spread, (1, n_influencers)))
    return draws.random((n_followers, n_influencers)) < odds / (1 + odds)


def bicm_of(matrix: np.ndarray) -> null_models.NullModel:
    return null_model("bicm", matrix.sum(axis=0), DegreeClasses.of(matrix.sum(axis=1)), len(matrix))


def pairs_of(n: int) -> tuple[np.ndarray, np.ndarray]:
    i, j = np.triu_indices(n, 1)
    return i.astype(np.int32), j.astype(np.int32)


@pytest.mark.parametrize("shape", sorted(GOLDEN))
def test_expectation_is_that_of_the_package_bicm(shape: str) -> None:
    told = {name: np.array(values) for name, values in GOLDEN[shape].items()}
    model = null_model("bicm", told["sizes"], DegreeClasses.of(told["degrees"]), len(told["degrees"]))
    assert model.metadata["null_residual"] < 1e-6
    found = model.expected(told["i"], told["j"])
    assert len(found) > 10
    np.testing.assert_allclose(found, told["expected"], rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize(("seed", "level"), [(1, -2.0), (2, -1.0), (3, 0.5)])
def test_expectation_is_that_of_solving_for_every_node(seed: int, level: float) -> None:
    matrix = matrix_of(seed, 30, 9, 0.8, level)
    matrix = matrix[matrix.any(axis=1) & ~matrix.all(axis=1)]
    matrix = matrix[:, matrix.any(axis=0) & ~matrix.all(axis=0)]
    degree, size = matrix.sum(axis=1), matrix.sum(axis=0)
    assert degree.max() < len(size) > 5

    def missed(z: np.ndarray) -> np.ndarray:
        p = 1 / (1 + np.exp(-(z[: len(degree), None] + z[None, len(degree) :])))
        return np.concatenate([p.sum(axis=1) - degree, (p.sum(axis=0) - size)])

    start = np.concatenate([np.log(degree / degree.sum()), np.log(size)])
    z = root(missed, start, method="lm", options={"xtol": 1e-13, "ftol": 1e-13, "maxiter": 20_000}).x
    assert np.abs(missed(z)).max() < 1e-7
    p = 1 / (1 + np.exp(-(z[: len(degree), None] + z[None, len(degree) :])))
    i, j = pairs_of(len(size))
    np.testing.assert_allclose(bicm_of(matrix).expected(i, j), (p.T @ p)[i, j], rtol=1e-6)


@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(2, 12), st.floats(0, 2), st.floats(-3, 2))
@settings(max_examples=60, deadline=None)
def test_probabilities_meet_every_degree(seed: int, n_followers: int, n: int, spread: float, level: float) -> None:
    matrix = matrix_of(seed, n_followers, n, spread, level)
    degree, count = np.unique(matrix.sum(axis=1), return_counts=True)
    size, alike = np.unique(matrix.sum(axis=0), return_counts=True)
    fit = bipartite_fit.fit_bipartite(degree, count, size, alike)
    p = fit.probabilities(slice(None))
    assert p.min() >= 0
    assert p.max() <= 1
    np.testing.assert_allclose(p @ alike, degree, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(count @ p, size, rtol=1e-6, atol=1e-9)


def test_degrees_that_leave_no_choice_are_certain() -> None:
    # Follower 0 follows all, 1 follows a alone; everybody follows a; nobody follows d.
    matrix = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]], bool)
    model = bicm_of(matrix)
    a, b, c, d = range(4)
    found = model.expected(np.array([a, a, a, b, b, c]), np.array([b, c, d, c, d, d]))
    # a shares with each what the other has; b and c share follower 0, and by chance 3 * (2/3 * 1/3) of the rest.
    np.testing.assert_allclose(found, [3, 2, 0, 1 + 2 / 3, 0, 0], rtol=1e-6, atol=1e-9)
    assert model.metadata["null_influencers_aside"] == 2
    # Follower 0 has everybody, follower 1 nobody that is left.
    assert model.metadata["null_followers_aside"] == 2


def test_nested_follows_are_all_certain() -> None:
    matrix = np.tri(12, 8, 2, dtype=bool)
    model = bicm_of(matrix)
    i, j = pairs_of(8)
    shared = matrix.T.astype(int) @ matrix
    np.testing.assert_allclose(model.expected(i, j), shared[i, j])
    assert model.metadata["null_followers_aside"] == 12


def test_degrees_that_only_endless_odds_would_meet_are_met_all_the_same() -> None:
    # The two who follow c and d must follow a and b: no degree is full, but probabilities are 0 and 1.
    matrix = np.array([[1, 1, 1, 0], [1, 1, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]], bool)
    found = bicm_of(matrix).expected(*pairs_of(4))
    np.testing.assert_allclose(found, [2.5, 1, 1, 1, 1, 0.5], rtol=1e-4)


def test_everybody_follows_everybody_surprises_nobody() -> None:
    model = bicm_of(np.ones((50, 6), bool))
    i, j = pairs_of(6)
    np.testing.assert_allclose(model.expected(i, j), 50)
    assert model.p_values(i, j, np.full(len(i), 50)).min() > 0.4


def test_tables_and_factors_and_recomputed_blocks_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = matrix_of(5, 900, 300, 1.2, -2.5)
    matrix[3] = True
    i, j = pairs_of(300)
    table = bicm_of(matrix).expected(i, j)
    monkeypatch.setattr(null_models, "_TABLE_CLASSES", 10)
    monkeypatch.setattr(bipartite_fit, "_SAMPLE", 4)
    model = bicm_of(matrix)
    assert model._factors is not None
    assert model._factors.shape[1] < 40
    np.testing.assert_allclose(model.expected(i, j), table, rtol=1e-7)
    monkeypatch.setattr(bipartite_fit, "_BLOCK", 500)
    monkeypatch.setattr(null_models, "_CHUNK", 999)
    monkeypatch.setattr(null_models, "_TABLE_CLASSES", 2048)
    blocks = bicm_of(matrix)
    np.testing.assert_allclose(blocks.expected(i, j), table, rtol=1e-7)
    np.testing.assert_allclose(blocks.p_values(i, j, np.full(len(i), 3)), poisson.sf(2, table), rtol=1e-6)


def test_tail_is_poisson_at_whole_numbers_and_falls_between_them() -> None:
    matrix = matrix_of(7, 400, 12, 0.8, -1.5)
    i, j = pairs_of(12)
    for kind in ("bicm", "chung_lu"):
        model = null_model(kind, matrix.sum(axis=0), DegreeClasses.of(matrix.sum(axis=1)), 400)
        mu = model.expected(i, j)
        shared = np.arange(len(i)) % 40
        np.testing.assert_allclose(model.p_values(i, j, shared), poisson.sf(shared - 1, mu), rtol=1e-9)
        below, between, above = (model.p_values(i, j, shared + more) for more in (0, 0.5, 1))
        told = (below < 0.999) & (above > 0)
        assert told.sum() > 20
        assert (between < below)[told].all()
        assert (between > above)[told].all()


def test_chung_lu_is_the_formula() -> None:
    classes = DegreeClasses(np.array([1, 3]), np.array([5, 4]))
    model = null_model("chung_lu", np.array([9, 5, 3]), classes, 9)
    assert model.expected(np.array([0, 1]), np.array([1, 2])).tolist() == pytest.approx(
        [9 * 5 * 24 / 17**2, 5 * 3 * 24 / 17**2]
    )


@pytest.mark.parametrize("n", [10, 33, 60])
def test_hypergeometric_tail_is_counted(n: int) -> None:
    draws = np.random.default_rng(n)
    sizes = draws.integers(0, n + 1, 30)
    model = null_model("hypergeometric", sizes, DegreeClasses.of(np.zeros(0, int)), n)
    i, j = pairs_of(30)
    shared = draws.integers(0, n + 1, len(i))
    exact = []
    for a, b, x in zip(sizes[i].tolist(), sizes[j].tolist(), shared.tolist(), strict=True):
        ways = sum(comb(a, k) * comb(n - a, b - k) for k in range(x, min(a, b) + 1) if b - k <= n - a)
        exact.append(float(Fraction(ways, comb(n, b))))
    np.testing.assert_allclose(model.p_values(i, j, shared), exact, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(model.expected(i, j), sizes[i] * sizes[j] / n)


def test_false_discovery_rate_counts_tests_that_are_not_listed() -> None:
    p = np.array([0.04, 0.001, 0.03, 0.5, 0.001])
    # By hand: p m / rank, then the least of all larger ranks.
    np.testing.assert_allclose(benjamini_hochberg(p, 10), [0.1, 0.005, 0.1, 1.0, 0.005])
    whole = np.concatenate([p, np.ones(5)])
    np.testing.assert_allclose(benjamini_hochberg(p, 10), benjamini_hochberg(whole, 10)[:5])
    assert len(benjamini_hochberg(np.zeros(0), 0)) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(0, 50), st.floats(0.001, 0.5))
@settings(max_examples=100, deadline=None)
def test_kept_tests_are_those_of_stepping_up(p: list[float], more: int, alpha: float) -> None:
    q = benjamini_hochberg(np.array(p), len(p) + more)
    ranked = sorted(p)
    passing = [k for k in range(1, len(p) + 1) if ranked[k - 1] * ((len(p) + more) / k) <= alpha]
    bound = ranked[max(passing) - 1] if passing else -1.0
    assert (q <= alpha).tolist() == [value <= bound for value in p]


def test_none_and_one_influencer() -> None:
    nobody = np.zeros(0, np.int32)
    for kind in NULLS:
        for sizes, degrees in ((np.zeros(0, int), np.zeros(0, int)), (np.array([3]), np.ones(3, int))):
            model = null_model(kind, sizes, DegreeClasses.of(degrees), 3)
            assert len(model.expected(nobody, nobody)) == len(model.p_values(nobody, nobody, nobody)) == 0


def test_what_does_not_fit_is_refused() -> None:
    sizes, classes = np.array([3, 2]), DegreeClasses.of(np.array([2, 2, 1]))
    with pytest.raises(OptionError, match="bicm"):
        null_model("poisson", sizes, classes, 3)  # type: ignore[arg-type]
    with pytest.raises(KernelError, match="same edges"):
        null_model("bicm", np.array([3, 3]), classes, 3)
    with pytest.raises(KernelError, match="no follows can meet"):
        null_model("bicm", np.array([4, 2]), DegreeClasses.of(np.array([2, 2, 2])), 3)
    with pytest.raises(KernelError, match="does not fit"):
        null_model("hypergeometric", sizes, classes, 2)
    with pytest.raises(KernelError, match="negative"):
        null_model("bicm", np.array([6, -1]), classes, 3)
    with pytest.raises(KernelError, match="distinct"):
        DegreeClasses(np.array([1, 1]), np.array([2, 3]))
    model = null_model("bicm", sizes, classes, 3)
    for i, j, shared in (([0], [2], [1]), ([0], [1, 1], [1]), ([0], [1], [1, 2]), ([0], [1], [-1]), ([-1], [1], [1])):
        with pytest.raises(KernelError):
            model.p_values(np.array(i), np.array(j), np.array(shared))
    with pytest.raises(KernelError, match="at least as many"):
        benjamini_hochberg(np.ones(3), 2)
    with pytest.raises(KernelError, match=r"0\.\.1"):
        benjamini_hochberg(np.array([np.nan]), 2)
