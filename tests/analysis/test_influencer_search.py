"""Searches by hand, against plain re-implementations, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.influencer_search import PAPER, SearchOptions, find_candidates, rank, search_rows
from sm_assets.contracts import TABLES
from sm_assets.contracts.columns import SEARCH_METHODS
from sm_assets.errors import OptionError, SketchInputError

EMPTY = 0xFFFFFFFF
ALL = SearchOptions(rows=1)

Signatures = npt.NDArray[np.uint32]


def likeness(signatures: Signatures) -> npt.NDArray[np.float64]:
    equal = (signatures[:, None, :] == signatures[None, :, :]) & (signatures != EMPTY)[:, None, :]
    return np.asarray(equal.mean(axis=2))


def few(rng: np.random.Generator, n: int, k: int, values: int, n_empty: int = 0) -> Signatures:
    """Signatures that often agree, with ties."""
    signatures = rng.integers(0, values, (n, k)).astype(np.uint32)
    signatures[rng.permutation(n)[:n_empty]] = EMPTY
    return signatures


def candidates_by_hand(signatures: Signatures, seeds: list[int], bands: int, rows: int) -> list[int]:
    found = []
    for row in range(len(signatures)):
        for seed in seeds:
            for band in range(bands):
                mine, theirs = (signatures[r, band * rows : (band + 1) * rows].tolist() for r in (row, seed))
                if mine == theirs and EMPTY not in mine:
                    found.append(row)
    return sorted(set(found) - set(seeds))


def grown(j: npt.NDArray[np.float64], seeds: list[int], rows: list[int]) -> tuple[list[int], list[float]]:
    """The cluster of the definition, step by step."""
    g, n, left, order, scores = j[seeds].mean(axis=0), len(seeds), list(rows), [], []
    while left:
        new = max(left, key=lambda row: (round(g[row], 12), -row))
        order.append(new)
        scores.append(g[new])
        left.remove(new)
        g = (n * g + j[new]) / (n + 1)
        n += 1
    return order, scores


def walked(
    j: npt.NDArray[np.float64], seeds: list[int], rows: list[int], damping: float, steps: int | None
) -> dict[int, float]:
    """Personalised PageRank by its definition; by solving where no number of steps is given."""
    nodes = seeds + rows
    a = j[np.ix_(nodes, nodes)].copy()
    np.fill_diagonal(a, 1.0)
    a /= a.sum(axis=0, keepdims=True)
    s = np.array([1 / len(seeds)] * len(seeds) + [0.0] * len(rows))
    if steps is None:
        r = np.linalg.solve(np.eye(len(nodes)) - damping * a, (1 - damping) * s)
    else:
        r = s
        for _ in range(steps):
            r = damping * a @ r + (1 - (damping * a @ r).sum()) * s
    return dict(zip(nodes, r.tolist(), strict=True))


@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 40),
    st.sampled_from([4, 5, 12]),
    st.integers(2, 6),
    st.sampled_from([1, 2, 3]),
)
@settings(max_examples=60, deadline=None)
def test_methods_do_what_they_are_defined_to_do(seed: int, n: int, k: int, values: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    signatures = few(rng, n, k, values, n_empty=n // 5)
    seeds = np.sort(rng.permutation(n)[: int(rng.integers(1, min(n, 4) + 1))]).astype(np.int64)
    options = SearchOptions(rows=rows)
    chosen = seeds.tolist()
    expected = candidates_by_hand(signatures, chosen, k // rows, rows)
    found = find_candidates(signatures, seeds, options)
    assert found.rows.tolist() == expected
    assert found.n_cut == 0
    j = likeness(signatures)
    similar = rank("minhash_similarity", signatures, seeds, options)
    mean = j[chosen].mean(axis=0)
    assert similar.rows.tolist() == sorted(expected, key=lambda row: (-round(mean[row], 12), row))
    assert similar.scores == pytest.approx(mean[similar.rows])
    cluster = rank("agglomerative", signatures, seeds, options)
    order, scores = grown(j, chosen, expected)
    assert cluster.rows.tolist() == order
    assert cluster.scores == pytest.approx(scores)
    for damping, steps in ((0.5, None), (0.9, 3)):
        walk = rank("personalised_pagerank", signatures, seeds, SearchOptions(rows=rows, damping=damping, steps=steps))
        score = walked(j, chosen, expected, damping, steps)
        assert sorted(walk.rows.tolist()) == expected
        assert walk.scores == pytest.approx([score[row] for row in walk.rows.tolist()], abs=1e-8)
        assert (np.diff(walk.scores) <= 0).all()
        same = np.flatnonzero(np.diff(walk.scores) == 0)
        assert (walk.rows[same] < walk.rows[same + 1]).all()


def test_three_methods_by_hand() -> None:
    # Row 1 shares 3 of 4 registers with the seed, rows 2 and 3 two, row 4 none; 2 is also like 1.
    signatures = np.array([[1, 2, 3, 4], [1, 2, 3, 9], [1, 8, 3, 9], [7, 7, 3, 4], [6, 6, 6, 6]], np.uint32)
    seeds = np.array([0])
    similar = rank("minhash_similarity", signatures, seeds, ALL)
    assert similar.rows.tolist() == [1, 2, 3]
    assert similar.scores.tolist() == [0.75, 0.5, 0.5]
    cluster = rank("agglomerative", signatures, seeds, ALL)
    assert cluster.rows.tolist() == [1, 2, 3]
    assert cluster.scores.tolist() == [0.75, (0.5 + 0.75) / 2, (0.5 + 0.25 + 0.25) / 3]
    assert similar.n_candidates == cluster.n_candidates == 3
    # The last row shares single registers only: no candidate by pairs of them.
    assert find_candidates(signatures, seeds, SearchOptions()).rows.tolist() == [1, 3]


def test_the_strongest_candidates_are_kept_and_the_others_counted() -> None:
    rng = np.random.default_rng(4)
    signatures = few(rng, 300, 16, 3)
    seeds = np.array([5, 200])
    everyone = rank("minhash_similarity", signatures, seeds, SearchOptions(rows=1, max_members=1000))
    capped = SearchOptions(rows=1, max_candidates=20, max_members=7)
    found = find_candidates(signatures, seeds, capped)
    assert found.n_cut == everyone.n_candidates - 20 > 0
    assert found.rows.tolist() == sorted(everyone.rows[:20].tolist())
    for method in SEARCH_METHODS:
        ranking = rank(method, signatures, seeds, capped)
        assert len(ranking.rows) == 7
        assert ranking.n_candidates == 20
        assert ranking.n_cut == found.n_cut
        assert set(ranking.rows.tolist()) <= set(found.rows.tolist())


def test_blocks_of_rows_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    signatures = few(np.random.default_rng(8), 90, 8, 3, n_empty=6)
    seeds = np.array([1, 50])
    whole = [rank(method, signatures, seeds, ALL) for method in SEARCH_METHODS]
    monkeypatch.setattr("sm_assets.analysis.influencer_search._BLOCK", 64)
    for method, before in zip(SEARCH_METHODS, whole, strict=True):
        after = rank(method, signatures, seeds, ALL)
        assert after.rows.tolist() == before.rows.tolist()
        assert after.scores.tolist() == before.scores.tolist()


def test_empty_signatures_are_like_nobody() -> None:
    signatures = np.full((4, 8), EMPTY, np.uint32)
    signatures[2:] = 5
    for method in SEARCH_METHODS:
        assert not len(rank(method, signatures, np.array([0]), ALL).rows)
        assert rank(method, signatures, np.array([0, 2]), ALL).rows.tolist() == [3]


def test_equal_accounts_go_by_row_whatever_the_order_of_summing() -> None:
    rng = np.random.default_rng(6)
    kinds = few(rng, 5, 16, 3)
    kind = rng.integers(0, 5, 203)
    for method in SEARCH_METHODS:
        ranking = rank(method, kinds[kind], np.array([0, 9]), SearchOptions(rows=1, max_members=1000))
        for one in range(5):
            rows = ranking.rows[kind[ranking.rows] == one]
            assert rows.tolist() == sorted(rows.tolist())
            if method != "agglomerative":
                assert len(set(ranking.scores[kind[ranking.rows] == one].tolist())) <= 1


def test_preset_of_the_paper() -> None:
    assert SearchOptions(bands=500, rows=2, damping=0.9, steps=3) == PAPER
    assert PAPER.bands_of(1000) == 500
    with pytest.raises(OptionError, match="500 bands of 2 registers need signatures of 1000; found 128"):
        PAPER.bands_of(128)
    with pytest.raises(OptionError, match=r"^1 band of 2 registers needs signatures of 2; found 1\. Take fewer rows"):
        SearchOptions().bands_of(1)
    with pytest.raises(OptionError, match=r"^3 bands of 1 register need signatures of 3; found 2\. Take fewer bands"):
        SearchOptions(bands=3, rows=1).bands_of(2)


def test_what_is_refused() -> None:
    signatures = few(np.random.default_rng(0), 5, 4, 3)
    with pytest.raises(OptionError, match="method must be one of"):
        rank("fashion", signatures, np.array([0]))
    with pytest.raises(OptionError, match="at least one seed"):
        find_candidates(signatures, np.array([], np.int64))
    for seeds in (np.array([5]), np.array([-1]), np.array([1, 1]), np.array([0], np.int32)):
        with pytest.raises(SketchInputError, match=r"[Ss]eeds"):
            find_candidates(signatures, seeds)
    for wrong in (signatures.astype(np.int64), signatures[:, ::2], signatures[0]):
        with pytest.raises(SketchInputError, match="uint32"):
            find_candidates(wrong, np.array([0]))  # type: ignore[arg-type]  # what is tested
    wrong_options: list[dict[str, Any]] = [
        {"rows": 0},
        {"bands": 0},
        {"max_candidates": 0},
        {"max_members": 0},
        {"steps": 0},
        {"damping": 1.0},
        {"damping": "0.5"},
        {"rows": 1.5},
        {"max_members": "5"},
        {"tolerance": float("inf")},
        {"damping": 0.0},
        {"tolerance": 0.0},
    ]
    for wrong_option in wrong_options:
        with pytest.raises(OptionError, match="must"):
            SearchOptions(**wrong_option)


def audiences(n: int) -> pa.Table:
    return pa.table(
        {
            "account_id": [f"a{row:03d}" for row in range(n)],
            "n_followers": np.arange(100, 100 + n),
            "display_name": pa.array([None if row % 2 else f"Name {row}" for row in range(n)]),
            "handle": pa.array([None] * n, pa.string()),
        }
    )


def test_rows_of_the_table() -> None:
    signatures = few(np.random.default_rng(3), 60, 16, 3)
    options = SearchOptions(rows=1, max_members=10)
    table, counts = search_rows(
        "press",
        "twitter",
        audiences(60),
        signatures,
        ["a007", "gone", "a003", "a007"],
        day=date(2024, 3, 1),
        options=options,
    )
    contract = TABLES["out_influencer_search"]
    assert tuple(table.column_names) == contract.column_names
    assert [field.type for field in table.schema] == [column.arrow_type for column in contract.columns]
    assert not [column.name for column in contract.columns if not column.nullable and table[column.name].null_count]
    assert counts == {
        "seeds_found": 2,
        "seeds_missing": ["gone"],
        "seeds_without_followers": 0,
        "candidates": 58,
        "candidates_cut": 0,
    }
    rows = table.to_pylist()
    assert len(rows) == 30
    for method in SEARCH_METHODS:
        ranking = rank(method, signatures, np.array([3, 7]), options)
        mine = [row for row in rows if row["method"] == method]
        assert [row["rank"] for row in mine] == list(range(1, 11))
        assert [row["account_id"] for row in mine] == [f"a{row:03d}" for row in ranking.rows]
        assert [row["score"] for row in mine] == ranking.scores.tolist()
        assert all(row["n_followers"] == 100 + int(row["account_id"][1:]) for row in mine)
        assert all(row["display_name"] in {None, f"Name {int(row['account_id'][1:])}"} for row in mine)
    assert all(row["seeds"] == ["a003", "a007"] and row["n_seeds"] == 2 and row["n_candidates"] == 58 for row in rows)
    assert not {"a003", "a007"} & {row["account_id"] for row in rows}
    assert len({(row["method"], row["account_id"]) for row in rows}) == 30


def test_searches_that_find_nobody() -> None:
    signatures = np.arange(40, dtype=np.uint32).reshape(5, 8)
    table, counts = search_rows("alone", "x", audiences(5), signatures, ["a001"], day=date(2024, 3, 1))
    assert len(table) == 0
    assert counts["candidates"] == 0
    assert tuple(table.column_names) == TABLES["out_influencer_search"].column_names
    with pytest.raises(OptionError, match="none of the 2 seeds is an influencer on x: b, c"):
        search_rows("lost", "x", audiences(5), signatures, ["b", "c"], day=date(2024, 3, 1))
    with pytest.raises(SketchInputError, match="5; found 4"):
        search_rows("short", "x", audiences(5), signatures[:4], ["a001"], day=date(2024, 3, 1))
