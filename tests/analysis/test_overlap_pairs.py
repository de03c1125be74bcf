"""Overlaps against brute force over small worlds, in bounded memory, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sm_assets.analysis import overlap_counts, overlap_pool
from sm_assets.analysis.null_models import DegreeClasses, benjamini_hochberg, null_model
from sm_assets.analysis.overlap_counts import shared_followers
from sm_assets.analysis.overlap_pairs import Audiences, OverlapOptions, Overlaps, find_overlaps, standard_error
from sm_assets.analysis.overlap_pool import PairPool, best_neighbours
from sm_assets.analysis.overlap_tables import overlap_table
from sm_assets.contracts import TABLES
from sm_assets.errors import KernelError, OptionError, SketchInputError
from sm_assets.kernels.sketch import sketch_csr

EMPTY = 0xFFFFFFFF
MIX = np.uint64(0x9E3779B97F4A7C15)
K = 64


def audiences(sets: Sequence[Sequence[int]], k: int = K, *, with_keys: bool = True) -> Audiences:
    """From follower numbers below 2^32."""
    rows = [np.unique(np.array(sorted(one), np.uint64) * MIX) for one in sets]
    keys = np.concatenate([*rows, np.zeros(0, np.uint64)])
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    degrees = np.unique(keys, return_counts=True)[1]
    return Audiences(
        sizes=np.diff(indptr),
        signatures=np.asarray(sketch_csr(keys, indptr, k)),
        classes=DegreeClasses.of(degrees),
        n_followers_total=len(degrees),
        keys=keys if with_keys else None,
        indptr=indptr if with_keys else None,
    )


def random_sets(seed: int, n: int, n_users: int) -> list[set[int]]:
    """Some alike, some big, some empty, repeats of each other."""
    rng = np.random.default_rng(seed)
    sets: list[set[int]] = []
    for row in range(n):
        size = int(rng.integers(0, n_users))
        start = int(rng.integers(0, n_users)) // 8 * 8
        sets.append({int(user) % n_users for user in start + rng.integers(0, max(size // 2, 1), size)})
        if row and rng.random() < 0.15:
            sets[-1] = set(sets[int(rng.integers(0, row))])
        if rng.random() < 0.1:
            sets[-1] = set()
    return sets


class Truth:
    """All pairs by brute force."""

    def __init__(self, world: Audiences, sets: Sequence[set[int]], options: OverlapOptions) -> None:
        self.pairs = [(i, j) for i, j in combinations(range(len(sets)), 2) if sets[i] & sets[j]]
        self.shared = {pair: len(sets[pair[0]] & sets[pair[1]]) for pair in self.pairs}
        self.jaccard = {(i, j): self.shared[i, j] / len(sets[i] | sets[j]) for i, j in self.pairs}
        i, j = (np.array([pair[side] for pair in self.pairs], np.int32) for side in (0, 1))
        null = null_model(options.null, world.sizes, world.classes, world.n_followers_total)
        x = np.array([self.shared[pair] for pair in self.pairs], np.int64)
        self.expected = dict(zip(self.pairs, null.expected(i, j).tolist(), strict=True))
        p = stats.poisson.sf(x - 1, null.expected(i, j)) if options.null != "hypergeometric" else null.p_values(i, j, x)
        q = benjamini_hochberg(p, len(sets) * (len(sets) - 1) // 2)
        self.p = dict(zip(self.pairs, p.tolist(), strict=True))
        self.q = dict(zip(self.pairs, q.tolist(), strict=True))
        self.significant = [
            pair for pair in self.pairs if self.q[pair] <= options.alpha and self.shared[pair] >= options.min_shared
        ]

    def neighbours(self, n: int, top: int) -> list[tuple[int, int, int]]:
        rows = []
        for own in range(n):
            others = [i + j - own for i, j in self.pairs if own in {i, j}]
            others.sort(key=lambda other: (-self.jaccard[min(own, other), max(own, other)], other))
            rows += [(own, other, rank) for rank, other in enumerate(others[:top], start=1)]
        return rows


def rows_of(found: Overlaps) -> list[tuple[int, int, int]]:
    rows = found.neighbours
    return list(zip(rows.account.tolist(), rows.neighbour.tolist(), rows.rank.tolist(), strict=True))


def pairs_of(found: Overlaps) -> list[tuple[int, int]]:
    return list(zip(found.significant.i.tolist(), found.significant.j.tolist(), strict=True))


@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 24),
    st.integers(4, 120),
    st.integers(1, 6),
    st.sampled_from(["bicm", "chung_lu", "hypergeometric"]),
)
@settings(max_examples=60, deadline=None)
def test_counting_finds_what_brute_force_finds(seed: int, n: int, n_users: int, top: int, null: str) -> None:
    sets = random_sets(seed, n, n_users)
    world = audiences(sets)
    options = OverlapOptions(candidates="exact", top=top, null=null, alpha=0.05)  # type: ignore[arg-type]  # texts
    truth = Truth(world, sets, options)
    found = find_overlaps(world, options)
    assert found.is_exact
    assert found.method == "exact"
    assert pairs_of(found) == truth.significant
    assert rows_of(found) == truth.neighbours(n, top)
    edges, rows = found.significant, found.neighbours
    assert edges.weight.tolist() == [truth.jaccard[pair] for pair in truth.significant]
    assert edges.n_shared.tolist() == [truth.shared[pair] for pair in truth.significant]
    of_row = [(min(pair), max(pair)) for pair in zip(rows.account.tolist(), rows.neighbour.tolist(), strict=True)]
    assert rows.jaccard.tolist() == [truth.jaccard[pair] for pair in of_row]
    assert rows.expected == pytest.approx([truth.expected[pair] for pair in of_row])
    assert rows.q_value == pytest.approx([truth.q[pair] for pair in of_row], rel=1e-6, abs=1e-300)
    assert rows.is_significant.tolist() == [pair in set(truth.significant) for pair in of_row]
    assert rows.lift == pytest.approx([truth.shared[pair] / truth.expected[pair] for pair in of_row])
    equal = [int(np.count_nonzero(world.signatures[i] == world.signatures[j])) for i, j in of_row]
    assert rows.matches.tolist() == equal
    assert rows.jaccard_estimated.tolist() == [m / K for m in equal]
    assert found.counts["candidate_pairs"] == len(truth.pairs)
    assert found.counts["dropped_by_rank"] == 2 * len(truth.pairs) - len(of_row)
    assert found.counts["wedges"] == sum(truth.shared.values())


def planted(seed: int, n: int = 160, size: int = 400) -> list[set[int]]:
    """Groups of eight that share most of their audiences, and one account that has some of everybody's."""
    rng = np.random.default_rng(seed)
    sets = []
    for row in range(n):
        start = row // 8 * 1000
        sets.append(set((start + rng.integers(0, 400, size)).tolist()) | set(rng.integers(0, 30_000, 40).tolist()))
    sets[0] = set(rng.integers(0, 30_000, 3000).tolist())
    return sets


