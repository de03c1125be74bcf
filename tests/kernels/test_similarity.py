"""Similarity kernels against numpy by brute force, on every level of vector instructions and several threads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.errors import SketchInputError
from sm_assets.kernels import isa
from sm_assets.kernels.similarity import (
    EMPTY,
    PAIRS_PER_BLOCK,
    PairBlock,
    allpairs,
    estimate8,
    fold8,
    intersect,
    matches32,
    topk,
    width8,
)

LEVELS = isa.LEVELS[: isa.LEVELS.index(isa.isa()) + 1]
SIZES = (1, 2, 8, 63, 64, 65, 100, 127, 128, 129, 192, 256, 1000)


@pytest.fixture(autouse=True)
def _own_level() -> Iterator[None]:
    before = isa.isa()
    yield
    isa.set_isa(before)


def signatures(rng: np.random.Generator, m: int, k: int, alike: float = 0.3) -> npt.NDArray[np.uint32]:
    """Rows that share registers with a few models, so that all numbers of matches occur."""
    models = rng.integers(0, EMPTY, (4, k), dtype=np.uint32)
    noise = rng.integers(0, EMPTY, (m, k), dtype=np.uint32)
    share = rng.random((m, 1)) * 2 * alike
    return np.ascontiguousarray(np.where(rng.random((m, k)) < share, models[rng.integers(0, 4, m)], noise))


def folded_by_definition(sig: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    m, k = sig.shape
    folded = np.zeros((m, width8(k)), dtype=np.uint8)
    folded[:, :k] = ((sig.astype(np.uint64) * 0x9E3779B1 % 2**32) >> 24).astype(np.uint8)
    return folded


def counts_by_definition(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8], k: int) -> npt.NDArray[np.int64]:
    return np.array([(b[:, :k] == row[:k]).sum(axis=1) for row in a], dtype=np.int64).reshape(len(a), len(b))


def joined(
    blocks: Iterator[PairBlock],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.uint16]]:
    parts = list(blocks)
    assert all(len(i) == len(j) == len(matches) > 0 for i, j, matches in parts)
    if not parts:
        return np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros(0, np.uint16)
    i, j, matches = (np.concatenate([part[column] for part in parts]) for column in range(3))
    return i, j, matches


def test_known_bytes() -> None:
    folded = fold8(np.array([[0x80104B93, 0x3C360002]], dtype=np.uint32))
    assert folded.shape == (1, 64)
    assert folded[0, :2].tolist() == [53, 99]


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("k", SIZES)
def test_folding(name: str, k: int) -> None:
    isa.set_isa(name)
    sig = signatures(np.random.default_rng(k), 37, k)
    folded = fold8(sig)
    assert folded.dtype == np.uint8
    assert folded.flags.c_contiguous
    assert folded.ctypes.data % 64 == 0
    assert (folded == folded_by_definition(sig)).all()


def test_folding_refuses_an_empty_row_and_names_the_first() -> None:
    sig = np.ones((5, 70), dtype=np.uint32)
    sig[3] = EMPTY
    sig[4] = EMPTY
    for name in LEVELS:
        isa.set_isa(name)
        with pytest.raises(SketchInputError, match="Row 3 of sig"):
            fold8(sig)
    sig[:] = 1
    sig[2, 69] = EMPTY
    with pytest.raises(SketchInputError, match="Row 2 of sig"):
        fold8(sig)


@pytest.mark.parametrize("k", SIZES)
def test_topk_is_the_sorted_list_of_all_rows(k: int) -> None:
    rng = np.random.default_rng(k + 1)
    sig8 = fold8(signatures(rng, 700, k))
    queries = np.concatenate([sig8[5:10], fold8(signatures(rng, 6, k))])
    counts = counts_by_definition(queries, sig8, k)
    for top in (1, 7, 100, 699, 700, 900):
        expected_rows = np.full((len(queries), top), -1)
        expected_matches = np.zeros((len(queries), top), dtype=np.int64)
        for q, row in enumerate(counts):
            order = np.lexsort([np.arange(700), -row])[:top]
            expected_rows[q, : len(order)] = order
            expected_matches[q, : len(order)] = row[order]
        for name in LEVELS:
            isa.set_isa(name)
            for threads in (1, 2, 7):
                rows, matches = topk(sig8, k, queries, top, threads=threads)
                assert rows.dtype == np.int64
                assert matches.dtype == np.uint16
                assert (rows == expected_rows).all()
                assert (matches == expected_matches).all()


def test_topk_of_many_rows_shared_out_over_threads() -> None:
    """Ties across the parts of several threads, and more rows than any list in between holds."""
    rng = np.random.default_rng(9)
    sig8 = rng.integers(0, 4, (50_000, 64), dtype=np.uint8)
    queries = rng.integers(0, 4, (2, 64), dtype=np.uint8)
    counts = counts_by_definition(queries, sig8, 20)
    expected = np.array([np.lexsort([np.arange(50_000), -row])[:3000] for row in counts])
    for name in LEVELS:
        isa.set_isa(name)
        for threads in (1, 3, None):
            rows, matches = topk(sig8, 20, queries, 3000, threads=threads)
            assert (rows == expected).all()
            assert (matches == np.take_along_axis(counts, expected, axis=1)).all()


def test_topk_leaves_out_what_each_query_excludes() -> None:
    sig8 = fold8(signatures(np.random.default_rng(3), 60, 32, alike=0.5))
    queries = sig8[[4, 9, 11]]
    full, full_matches = topk(sig8, 32, queries, 60)
    exclude = np.array([[4, 7], [9, -1], [-1, -1]])
    rows, matches = topk(sig8, 32, queries, 60, exclude=exclude)
    for q in range(3):
        kept = ~np.isin(full[q], exclude[q][exclude[q] >= 0])
        assert rows[q, : kept.sum()].tolist() == full[q][kept].tolist()
        assert matches[q, : kept.sum()].tolist() == full_matches[q][kept].tolist()
        assert (rows[q, kept.sum() :] == -1).all()
        assert (matches[q, kept.sum() :] == 0).all()
    own, _ = topk(sig8, 32, queries, 60, exclude=np.array([4, 9, 11]), threads=2)
    assert 4 not in own[0]
    assert 9 not in own[1]
    assert 4 in own[1]


def test_topk_without_rows_or_queries() -> None:
    none = np.zeros((0, 64), dtype=np.uint8)
    rows, matches = topk(none, 8, np.zeros((2, 64), dtype=np.uint8), 3)
    assert rows.tolist() == [[-1] * 3] * 2
    assert matches.tolist() == [[0] * 3] * 2
    assert topk(np.zeros((2, 64), dtype=np.uint8), 8, none, 3)[0].shape == (0, 3)


@pytest.mark.parametrize("k", SIZES)
def test_all_pairs_are_those_of_brute_force(k: int) -> None:
    rng = np.random.default_rng(k + 2)
    sig8 = fold8(signatures(rng, 400, k, alike=0.5))
    counts = counts_by_definition(sig8, sig8, k)
    for least in sorted({0, 1, k // 8, k // 2, k}):
        first, second = np.nonzero(np.triu(counts >= least, 1))
        for name in LEVELS:
            isa.set_isa(name)
            for threads in (1, 2, 7):
                i, j, matches = joined(allpairs(sig8, k, least, threads=threads))
                assert (i.dtype, j.dtype, matches.dtype) == (np.uint32, np.uint32, np.uint16)
                assert np.array_equal(i, first)
                assert np.array_equal(j, second)
                assert np.array_equal(matches, counts[first, second])


@pytest.mark.parametrize("k", [4033, 8193, 65_535])
def test_long_signatures_overflow_no_counter(k: int) -> None:
    sig = np.random.default_rng(k).integers(0, EMPTY, (2, k), dtype=np.uint32)
    sig8 = fold8(np.concatenate([sig, sig, sig, sig[:1]]))
    counts = counts_by_definition(sig8, sig8, k)
    first, second = np.triu_indices(7, 1)
    for name in LEVELS:
        isa.set_isa(name)
        assert (joined(allpairs(sig8, k, 0))[2] == counts[first, second]).all()
        assert (topk(sig8, k, sig8[:1], 4)[1] == k).all()
        assert matches32(sig, np.array([0]), np.array([0])) == k


def test_padding_is_never_counted_whatever_it_holds() -> None:
    rng = np.random.default_rng(4)
    for k in (1, 31, 70, 150, 1000):
        clean = fold8(signatures(rng, 50, k))
        dirty = clean.copy()
        dirty[:, k:] = 7
        for name in LEVELS:
            isa.set_isa(name)
            assert all(map(np.array_equal, topk(clean, k, clean[:3], 50), topk(dirty, k, dirty[:3], 50)))
            assert all(map(np.array_equal, joined(allpairs(clean, k, 0)), joined(allpairs(dirty, k, 0))))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 300), st.sampled_from((3, 64, 90)), st.data())
def test_parts_of_all_pairs_put_together(seed: int, m: int, k: int, data: st.DataObject) -> None:
    sig8 = fold8(signatures(np.random.default_rng(seed), m, k))
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, m), max_size=4))), m]
    least = data.draw(st.integers(0, k))
    whole = joined(allpairs(sig8, k, least))
    parts = [joined(allpairs(sig8, k, least, rows=part, threads=2)) for part in pairwise(cuts)]
    for column in range(3):
        assert np.array_equal(whole[column], np.concatenate([part[column] for part in parts]))


@pytest.mark.parametrize("threads", [1, 3])
def test_blocks_stay_small_and_lose_nothing(threads: int) -> None:
    m = 3000
    blocks = list(allpairs(np.zeros((m, 64), dtype=np.uint8), 5, 5, threads=threads))
    assert sum(len(i) for i, _, _ in blocks) == m * (m - 1) // 2
    assert len(blocks) > 2
    # A block closes at a million pairs; each thread may still bring the strip of 64 rows that it works on.
    assert max(len(i) for i, _, _ in blocks) <= PAIRS_PER_BLOCK + threads * 64 * m
    place = np.concatenate([i.astype(np.int64) * m + j for i, j, _ in blocks])
    assert (np.diff(place) > 0).all()
    assert all((matches == 5).all() for _, _, matches in blocks)


def test_estimate_of_folded_matches() -> None:
    assert estimate8(np.array([0, 128, 64], dtype=np.uint16), 128).tolist() == [0.0, 1.0, (0.5 - 1 / 256) / (255 / 256)]


def test_estimate_of_folded_matches_is_unbiased() -> None:
    rng = np.random.default_rng(5)
    k, rows = 256, 2000
    for jaccard in (0.05, 0.3, 0.8):
        a = rng.integers(0, EMPTY, (rows, k), dtype=np.uint32)
        b = np.where(rng.random((rows, k)) < jaccard, a, rng.integers(0, EMPTY, (rows, k), dtype=np.uint32))
        both = fold8(np.concatenate([a, b]))
        estimates = estimate8((both[:rows, :k] == both[rows:, :k]).sum(axis=1), k)
        spread = np.sqrt(jaccard * (1 - jaccard) / k)
        assert abs(estimates.mean() - jaccard) < 3 * 1.2 * spread / np.sqrt(rows)
        assert np.sqrt(((estimates - jaccard) ** 2).mean()) < 1.2 * spread


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("k", SIZES)
def test_equal_registers(name: str, k: int) -> None:
    isa.set_isa(name)
    rng = np.random.default_rng(k + 3)
    sig = signatures(rng, 90, k, alike=0.5)
    sig[7] = EMPTY
    sig[8] = EMPTY
    sig[9, 0] = EMPTY
    other = sig[:40].copy()
    for index in (np.int64, np.int32, np.uint32):
        i, j = rng.integers(0, 90, 500).astype(index), rng.integers(0, 40, 500).astype(index)
        i[0], j[0], i[1], j[1], i[2], j[2] = 7, 8, 7, 7, 9, 9
        expected = ((sig[i] == sig[j]) & (sig[i] != EMPTY)).sum(axis=1)
        found = matches32(sig, i, j)
        assert found.dtype == np.uint16
        assert (found == expected).all()
        assert found[:3].tolist() == [0, 0, k - 1]
        assert (matches32(sig, i, j, other=other) == expected).all()


KEYS = st.lists(st.integers(0, 60) | st.integers(0, 2**64 - 1), max_size=80, unique=True).map(sorted)


def csr(rows: list[list[int]]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    keys = np.array([key for row in rows for key in row], dtype=np.uint64)
    return keys, np.cumsum([0, *map(len, rows)]).astype(np.int64)


@settings(max_examples=150, deadline=None)
@given(st.lists(KEYS, min_size=1, max_size=6))
def test_intersections_are_those_of_sets(rows: list[list[int]]) -> None:
    keys, indptr = csr(rows)
    i, j = (places.ravel() for places in np.indices((len(rows), len(rows))))
    expected = [len(set(rows[a]) & set(rows[b])) for a, b in zip(i, j, strict=True)]
    for name in LEVELS:
        isa.set_isa(name)
        assert intersect(keys, indptr, i, j).tolist() == expected
    assert intersect(keys, indptr, i.astype(np.uint32), j.astype(np.int32), threads=3).tolist() == expected


@pytest.mark.parametrize("ratio", [1, 2, 31, 32, 33, 500, 40_000])
def test_intersections_of_unequal_rows(ratio: int) -> None:
    rng = np.random.default_rng(ratio)
    for dense in (1, 3, 1000):
        long = np.unique(rng.integers(0, 40_000 * dense, 40_000).astype(np.uint64))
        n = max(1, len(long) // ratio)
        short = np.unique(
            np.concatenate([rng.choice(long, n // 2 + 1), rng.integers(0, 60_000 * dense, n // 2).astype(np.uint64)])
        )
        keys, indptr = np.concatenate([short, long]), np.array([0, len(short), len(short) + len(long)])
        expected = len(np.intersect1d(short, long))
        for name in LEVELS:
            isa.set_isa(name)
            assert intersect(keys, indptr, np.array([0, 1, 0, 1]), np.array([1, 0, 0, 1])).tolist() == [
                expected,
                expected,
                len(short),
                len(long),
            ]


def test_intersect_refuses_rows_that_do_not_rise_but_looks_at_asked_ones_only() -> None:
    keys, indptr = csr([[1, 2, 3], [5, 4], [7, 7], [2, 3]])
    assert intersect(keys, indptr, np.array([0]), np.array([3])).tolist() == [2]
    for bad in (1, 2):
        with pytest.raises(SketchInputError, match=f"row {bad} do not"):
            intersect(keys, indptr, np.array([0, 3]), np.array([3, bad]))


def test_the_hand_case() -> None:
    """A = {1,2,3,4}, B = {3,4,5}, C = {9}."""
    keys, indptr = csr([[1, 2, 3, 4], [3, 4, 5], [9], []])
    assert intersect(keys, indptr, np.array([0, 0, 1, 0]), np.array([1, 2, 2, 3])).tolist() == [2, 0, 0, 0]
    assert intersect(keys[:0], np.zeros(3, dtype=np.int64), np.array([0]), np.array([1])).tolist() == [0]


def test_read_only_arrays_are_fine() -> None:
    sig = signatures(np.random.default_rng(6), 20, 64)
    sig.flags.writeable = False
    sig8 = fold8(sig)
    sig8.flags.writeable = False
    places = np.arange(20)
    places.flags.writeable = False
    keys, indptr = csr([[1, 2], [2, 3]])
    keys.flags.writeable = False
    indptr.flags.writeable = False
    assert topk(sig8, 64, sig8, 1)[0][:, 0].tolist() == list(range(20))
    assert len(joined(allpairs(sig8, 64, 0))[0]) == 190
    assert (matches32(sig, places, places) == 64).all()
    assert intersect(keys, indptr, places[:1], places[1:2]).tolist() == [1]


SIG = np.ones((4, 64), dtype=np.uint32)
SIG8 = np.ones((4, 64), dtype=np.uint8)
IDX = np.array([0, 1])
PTR = np.array([0, 2, 4])
U64 = np.array([1, 2, 1, 2], dtype=np.uint64)


@pytest.mark.parametrize(
    "call",
    [
        lambda: fold8(SIG.astype(np.int64)),
        lambda: fold8(SIG[:, ::2]),
        lambda: fold8(SIG.T),
        lambda: fold8(SIG[0]),
        lambda: fold8(SIG[:, :0]),
        lambda: fold8([[1, 2]]),
        lambda: topk(SIG8.astype(np.int8), 64, SIG8, 1),
        lambda: topk(SIG8, 65, SIG8, 1),
        lambda: topk(SIG8, 0, SIG8, 1),
        lambda: topk(SIG8, 64, np.ones((1, 128), dtype=np.uint8), 1),
        lambda: topk(SIG8, 64, SIG8[0], 1),
        lambda: topk(SIG8, 64, SIG8, 0),
        lambda: topk(SIG8, 64, SIG8, 1, threads=0),
        lambda: topk(SIG8, 64, SIG8, 1, exclude=IDX),
        lambda: topk(SIG8, 64, SIG8, 1, exclude=np.array([0, 1, 2, 4])),
        lambda: topk(SIG8, 64, SIG8, 1, exclude=np.array([0, 1, 2, -2])),
        lambda: topk(SIG8, 64, SIG8, 1, exclude=np.array([0, 1, 2, 3], dtype=np.int32)),
        lambda: allpairs(SIG8, 64, 65),
        lambda: allpairs(SIG8, 64, -1),
        lambda: allpairs(SIG8, 64, 1, rows=(2, 1)),
        lambda: allpairs(SIG8, 64, 1, rows=(0, 5)),
        lambda: allpairs(SIG, 64, 1),
        lambda: estimate8(IDX, 0),
        lambda: matches32(SIG, IDX, IDX[:1]),
        lambda: matches32(SIG, IDX, np.array([0, 4])),
        lambda: matches32(SIG, np.array([0, -1]), IDX),
        lambda: matches32(SIG, IDX.astype(np.float64), IDX),
        lambda: matches32(SIG, IDX, IDX, other=np.ones((4, 65), dtype=np.uint32)),
        lambda: intersect(U64.astype(np.int64), PTR, IDX, IDX),
        lambda: intersect(U64, PTR.astype(np.int32), IDX, IDX),
        lambda: intersect(U64, PTR[:2], IDX[:1], IDX[:1]),
        lambda: intersect(U64, np.array([1, 2, 4]), IDX, IDX),
        lambda: intersect(U64, np.array([0, 5, 4]), IDX, IDX),
        lambda: intersect(U64, PTR, IDX, np.array([0, 2])),
        lambda: intersect(np.repeat(U64, 2)[::2], PTR, IDX, IDX),
    ],
)
def test_what_does_not_fit_is_refused(call: object) -> None:
    with pytest.raises(SketchInputError):
        call()  # type: ignore[operator]
