"""Linkage: against the plain reference, by hand, on planted networks, in any order, at any size."""

from __future__ import annotations

import random
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from reference_linkage import Reference, by_label

from sm_assets.analysis.clustering import STATUSES, Clustering
from sm_assets.analysis.evidence import Evidence
from sm_assets.analysis.linkage import link_accounts
from sm_assets.errors import KernelError, OptionError
from sm_assets.kernels import linkage as kernel

Pieces = list[list[set[int]]]


def evidence_of(pieces: Pieces, n_contents: int | None = None, seed: int | None = None) -> Evidence:
    """The evidence of accounts given as lists of pieces; rows in random order if a seed is given."""
    rows = [(a, c, p) for a, own in enumerate(pieces) for p, piece in enumerate(own) for c in sorted(piece)]
    if seed is not None:
        random.Random(seed).shuffle(rows)
    account, content, post = np.array(rows, np.int64).reshape(-1, 3).T
    n = int(content.max(initial=-1)) + 1 if n_contents is None else n_contents
    return Evidence.from_rows(account, content, post, n_accounts=len(pieces), n_contents=n)


def flat(*contents: list[int]) -> Pieces:
    """Accounts whose every content is a piece of its own."""
    return [[{c} for c in own] for own in contents]


def groups(result: Clustering) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(result.cluster == k).tolist()) for k in range(result.n_clusters)}