@pytest.mark.parametrize("method", ["scan", "banding"])
@pytest.mark.parametrize("rerank", ["auto", "never"])
def test_sketches_find_what_counting_finds(method: str, rerank: str) -> None:
    sets = planted(3)
    world = audiences(sets, 128)
    options = OverlapOptions(candidates=method, exact_rerank=rerank, recall=0.9, jaccard=0.2)
    counted = find_overlaps(world, replace(options, candidates="exact"))
    found = find_overlaps(world, options)
    assert found.method == method
    assert found.is_exact is (rerank == "auto")
    wanted, got = set(pairs_of(counted)), set(pairs_of(found))
    strong = {pair for pair, weight in zip(pairs_of(counted), counted.significant.weight, strict=True) if weight >= 0.3}
    assert len(strong) > 300
    assert len(got & strong) >= 0.98 * len(strong)
    assert len(got - wanted) <= (0 if found.is_exact else 2)
    true_weight = dict(zip(pairs_of(counted), counted.significant.weight.tolist(), strict=True))
    for pair, weight in zip(pairs_of(found), found.significant.weight.tolist(), strict=True):
        if pair in wanted:
            assert weight == true_weight[pair] if found.is_exact else abs(weight - true_weight[pair]) < 0.2


def test_estimates_by_their_formulas() -> None:
    sets = planted(4, n=40)
    world = audiences(sets, 128, with_keys=False)
    found = find_overlaps(world, OverlapOptions(candidates="scan", top=5))
    assert not found.is_exact
    rows = found.neighbours
    assert len(rows.rank)
    null = null_model("bicm", world.sizes, world.classes, world.n_followers_total)
    equal = (world.signatures[rows.account] == world.signatures[rows.neighbour]).sum(axis=1)
    own, other = world.sizes[rows.account], world.sizes[rows.neighbour]
    p = (equal + 2) / 132
    assert rows.matches.tolist() == equal.tolist()
    assert rows.jaccard_se == pytest.approx(np.sqrt(p * (1 - p) / 132))
    assert rows.jaccard == pytest.approx(equal / 128)
    shared = np.minimum(rows.jaccard / (1 + rows.jaccard) * (own + other), np.minimum(own, other))
    assert rows.n_shared == pytest.approx(shared)
    assert rows.lift == pytest.approx(shared / rows.expected)
    # The test sees what is left two standard errors below.
    low = np.maximum(rows.jaccard - 2 * rows.jaccard_se, 0)
    tested = np.minimum(low / (1 + low) * (own + other), np.minimum(own, other))
    tail = null.p_values(rows.account, rows.neighbour, tested)
    # With room for all others every pair is told, from both ends.
    every = find_overlaps(world, OverlapOptions(candidates="scan", top=39)).neighbours
    assert len(every.rank) == 2 * found.counts["candidate_pairs"]
    once = every.account < every.neighbour
    low = np.maximum(every.jaccard - 2 * every.jaccard_se, 0)[once]
    own, other = world.sizes[every.account[once]], world.sizes[every.neighbour[once]]
    least = np.minimum(low / (1 + low) * (own + other), np.minimum(own, other))
    q_value = benjamini_hochberg(null.p_values(every.account[once], every.neighbour[once], least), 40 * 39 // 2)
    assert every.q_value[once] == pytest.approx(q_value, rel=1e-6, abs=0)
    assert every.is_significant[once].tolist() == ((q_value <= 0.01) & (least >= 3)).tolist()
    assert (rows.q_value >= tail * (1 - 1e-9)).all()
    lone = find_overlaps(world, OverlapOptions(candidates="scan", top=5, min_shared=10**6))
    assert not lone.neighbours.is_significant.any()
    assert not len(lone.significant.i)
    doubtful = np.flatnonzero(tested < 3)
    assert not rows.is_significant[doubtful].any()


def test_standard_error_is_never_zero() -> None:
    assert standard_error(np.array([0, 64, 128]), 128) == pytest.approx([0.01064, 0.04352, 0.01064], abs=1e-5)


def test_by_hand() -> None:
    world = audiences([{1, 2, 3, 4}, {3, 4, 5}, {9}])
    found = find_overlaps(world, OverlapOptions(min_shared=1))
    assert found.method == "exact"
    assert rows_of(found) == [(0, 1, 1), (1, 0, 1)]
    assert found.neighbours.n_shared.tolist() == [2, 2]
    assert found.neighbours.jaccard.tolist() == [0.4, 0.4]
    table = overlap_table("x", pa.array(["A", "B", "C"]), world.sizes, found, date(2024, 3, 1))
    assert table["containment"].to_pylist() == [0.5, 2 / 3]
    assert table["neighbour_containment"].to_pylist() == [2 / 3, 0.5]
    assert table["account_id"].to_pylist() == ["A", "B"]
    assert table["n_shared"].to_pylist() == [2, 2]


@pytest.mark.parametrize("rerank", ["always", "never"])
def test_columns_of_the_table(rerank: str) -> None:
    world = audiences(planted(5, n=30), 128)
    found = find_overlaps(world, OverlapOptions(candidates="scan", exact_rerank=rerank, top=4))
    ids = pa.array([f"{row:03d}" for row in range(30)])
    table = overlap_table("x", ids, world.sizes, found, date(2024, 3, 1))
    contract = TABLES["out_audience_overlap"]
    assert tuple(table.column_names) == contract.column_names
    assert [field.type for field in table.schema] == [column.arrow_type for column in contract.columns]
    assert not [column.name for column in contract.columns if not column.nullable and table[column.name].null_count]
    rows = table.to_pylist()
    assert len(rows) > 50
    assert [(row["account_id"], row["neighbour_rank"]) for row in rows] == sorted(
        (row["account_id"], row["neighbour_rank"]) for row in rows
    )
    for row in rows:
        assert row["is_exact"] is (rerank == "always")
        assert (row["n_shared"] is None) is (row["jaccard_exact"] is None) is (rerank == "never")
        assert 0 < row["containment"] <= 1
        assert 0 < row["neighbour_containment"] <= 1
        assert row["n_followers"] == world.sizes[int(row["account_id"])]
        assert row["neighbour_n_followers"] == world.sizes[int(row["neighbour_account_id"])]
        assert row["candidate_method"] == "scan"
        assert np.isfinite(row["lift"])
    assert len(overlap_table("x", ids[:0], world.sizes[:0], find_overlaps(audiences([])), date(2024, 3, 1))) == 0
    with pytest.raises(SketchInputError, match="30; found 29"):
        overlap_table("x", ids, world.sizes[:29], found, date(2024, 3, 1))


@pytest.mark.parametrize("method", ["auto", "exact", "scan", "banding"])
@pytest.mark.parametrize("sets", [[], [{1, 2, 3}], [set(), set()], [{1, 2}, {3, 4}], [set(), {1}, set(), {1}]])
def test_hardly_anybody(method: str, sets: list[set[int]]) -> None:
    world = audiences(sets)
    found = find_overlaps(world, OverlapOptions(candidates=method))
    assert not len(found.significant.i)
    assert rows_of(found) == ([(1, 3, 1), (3, 1, 1)] if len(sets) == 4 else [])
    assert found.counts["influencers_without_sketch"] == sum(not one for one in sets)


def test_two_unknown_audiences_are_not_alike() -> None:
    sets = planted(6, n=24)
    sets[3] = sets[4] = sets[20] = set()
    world = audiences(sets, 128)
    for method in ("exact", "scan", "banding"):
        for rerank in ("auto", "never"):
            found = find_overlaps(world, OverlapOptions(candidates=method, exact_rerank=rerank))
            assert not {3, 4, 20} & {*found.neighbours.account.tolist(), *found.neighbours.neighbour.tolist()}
            assert len(found.neighbours.rank) > 50


def test_everybody_follows_everybody() -> None:
    world = audiences([set(range(200))] * 12)
    for method in ("exact", "scan"):
        found = find_overlaps(world, OverlapOptions(candidates=method))
        assert not len(found.significant.i)
        assert rows_of(found)[:3] == [(0, 1, 1), (0, 2, 2), (0, 3, 3)]
        assert set(found.neighbours.jaccard.tolist()) == {1.0}


def test_a_full_pool_changes_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    sets = [one | set(rng.integers(0, 30_000, 300).tolist()) for one in planted(7, n=120)]
    world = audiences(sets)
    options = OverlapOptions(candidates="exact", top=3)
    whole = find_overlaps(world, options)
    assert not whole.counts["q_values_are_bounds"]
    # Blocks of a few rows, a pool of a hundred pairs.
    monkeypatch.setattr(overlap_counts, "_PER_PAIR", 1 << 8)
    tight = replace(options, memory_limit=1 << 20)
    monkeypatch.setattr("sm_assets.analysis.overlap_pairs.BYTES_PER_PAIR", (1 << 20) // 400)
    found = find_overlaps(world, tight)
    assert found.counts["q_values_are_bounds"]
    assert pairs_of(found) == pairs_of(whole)
    assert rows_of(found) == rows_of(whole)
    assert found.counts["candidate_pairs"] == whole.counts["candidate_pairs"] > 5000
    assert found.significant.q_value == pytest.approx(whole.significant.q_value, rel=1e-9, abs=1e-300)
    assert found.neighbours.is_significant.tolist() == whole.neighbours.is_significant.tolist()
    assert (found.neighbours.q_value >= whole.neighbours.q_value - 1e-12).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 60), st.integers(1, 200), st.booleans())
