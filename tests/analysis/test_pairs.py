"""Pairs: shares against sets, p-values against scipy, the filter by hand."""

from __future__ import annotations

from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from sm_assets.analysis.evidence import Evidence
from sm_assets.analysis.pairs import KINDS, _rejects_null, find_pairs
from sm_assets.errors import KernelError
from sm_assets.kernels.linkage import index_shared
from sm_assets.kernels.pairs import hypergeometric_tail, list_pairs, list_shared_rows, measure_pairs

rows = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 9), st.integers(0, 4)), max_size=40, unique_by=lambda row: row[:2]
)


def arrays(given_rows: list[tuple[int, int, int]]) -> tuple[Evidence, np.ndarray, np.ndarray, np.ndarray]:
    ordered = sorted(given_rows, key=lambda row: (row[0], row[2], row[1]))
    account, content, post = np.array(ordered, np.int64).reshape(-1, 3).T
    evidence = Evidence.from_rows(account, content, post, n_accounts=7, n_contents=10)
    first = account * 1000 + content * 37 + post
    return evidence, (content % 4).astype(np.uint8), first, first + 5


@settings(deadline=None)
@given(rows)
def test_shares_equal_sets(given_rows: list[tuple[int, int, int]]) -> None:
    evidence, kind, first, last = arrays(given_rows)
    carried = [{c for a, c, _ in given_rows if a == x} for x in range(7)]
    piece = {(a, c): p for a, c, p in given_rows}
    expected = [(a, b) for a in range(7) for b in range(a + 1, 7) if carried[a] & carried[b]]
    a, b = list_pairs(index_shared(evidence, 200), 200)
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == expected
    shares = measure_pairs(evidence, kind, first, last, a, b)
    owner = np.repeat(np.arange(7), np.diff(evidence.account_ptr))
    time_of = {(int(x), int(c)): int(t) for x, c, t in zip(owner, evidence.content, first, strict=True)}
    for i, (x, y) in enumerate(expected):
        common = carried[x] & carried[y]
        assert shares.n_shared[i] == min(len({piece[z, c] for c in common}) for z in (x, y))
        assert shares.by_kind[i].tolist() == [sum(c % 4 == k for c in common) for k in range(4)]
        assert shares.median_gap[i] == median(abs(time_of[x, c] - time_of[y, c]) for c in common)
        assert shares.first_shared[i] == min(time_of[z, c] for z in (x, y) for c in common)
        assert shares.last_shared[i] == max(time_of[z, c] for z in (x, y) for c in common) + 5
    pair, row_a, row_b = list_shared_rows(evidence, a, b)
    for i, (x, y) in enumerate(expected):
        mine = pair == i
        assert set(evidence.content[row_a[mine]].tolist()) == carried[x] & carried[y]
        assert (evidence.content[row_a[mine]] == evidence.content[row_b[mine]]).all()
        assert (owner[row_a[mine]] == x).all()
        assert (owner[row_b[mine]] == y).all()


@given(st.integers(1, 400), st.data())
def test_p_value_is_hypergeometric(n: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    k = data.draw(st.integers(0, min(x, y)))
    found = hypergeometric_tail(*(np.array([v], np.int32) for v in (k, x, y)), n)[0]
    assert found == pytest.approx(hypergeom.sf(k - 1, n, x, y), rel=1e-6, abs=1e-300)


def test_p_value_by_hand() -> None:
    # Two accounts carry 2 of 4 contents each and share both: one of the six ways to choose two of four.
    two = np.array([2], np.int32)
    assert hypergeometric_tail(two, two, two, 4)[0] == pytest.approx(1 / 6)
    assert hypergeometric_tail(np.array([40], np.int32), *[np.array([40], np.int32)] * 2, 10**6)[0] > 0


def test_benjamini_hochberg_by_hand() -> None:
    # Of five values the third is the largest below its line 3 / 5 * 0.05 = 0.03.
    p = np.array([0.2, 0.001, 0.021, 0.04001, 0.015])
    assert _rejects_null(p, 0.05).tolist() == [False, True, True, False, True]
    assert _rejects_null(np.zeros(0), 0.05).tolist() == []


def test_find_pairs_filters_and_counts() -> None:
    given_rows = [(a, c, c) for a in (0, 1) for c in range(4)] + [(2, 0, 0), (2, 9, 1)]
    evidence, kind, first, last = arrays(given_rows)
    evidence = Evidence(evidence.account_ptr, evidence.content, evidence.unit, 10, 1000)
    found, dropped = find_pairs(evidence, kind, first, last)
    assert (found.a.tolist(), found.b.tolist(), found.n_shared.tolist()) == ([0], [1], [4])
    assert dropped == {"too_few_shared": 2, "not_significant": 0}
    assert found.coverage_a.tolist() == [1.0]
    assert found.npmi[0] == pytest.approx(1.0)
    assert found.damped_npmi[0] == pytest.approx(1 - np.exp(-1))
    assert found.by_kind.tolist() == [[1, 1, 1, 1]]
    assert len(KINDS) == 4


def test_viral_content_makes_a_bounded_number_of_pairs() -> None:
    n = 2000
    evidence = Evidence.from_rows(np.arange(n), np.zeros(n), n_accounts=n, n_contents=1)
    a, _ = list_pairs(index_shared(evidence, 200), 200)
    assert len(a) == n * 8
    every, _ = list_pairs(index_shared(evidence, n), n)
    assert len(every) == n * (n - 1) // 2


def test_what_does_not_fit_is_refused() -> None:
    evidence, kind, first, last = arrays([(0, 1, 0), (1, 1, 0)])
    one, two = np.array([0], np.int32), np.array([7], np.int32)
    with pytest.raises(KernelError, match="must lie in"):
        measure_pairs(evidence, kind, first, last, one, two)
    with pytest.raises(KernelError, match="times"):
        measure_pairs(evidence, kind, first[:1], last, one, one)
    with pytest.raises(KernelError, match="ascend"):
        list_shared_rows(evidence, np.array([1, 0], np.int32), np.array([0, 1], np.int32))
    with pytest.raises(KernelError, match="cannot be drawn"):
        hypergeometric_tail(one, two, two, 5)
