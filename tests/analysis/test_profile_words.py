"""What clusters of biographies say, against the same answer the long way; what a post must hold to count."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from sm_assets.analysis.profile_words import bio_medoids, bio_terms, sampled, samples_section
from sm_assets.errors import KernelError


@st.composite
def worlds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Sparse rows of length 1 (or of zeros) and their clusters, -1 among them."""
    n, d = draw(st.integers(1, 14)), draw(st.integers(1, 6))
    values = draw(
        st.lists(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3]), min_size=d, max_size=d), min_size=n, max_size=n)
    )
    rows = np.array(values, float)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    k = draw(st.integers(1, 4))
    labels = np.array(draw(st.lists(st.integers(-1, k - 1), min_size=n, max_size=n)))
    kinds = np.unique(labels[labels >= 0])
    return rows / np.where(length > 0, length, 1), np.where(labels < 0, -1, np.searchsorted(kinds, labels))


def names(d: int) -> pa.StringArray:
    return pa.array([f"term {number}" for number in range(d)], pa.string())


@given(worlds(), st.integers(1, 4), st.integers(1, 3))
@settings(max_examples=80, deadline=None)
def test_terms_are_means_above_the_mean_of_all(
    world: tuple[np.ndarray, np.ndarray], n_terms: int, min_accounts: int
) -> None:
    rows, labels = world
    found = bio_terms(csr_array(rows), names(rows.shape[1]), labels, n_terms=n_terms, min_accounts=min_accounts)
    by_cluster: dict[int, list[dict]] = {}
    for row in found.to_pylist():
        by_cluster.setdefault(row["cluster_id"], []).append(row)
    for number in range(labels.max() + 1):
        own = rows[labels == number]
        above = own.mean(axis=0) - rows.mean(axis=0)
        using = (own > 0).sum(axis=0)
        usable = [at for at in range(rows.shape[1]) if above[at] > 1e-9]
        common = [at for at in usable if using[at] >= min_accounts] or usable
        best = sorted(common, key=lambda at: (-round(above[at], 9), at))[:n_terms]
        told = by_cluster.get(number, [])
        assert [row["term"] for row in told] == [f"term {at}" for at in best]
        assert [row["rank"] for row in told] == list(range(1, len(best) + 1))
        assert [row["weight"] for row in told] == pytest.approx([above[at] for at in best])
        assert [row["n_accounts"] for row in told] == [using[at] for at in best]


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_medoids_are_the_nearest_of_all_pairs_of_distinct_biographies(world: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = world
    bios = [str(row.tolist()) for row in rows]
    found = bio_medoids(csr_array(rows), bios, labels)
    assert sorted(found) == list(range(labels.max() + 1))
    for number, best in found.items():
        own = np.flatnonzero(labels == number)
        first = [at for at in own if bios[at] not in [bios[other] for other in own if other < at]]
        directed = [at for at in first if rows[at].any()]
        mean = {at: np.mean([1 - rows[at] @ rows[other] for other in directed]) for at in directed}
        expected = sorted(directed, key=lambda at: (round(mean[at], 9), at))[:3]
        assert best.row.tolist() == expected
        assert best.mean_distance == pytest.approx([mean[at] for at in expected], abs=1e-8)


def test_samples_are_distinct_seeded_and_not_the_typical_ones() -> None:
    bios = [f"moon {number % 30}" for number in range(60)]
    labels = np.zeros(60, np.int64)
    rows = csr_array(np.ones((60, 1)))
    typical = bio_medoids(rows, bios, labels)
    drawn = sampled(bios, labels, typical, seed=1)[0]
    assert len({bios[row] for row in [*drawn, *typical[0].row]}) == 15
    assert drawn.tolist() == sampled(bios, labels, typical, seed=1)[0].tolist()
    assert drawn.tolist() != sampled(bios, labels, typical, seed=2)[0].tolist()
    few = sampled(bios[:5], labels[:5], bio_medoids(rows[:5], bios[:5], labels[:5]), seed=1)[0]
    assert len(few) == 2


def test_the_page_shows_texts_and_runs_none() -> None:
    bios = ["<script>alert(1)</script> | **x** \u202e\x00 [a](javascript:b)", "moon\n\n# Heading", "long " * 300]
    labels, rows = np.zeros(3, np.int64), csr_array(np.ones((3, 1)))
    typical = bio_medoids(rows, bios, labels)
    terms = bio_terms(rows, pa.array(["<b>"]), labels)
    page = samples_section("kmeans", bios, labels, terms, typical, sampled(bios, labels, typical, seed=1))
    assert "1. &lt;script&gt;alert(1)&lt;/script&gt; \\| \\*\\*x\\*\\* " in page
    assert "2. moon  \\# Heading" in page
    assert not {"<", "\u202e", "\x00"} & set(page)
    assert max(map(len, page.splitlines())) < 300


def test_unlike_lengths_are_refused() -> None:
    with pytest.raises(KernelError, match="one label per row and one term per column"):
        bio_terms(csr_array(np.ones((2, 1))), names(1), np.zeros(3, np.int64))