@settings(max_examples=60, deadline=None)
def test_product_in_small_pieces(seed: int, n: int, n_users: int, piece: int, in_slabs: bool) -> None:
    sets = random_sets(seed, n, n_users)
    world = audiences(sets)
    assert world.keys is not None
    assert world.indptr is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap_counts, "_RANGE", piece)
        patch.setattr(overlap_counts, "_PER_PAIR", 1)
        patch.setattr(overlap_counts, "_SMALL", 0 if in_slabs else 10**9)
        blocks = list(shared_followers(world.keys, world.indptr, 2 * piece))
    found = {}
    for i, j, shared in blocks:
        assert i.dtype == j.dtype == np.int32
        assert shared.dtype == np.int64
        for a, b, x in zip(i.tolist(), j.tolist(), shared.tolist(), strict=True):
            assert (a, b) not in found
            found[a, b] = x
    assert found == {(i, j): len(sets[i] & sets[j]) for i, j in combinations(range(n), 2) if sets[i] & sets[j]}


def test_keys_may_be_a_memory_map(tmp_path: Path) -> None:
    sets = planted(8, n=24)
    world = audiences(sets)
    assert world.keys is not None
    np.save(tmp_path / "keys.npy", world.keys)
    mapped = replace(world, keys=np.load(tmp_path / "keys.npy", mmap_mode="r"))
    for method in ("exact", "scan", "banding"):
        options = OverlapOptions(candidates=method)
        assert pairs_of(find_overlaps(mapped, options)) == pairs_of(find_overlaps(world, options))


