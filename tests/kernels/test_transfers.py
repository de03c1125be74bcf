"""The cheapest assignment under bounds of sizes, against linear programs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from sm_assets.errors import KernelError
from sm_assets.kernels.transfers import assign_within


def least_cost(cost: npt.NDArray[np.float64], least: int, most: int) -> float:
    """The transport problem as a linear program; its corners are whole rows."""
    n, k = cost.shape
    of_row = np.kron(np.eye(n), np.ones(k))
    of_cluster = np.kron(np.ones(n), np.eye(k))
    found = linprog(
        cost.ravel(),
        A_ub=np.vstack([of_cluster, -of_cluster]),
        b_ub=np.r_[np.full(k, most), np.full(k, -least)],
        A_eq=of_row,
        b_eq=np.ones(n),
        bounds=(0, 1),
        method="highs",
    )
    assert found.success
    return float(found.fun)


@st.composite
def problems(draw: st.DrawFn) -> tuple[npt.NDArray[np.float64], int, int]:
    n = draw(st.integers(1, 24))
    k = draw(st.integers(1, min(n, 6)))
    least = draw(st.integers(0, n // k))
    most = draw(st.integers(max(-(-n // k), least), n))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Whole numbers bring ties; a cluster that nobody is near, long chains.
    cost = random.integers(0, 4, (n, k)).astype(float) if draw(st.booleans()) else random.random((n, k))
    return cost + np.arange(k) * draw(st.sampled_from([0.0, 0.3, 5.0])), least, most


@settings(max_examples=120, deadline=None)
@given(problems())
def test_the_assignment_costs_what_the_linear_program_costs(problem: tuple[npt.NDArray[np.float64], int, int]) -> None:
    cost, least, most = problem
    n, k = cost.shape
    label = assign_within(cost, least, most)
    sizes = np.bincount(label, minlength=k)
    assert len(sizes) == k
    assert least <= sizes.min()
    assert sizes.max() <= most
    assert cost[np.arange(n), label].sum() == pytest.approx(least_cost(cost, least, most), abs=1e-9)


def test_many_rows_with_bounds_on_both_sides() -> None:
    random = np.random.default_rng(3)
    rows = random.normal(size=(300, 3)) ** 3
    centres = rows[:8]
    cost = ((rows[:, None] - centres) ** 2).sum(axis=2)
    label = assign_within(cost, 30, 45)
    assert np.bincount(label, minlength=8).min() >= 30
    assert np.bincount(label, minlength=8).max() <= 45
    assert cost[np.arange(300), label].sum() == pytest.approx(least_cost(cost, 30, 45), rel=1e-12)


def test_where_nothing_binds_everybody_stays_with_the_nearest() -> None:
    cost = np.random.default_rng(1).random((50, 4))
    assert np.array_equal(assign_within(cost, 0, 50), cost.argmin(axis=1))


def test_equal_costs_are_cut_the_same_way_every_time() -> None:
    assert assign_within(np.zeros((5, 2)), 2, 3).tolist() == [1, 1, 0, 0, 0]


@pytest.mark.parametrize(("least", "most"), [(3, 5), (0, 1), (2, 1), (-1, 5)])
def test_bounds_that_nothing_keeps_are_refused(least: int, most: int) -> None:
    with pytest.raises(KernelError, match="5 rows do not go into 2 clusters"):
        assign_within(np.zeros((5, 2)), least, most)


def test_costs_must_be_finite() -> None:
    with pytest.raises(KernelError, match="finite"):
        assign_within(np.array([[0.0, np.nan]]), 0, 1)
