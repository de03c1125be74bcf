"""Bands against a dictionary of buckets, their parameters against the stated ones, and what a bad option says."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis import banding
from sm_assets.analysis.banding import band_pairs, candidate_probability, choose_bands, predicted_cost, scan_threshold
from sm_assets.errors import OptionError, SketchInputError

EMPTY = 0xFFFFFFFF


def signatures(seed: int, m: int, k: int, values: int) -> npt.NDArray[np.uint32]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, values, (m, k), dtype=np.uint32) * np.uint32(0x01000193)


def buckets(sig: npt.NDArray[np.uint32], bands: int, rows: int) -> list[list[int]]:
    found: list[list[int]] = []
    for band in range(bands):
        same = defaultdict(list)
        for number, row in enumerate(sig):
            if (row != EMPTY).all():
                same[row[band * rows : (band + 1) * rows].tobytes()].append(number)
        found += [members for members in same.values() if len(members) > 1]
    return found


def test_bands_for_a_recall() -> None:
    assert choose_bands(128, 0.9, 0.2) == (64, 2)
    assert choose_bands(128, 0.9, 0.5) == (42, 3)
    assert choose_bands(128, 0.9, 1.0) == (1, 128)
    assert candidate_probability(0.2, 64, 2) == pytest.approx(0.927, abs=5e-4)
    assert candidate_probability(0.5, 42, 3) == pytest.approx(0.996, abs=5e-4)
    assert candidate_probability(0.05, 500, 2) == pytest.approx(0.714, abs=5e-4)
    assert candidate_probability(0.1, 500, 2) == pytest.approx(0.993, abs=5e-4)


@given(st.integers(1, 2048), st.floats(0.01, 0.999), st.floats(0.01, 1.0))
def test_bands_are_the_widest_that_reach_the_recall(k: int, recall: float, jaccard: float) -> None:
    reached = [candidate_probability(jaccard, k // r, r) for r in range(1, k + 1)]
    fitting = [r for r, found in enumerate(reached, 1) if found >= recall]
    if any(abs(found - recall) < 1e-12 for found in reached):
        return
    if fitting:
        assert choose_bands(k, recall, jaccard) == (k // fitting[-1], fitting[-1])
        return
    with pytest.raises(OptionError) as caught:
        choose_bands(k, recall, jaccard)
    needed = int(str(caught.value).split("with k=")[1].split()[0])
    assert needed > k
    assert choose_bands(needed, recall - 1e-9, jaccard)[1] >= 1
    assert candidate_probability(jaccard, needed - 1, 1) < recall + 1e-9


@pytest.mark.parametrize(
    ("k", "recall", "jaccard"), [(0, 0.9, 0.5), (8, 0.0, 0.5), (8, 1.0, 0.5), (8, 0.9, 0.0), (8, 0.9, 1.1)]
)
def test_bands_out_of_range(k: int, recall: float, jaccard: float) -> None:
    with pytest.raises(OptionError):
        choose_bands(k, recall, jaccard)


def test_the_bound_of_a_scan_keeps_95_percent() -> None:
    assert scan_threshold(128, 0.2) == 18
    assert scan_threshold(128, 0.0) == 0
    assert scan_threshold(128, 1.0) == 128
    rng = np.random.default_rng(1)
    for k, jaccard in ((128, 0.2), (128, 0.5), (1000, 0.05)):
        matches = rng.binomial(k, jaccard + (1 - jaccard) / 256, 100_000)
        assert 0.94 < (matches >= scan_threshold(k, jaccard)).mean() < 0.985
    with pytest.raises(OptionError):
        scan_threshold(128, 1.2)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(0, 60),
    st.sampled_from(((1, 1), (3, 1), (4, 2), (2, 3), (1, 7))),
    st.integers(2, 30),
)
def test_pairs_are_those_that_share_a_bucket(seed: int, m: int, shape: tuple[int, int], values: int) -> None:
    bands, rows = shape
    sig = signatures(seed, m, bands * rows + 1, values)
    sig[seed % 7 :: 9] = EMPTY
    i, j, counts = band_pairs(sig, bands, rows)
    expected = sorted({pair for bucket in buckets(sig, bands, rows) for pair in combinations(bucket, 2)})
    assert i.dtype == j.dtype == np.int32
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == expected
    assert counts["n_pairs"] == len(expected)
    assert counts["n_empty_rows"] == int((sig == EMPTY).all(axis=1).sum())
    assert counts["n_large_buckets"] == 0


def test_large_buckets_are_scanned_and_counted() -> None:
    """One register is the same everywhere: its bucket holds all rows, of which only the planted pairs are alike."""
    sig = np.random.default_rng(2).integers(0, EMPTY, (300, 32), dtype=np.uint32)
    sig[:, 0] = 5
    sig[10, 1:30] = sig[20, 1:30]
    sig[30, 4:31] = sig[250, 4:31]
    sig[7] = EMPTY
    i, j, counts = band_pairs(sig, 16, 1, max_bucket=200, jaccard=0.9)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(10, 20), (30, 250)]
    assert counts["n_large_buckets"] == 1
    assert counts["n_large_bucket_rows"] == counts["n_scanned_rows"] == counts["largest_bucket"] == 299
    assert counts["scan_min_matches"] == scan_threshold(32, 0.9)
    everything, _, counts = band_pairs(sig, 16, 1, max_bucket=299)
    assert len(everything) == counts["n_pairs"] == 299 * 298 // 2
    assert counts["n_large_buckets"] == counts["scan_min_matches"] == 0


def test_large_buckets_that_overlap_are_scanned_once() -> None:
    sig = np.random.default_rng(3).integers(0, EMPTY, (400, 64), dtype=np.uint32)
    sig[:150, :4] = 1
    sig[250:, 8] = 2
    together = banding._scan_groups([np.arange(150)] * 4)
    assert len(together) == 1
    assert len(banding._scan_groups([np.arange(150), np.arange(250, 400)])) == 2
    sig[3, 20:] = sig[4, 20:]
    sig[300, 20:] = sig[301, 20:]
    i, j, counts = band_pairs(sig, 16, 1, max_bucket=100, jaccard=0.6)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(3, 4), (300, 301)]
    assert (counts["n_large_buckets"], counts["n_large_bucket_rows"], counts["n_scanned_rows"]) == (5, 750, 300)


def test_many_pairs_pass_through_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    sig = signatures(5, 400, 8, 6)
    whole = band_pairs(sig, 8, 1)
    monkeypatch.setattr(banding, "_PENDING", 1000)
    for one, other in zip(whole[:2], band_pairs(sig, 8, 1)[:2], strict=True):
        assert np.array_equal(one, other)


def test_recall_is_what_was_asked_for() -> None:
    rng = np.random.default_rng(6)
    pairs, k, jaccard = 3000, 128, 0.3
    a = rng.integers(0, EMPTY, (pairs, k), dtype=np.uint32)
    b = np.where(rng.random((pairs, k)) < jaccard, a, rng.integers(0, EMPTY, (pairs, k), dtype=np.uint32))
    bands, rows = choose_bands(k, 0.9, jaccard)
    i, j, _ = band_pairs(np.concatenate([a, b]), bands, rows)
    found = ((j - i) == pairs).mean() * len(i) / pairs
    assert found == pytest.approx(candidate_probability(jaccard, bands, rows), abs=0.02)
    assert found >= 0.88
    assert len(i) < 1.05 * pairs


def test_no_rows_and_one() -> None:
    for m in (0, 1):
        i, j, counts = band_pairs(np.ones((m, 8), dtype=np.uint32), 4, 2)
        assert len(i) == len(j) == counts["n_pairs"] == 0
        assert counts["n_rows"] == m


def test_what_does_not_fit_is_refused() -> None:
    sig = np.ones((3, 8), dtype=np.uint32)
    for bands, rows, bucket in ((5, 2, 1000), (0, 2, 1000), (2, 0, 1000), (2, 2, 0)):
        with pytest.raises(OptionError):
            band_pairs(sig, bands, rows, max_bucket=bucket)
    with pytest.raises(SketchInputError):
        band_pairs(sig.astype(np.int64), 2, 2)  # type: ignore[arg-type]


def test_costs_are_told_beforehand() -> None:
    scan = predicted_cost("scan", 20_000)
    assert scan.pairs == 199_990_000
    assert 0.05 < scan.seconds < 5
    assert scan.sentence.startswith("scan: 199,990,000 pairs of sketches, about ")
    assert predicted_cost("scan", 40_000).seconds == pytest.approx(4 * scan.seconds, rel=1e-3)
    assert predicted_cost("scan", 20_000, k=1000).seconds == pytest.approx(8 * scan.seconds)
    exact = predicted_cost("exact", 20_000, wedges=2 * 10**8)
    assert exact.pairs == 2 * 10**8
    assert exact.seconds > 1
    sorting = predicted_cost("banding", 10**6, bands=64)
    assert sorting.pairs is None
    assert sorting.seconds < predicted_cost("scan", 10**6).seconds
    assert "as many pairs as its buckets hold" in sorting.sentence
    for method in ("exact", "banding", "guess"):
        with pytest.raises(OptionError):
            predicted_cost(method, 10)