@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(1, 8), st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_best_neighbours(seed: int, n: int, top: int, values: int) -> None:
    rng = np.random.default_rng(seed)
    every = list(combinations(range(n), 2))
    rng.shuffle(every)
    pairs = np.array(every[: int(rng.integers(1, len(every) + 1))], np.int32)
    i, j = pairs[:, 0].copy(), pairs[:, 1].copy()
    # Scores that agree to 32 bits and differ beyond.
    score = rng.integers(1, values + 1, len(i)) / values + rng.integers(0, 3, len(i)) * 1e-12
    expected = []
    for own in range(n):
        mine = [(-score[p], int(i[p] + j[p] - own), p) for p in range(len(i)) if own in {i[p], j[p]}]
        expected += [(own, other, rank, p) for rank, (_, other, p) in enumerate(sorted(mine)[:top], start=1)]
    assert list(zip(*(part.tolist() for part in best_neighbours(i, j, score, top, n)), strict=True)) == expected
    row, other = np.concatenate([i, j]).astype(np.int64), np.concatenate([j, i]).astype(np.int64)
    both = np.concatenate([score, score])
    # The same order where three numbers do not fit into one word.
    wide = overlap_pool._order(row, other, both, 2**33)
    assert wide.tolist() == overlap_pool._order(row, other, both, n).tolist()