def planted(
    seed: int, sizes: list[int], pool: int = 20, own: int = 5, loners: int = 50, viral: int = 3
) -> tuple[Pieces, np.ndarray]:
    """Networks that each draw from a pool of their own, loners, and contents that anybody carries."""
    rnd = random.Random(seed)
    pieces: Pieces = []
    truth = []
    free = 10**6
    for network, size in enumerate([*sizes, *[1] * loners]):
        for _ in range(size):
            mine: set[int] = set()
            if size > 1:
                mine |= {1000 * (network + 1) + c for c in rnd.sample(range(pool), rnd.randint(3, max(3, pool // 2)))}
            mine |= {c for c in range(viral) if rnd.random() < 0.2}
            free += own
            pieces.append([{c} for c in [*mine, *range(free, free + own)]])
            truth.append(network if size > 1 else -1)
    order = rnd.sample(range(len(pieces)), len(pieces))
    used = {c: i for i, c in enumerate(sorted({c for own_ in pieces for p in own_ for c in p}))}
    return [[{used[c] for c in p} for p in pieces[i]] for i in order], np.array([truth[i] for i in order])


account_pieces = st.lists(st.sets(st.integers(0, 11), min_size=1, max_size=3), max_size=5)


@st.composite
def small_worlds(draw: st.DrawFn) -> Pieces:
    """Accounts whose contents occur once each, in pieces of one to three."""
    worlds = draw(st.lists(account_pieces, min_size=1, max_size=9))
    result: Pieces = []
    for pieces in worlds:
        seen: set[int] = set()
        own = []
        for piece in pieces:
            fresh = piece - seen
            seen |= fresh
            if fresh:
                own.append(fresh)
        result.append(own)
    return result


# ------------------------------------------------------------------------------------------------------------- oracle


@settings(max_examples=300, deadline=None)
@given(small_worlds(), st.sampled_from([1, 2, 3, 200]))
def test_kernels_equal_the_reference(pieces: Pieces, viral: int) -> None:
    index = kernel.index_shared(evidence_of(pieces, 12), viral)
    reference = Reference(pieces, viral)
    assert index.mass.tolist() == reference.mass
    assert index.n_shared.tolist() == reference.n_shared
    assert index.n_common.tolist() == reference.n_common
    everyone = np.ones(len(pieces), np.bool_)
    for min_pieces, threshold in ((1, 0.03), (2, 0.002)):
        root = kernel.find_cores(index, everyone, min_pieces=min_pieces, doubt=2.0, threshold=threshold)
        found = {frozenset(np.flatnonzero(root == r).tolist()) for r in set(root.tolist())}
        label = reference.cores(set(range(len(pieces))), min_pieces, threshold)
        assert {g for g in found if len(g) > 1} == {frozenset(g) for g in by_label(label).values()}
    label = reference.cores(set(range(len(pieces))), 1, 0.03)
    array = np.array([label.get(x, -1) for x in range(len(pieces))], np.int32)
    scores = kernel.score_accounts(index, array, doubt=1.0)
    for x, (ranked, placed, top_two) in enumerate(reference.scores(label, 1.0)):
        assert scores.best[x] == (ranked[0][1] if ranked else -1)
        assert scores.second[x] == (ranked[1][1] if ranked[1:] else -1)
        assert scores.best_score[x] == pytest.approx(ranked[0][0] if ranked else 0, abs=1e-12)
        assert scores.placed[x] == pytest.approx(placed)
        assert scores.top_two[x] == pytest.approx(top_two)
    root = kernel.merge_clusters(index, array, threshold=0.15)
    merged = {x: int(root[label[x]]) for x in label}
    assert {frozenset(g) for g in by_label(merged).values()} == {
        frozenset(g) for g in by_label(reference.merge(label)).values()
    }


@settings(max_examples=200, deadline=None)
@given(small_worlds())
def test_method_equals_the_reference(pieces: Pieces) -> None:
    found = link_accounts(evidence_of(pieces, 12))
    expected = {frozenset(g) for g in by_label(Reference(pieces).cluster()).values()}
    index = kernel.index_shared(evidence_of(pieces, 12), 200)
    label = np.full(len(pieces), -1, np.int32)
    for k, group in enumerate(sorted(expected, key=min)):
        label[list(group)] = k
    strangers, _ = kernel.find_strangers(index, label, evidence_of(pieces, 12).n_units)
    if (strangers < 0).all():  # parting has tests of its own
        assert groups(found) == expected


def test_planted_world_equals_the_reference() -> None:
    pieces, _ = planted(5, [2, 3, 4, 6, 9], loners=12)
    assert groups(link_accounts(evidence_of(pieces))) == {
        frozenset(g) for g in by_label(Reference(pieces).cluster()).values()
    }


# ------------------------------------------------------------------------------------------------------------- by hand


def test_tiny_case_by_hand() -> None:
    # 0 and 1 share three contents, 2 carries one of them and one of its own, 3 nothing; four others are strangers.
    pieces = flat([0, 1, 2, 3], [0, 1, 2, 4], [0, 5], [6], [7], [8], [9], [10])
    index = kernel.index_shared(evidence_of(pieces), 200)
    # Contents 1 and 2 have two carriers: a whole vote. Content 0 has three: 1/2 + 1/2 sqrt(2/3).
    third = 0.5 + 0.5 * (2 / 3) ** 0.5
    assert (index.mass / kernel.ONE_VOTE).tolist() == pytest.approx([2 + third, 2 + third, third, 0, 0, 0, 0, 0])
    label = np.array([0, 0, -1, -1, -1, -1, -1, -1], np.int32)
    scores = kernel.score_accounts(index, label, doubt=1.0)
    # 0 gives 1 two votes and half of the third; by chance one of seven others, the one in the cluster, gets 1/7.
    beyond = (2 + third / 2 - (2 + third) / 7) / (6 / 7)
    assert scores.best_score[0] == pytest.approx(beyond / (2 + third + 1))
    # 2 gives all it has; two of seven others are in the cluster.
    assert scores.best_score[2] == pytest.approx((third - third * 2 / 7) / (5 / 7) / (third + 1))
    assert scores.second.tolist() == [-1] * 8
    found = link_accounts(evidence_of(pieces))
    assert found.cluster.tolist() == [0, 0, 0, -1, -1, -1, -1, -1]
    assert [STATUSES[s] for s in found.status] == ["member"] * 3 + ["unshared"] * 5
    assert found.n_shared.tolist() == [3, 3, 1, 0, 0, 0, 0, 0]


def test_text_and_link_of_one_post_are_one_piece() -> None:
    apart = kernel.index_shared(evidence_of(flat([0, 1], [0, 1])), 200)
    together = kernel.index_shared(evidence_of([[{0, 1}], [{0, 1}]]), 200)
    assert apart.mass.tolist() == [2 * kernel.ONE_VOTE] * 2
    assert together.mass.tolist() == [kernel.ONE_VOTE] * 2
    assert together.n_shared.tolist() == [1, 1]


def test_statuses() -> None:
    a, b, c = [0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]
    loners = [[100 + i] for i in range(30)]
    network = [a, a, a, b, b, b, c, c, c]
    near, many = [0, 1, 10, 11], [2, 12, 13, 22, 3, 23]
    weak = [50, 51, 52, 53, 0]
    halves = [[50], [51], [52], [53]]
    pieces = flat(*network, near, many, weak, *halves, *loners)
    found = link_accounts(evidence_of(pieces))
    named = [STATUSES[s] for s in found.status]
    assert named[:9] == ["member"] * 9
    assert named[9:11] == ["near_tie", "aggregator"]
    assert set(named[-30:]) == {"unshared"}
    assert found.second_cluster[9] >= 0
    assert found.best_score[9] < 2.5 * found.second_score[9]
    assert np.isnan(found.best_score[-1])
    assert found.best_cluster[-1] == -1


def test_viral_only() -> None:
    pieces = flat(*[[0, 100 + i] for i in range(30)], [1, 2, 3], [1, 2, 3])
    found = link_accounts(evidence_of(pieces), viral_accounts=10)
    assert [STATUSES[s] for s in found.status] == ["viral_only"] * 30 + ["member"] * 2


def test_aggregators_do_not_found_clusters() -> None:
    sources = [[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]]
    collector = [0, 1, 2, 3, 10, 11, 12, 13]
    filler = list(range(100, 130))
    found = link_accounts(evidence_of(flat(*sources, collector, collector, filler)))
    assert found.cluster[0] == -1 or found.cluster[0] != found.cluster[1]


def test_bridged_networks_are_parted() -> None:
    # Two networks with nothing in common but two accounts that carry everything.
    one, other = list(range(8)), list(range(10, 18))
    found = link_accounts(
        evidence_of(flat(*[one] * 4, *[other] * 4, one + other, one + other, *[[100 + i] for i in range(40)]))
    )
    assert len(set(found.cluster[:4].tolist())) == 1
    assert len(set(found.cluster[4:8].tolist())) == 1
    assert found.cluster[0] != found.cluster[4]
    assert found.cluster[8] == found.cluster[9] == -1


def test_strangers_by_hand() -> None:
    # 0 and 1 carry four of eight contents each and share none: 1 / 70 by chance.
    pieces = flat([0, 1, 2, 3], [4, 5, 6, 7], list(range(8)), list(range(8)))
    evidence = evidence_of(pieces)
    index = kernel.index_shared(evidence, 200)
    label = np.zeros(4, np.int32)
    for level, expected in ((1 / 70 + 1e-9, (0, 1)), (1 / 70 - 1e-9, (-1, -1))):
        one, other = kernel.find_strangers(index, label, evidence.n_units, level=level)
        assert (one[0], other[0]) == expected


# ------------------------------------------------------------------------------------------------------------- planted


@pytest.mark.parametrize("seed", range(5))
def test_planted_networks_are_found(seed: int) -> None:
    sizes = [2, 2, 3, 4, 5, 8, 13, 21]
    pieces, truth = planted(seed, sizes, loners=150)
    found = link_accounts(evidence_of(pieces))
    member = found.cluster >= 0
    same_truth = (truth[:, None] == truth) & (truth >= 0)
    same_found = (found.cluster[:, None] == found.cluster) & member
    np.fill_diagonal(same_truth, val=False)
    np.fill_diagonal(same_found, val=False)
    assert (same_truth & same_found).sum() / same_found.sum() > 0.98
    assert (same_truth & same_found).sum() / same_truth.sum() > 0.95
    assert member[truth < 0].mean() < 0.01


def test_numbers_by_size_then_smallest_account() -> None:
    pieces, _ = planted(3, [3, 3, 7, 5, 2], loners=60)
    found = link_accounts(evidence_of(pieces))
    sizes = np.bincount(found.cluster[found.cluster >= 0])
    smallest = [int(np.flatnonzero(found.cluster == k)[0]) for k in range(len(sizes))]
    assert len(sizes) >= 4
    assert [(-size, first) for size, first in zip(sizes, smallest, strict=True)] == sorted(
        (-size, first) for size, first in zip(sizes, smallest, strict=True)
    )


# --------------------------------------------------------------------------------------------------------- any order


@settings(max_examples=100, deadline=None)
@given(small_worlds(), st.randoms(use_true_random=False))
def test_order_of_rows_and_numbers_of_contents_do_not_matter(pieces: Pieces, rnd: random.Random) -> None:
    found = link_accounts(evidence_of(pieces, 12))
    names = rnd.sample(range(12), 12)
    shuffled = [[{names[c] for c in piece} for piece in own] for own in pieces]
    for own in shuffled:
        rnd.shuffle(own)
    again = link_accounts(evidence_of(shuffled, 12, seed=rnd.randrange(1000)))
    for name in Clustering.__slots__:
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name), err_msg=name)


@pytest.mark.parametrize("seed", range(5))
def test_order_of_accounts_does_not_matter(seed: int) -> None:
    pieces, _ = planted(seed, [2, 3, 5, 8, 13, 21], loners=80)
    found = link_accounts(evidence_of(pieces))
    order = random.Random(seed).sample(range(len(pieces)), len(pieces))
    again = link_accounts(evidence_of([pieces[i] for i in order]))
    assert groups(found) == {frozenset(order[x] for x in group) for group in groups(again)}
    np.testing.assert_array_equal(found.status[order], again.status)


# ---------------------------------------------------------------------------------------------------------------- size


@pytest.mark.parametrize(("accounts", "share"), [(150, 1.0), (1000, 1.0), (1000, 0.3)])
def test_network_of_viral_contents_is_found(accounts: int, share: float) -> None:
    rng = np.random.default_rng(7)
    keep = rng.random((accounts, 40)) < share
    account, content = np.nonzero(keep)
    account = np.concatenate([account, np.repeat(np.arange(accounts, accounts + 500), 5)])
    content = np.concatenate([content, np.arange(40, 40 + 2500)])
    found = link_accounts(Evidence.from_rows(account, content, n_accounts=accounts + 500, n_contents=2540))
    assert (found.cluster[:accounts] == 0).all()
    assert (found.cluster[accounts:] == -1).all()


def test_large_sparse_network_is_found() -> None:
    rng = np.random.default_rng(7)
    content = np.concatenate([rng.choice(300, 10, replace=False) for _ in range(600)])
    account = np.concatenate([np.repeat(np.arange(600), 10), np.repeat(np.arange(600, 1500), 5)])
    content = np.concatenate([content, np.arange(300, 300 + 4500)])
    found = link_accounts(Evidence.from_rows(account, content, n_accounts=1500, n_contents=4800))
    assert (found.cluster[:600] == 0).all()
    assert (found.cluster[600:] == -1).all()


def test_content_of_ten_thousand_accounts_costs_nothing_quadratic() -> None:
    n = 10_000
    account = np.concatenate([np.arange(n), np.repeat(np.arange(n), 4)])
    content = np.concatenate([np.zeros(n, np.int64), np.arange(1, 1 + 4 * n)])
    evidence = Evidence.from_rows(account, content, n_accounts=n, n_contents=1 + 4 * n)
    tracemalloc.start()
    start = time.process_time()
    found = link_accounts(evidence)
    seconds = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 1
    assert peak < 50 * 2**20
    assert {STATUSES[s] for s in found.status} == {"viral_only"}


# ------------------------------------------------------------------------------------------------------------- edges


@pytest.mark.parametrize("pieces", [[], [[]], [[], []], flat([0]), flat([0], [1])])
def test_nothing_to_compare(pieces: Pieces) -> None:
    found = link_accounts(evidence_of(pieces))
    assert found.n_accounts == len(pieces)
    assert found.n_clusters == 0
    assert found.count_by_status() == ({"unshared": len(pieces)} if pieces else {})


def test_everybody_shares_everything() -> None:
    found = link_accounts(evidence_of(flat([0, 1, 2, 3], [0, 1, 2, 3])))
    assert found.cluster.tolist() == [0, 0]
    assert (found.best_score <= 1).all()


def test_progress_ends_at_one() -> None:
    seen: list[float] = []
    link_accounts(evidence_of(flat([0, 1], [0, 1])), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize(
    "options",
    [
        {"min_threshold": -0.1},
        {"min_threshold": 1.1},
        {"second_cluster_factor": -1},
        {"second_cluster_factor": float("inf")},
        {"viral_accounts": 0},
    ],
)
def test_options_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        link_accounts(evidence_of(flat([0], [0])), **options)  # type: ignore[arg-type]  # on purpose


def test_kernels_refuse_what_does_not_fit() -> None:
    index = kernel.index_shared(evidence_of(flat([0, 1], [0, 1])), 200)
    with pytest.raises(KernelError, match="labels must be"):
        kernel.score_accounts(index, np.array([0], np.int32), doubt=1)
    with pytest.raises(KernelError, match="without a gap"):
        kernel.merge_clusters(index, np.array([1, 1], np.int32), threshold=0.1)
    with pytest.raises(KernelError, match="flags"):
        kernel.find_cores(index, np.ones(3, np.bool_), min_pieces=1, doubt=1, threshold=0.1)
    with pytest.raises(KernelError, match="at least 1"):
        kernel.index_shared(evidence_of(flat([0])), 0)