def test_a_pool_keeps_what_may_matter() -> None:
    rng = np.random.default_rng(1)
    every = np.array(list(combinations(range(60), 2)), np.int32)
    i, j = every[:, 0].copy(), every[:, 1].copy()
    score, p_value = rng.random(len(i)) + 0.01, rng.random(len(i))
    pool = PairPool(60, 2, 0.01, 100)
    for start in range(0, len(i), 37):
        part = slice(start, start + 37)
        pool.add(i[part], j[part], score[part], np.arange(len(i))[part], p_value[part])
    *_, number, kept_p = pool.finish()
    assert pool.n_pairs == len(i)
    assert pool.is_pruned
    assert len(number) < 400
    assert (p_value[number] == kept_p).all()
    assert set(np.flatnonzero(p_value <= 0.01)) <= set(number.tolist())
    assert set(best_neighbours(i, j, score, 2, 60)[3].tolist()) <= set(number.tolist())


def test_how_pairs_are_found_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    world = audiences(planted(2, n=16), 128)
    told: list[str] = []
    assert find_overlaps(world, report=told.append).method == "exact"
    assert told[0].startswith("exact: ")
    assert find_overlaps(world, wedges=200_000_001).method == "scan"
    assert find_overlaps(replace(world, keys=None, indptr=None)).method == "scan"
    assert find_overlaps(world, wedges=200_000_001).is_exact
    monkeypatch.setattr("sm_assets.analysis.overlap_pairs.MAX_SCANNED", 15)
    last = find_overlaps(replace(world, keys=None, indptr=None), report=told.append)
    assert last.method == "banding"
    assert told[-1].startswith("banding: ")
    assert last.counts["bands"] == 64
    assert last.counts["rows_per_band"] == 2
    # What would not fit into memory is not counted by the product.
    monkeypatch.setattr("sm_assets.analysis.overlap_pairs.BYTES_PER_FOLLOW", 1 << 40)
    assert find_overlaps(world).method == "banding"


def test_large_buckets_are_scanned_and_counted() -> None:
    shared = set(range(500))
    world = audiences([shared | {1000 + row} for row in range(30)], 128)
    whole = find_overlaps(world, OverlapOptions(candidates="banding"))
    assert whole.counts["oversized_buckets"] == 0
    found = find_overlaps(world, OverlapOptions(candidates="banding", max_bucket=5))
    assert found.counts["oversized_buckets"] > 0
    assert rows_of(found) == rows_of(whole)


def test_what_is_refused() -> None:
    world = audiences(planted(2, n=16), 128)
    bare = replace(world, keys=None, indptr=None)
    with pytest.raises(OptionError, match="needs their keys"):
        find_overlaps(bare, OverlapOptions(candidates="exact"))
    with pytest.raises(OptionError, match="needs the follower keys"):
        find_overlaps(bare, OverlapOptions(candidates="scan", exact_rerank="always"))
    with pytest.raises(OptionError, match="k="):
        find_overlaps(bare, OverlapOptions(candidates="banding", jaccard=0.001))
    with pytest.raises(KernelError, match="same edges"):
        find_overlaps(replace(world, classes=DegreeClasses.of(np.array([1, 2]))))
    assert world.keys is not None
    with pytest.raises(SketchInputError):
        find_overlaps(replace(world, keys=world.keys[::-1].copy()), OverlapOptions(candidates="scan"))
    wrong: list[dict[str, npt.NDArray[np.generic] | None]] = [
        {"keys": None},
        {"indptr": None},
        {"sizes": world.sizes[:-1]},
        {"sizes": world.sizes.astype(np.int32)},
        {"sizes": world.sizes + 1},
        {"signatures": world.signatures[:, ::2]},
        {"signatures": world.signatures.astype(np.int64)},
        {"signatures": world.signatures[:5]},
    ]
    for columns in wrong:
        with pytest.raises(SketchInputError):
            replace(world, **columns)  # type: ignore[arg-type]  # what is tested
    bad: list[dict[str, object]] = [
        {"candidates": "some"},
        {"exact_rerank": "maybe"},
        {"null": "none"},
        {"alpha": 0.5},
        {"alpha": 0.0},
        {"recall": 1.0},
        {"jaccard": 0.0},
        {"top": 0},
        {"max_bucket": 0},
        {"min_shared": 0},
        {"memory_limit": 1000},
    ]
    for values in bad:
        with pytest.raises(OptionError, match="must"):
            OverlapOptions(**values)  # type: ignore[arg-type]  # what is tested
