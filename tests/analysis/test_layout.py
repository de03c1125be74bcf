"""Maps: the same for every order of rows, alike rows near each other, few rows and equal rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from sm_assets.analysis.layout import layout, sample
from sm_assets.errors import KernelError, OptionError


def groups(n: int, k: int = 3, d: int = 60, seed: int = 0) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    group = random.integers(k, size=n)
    return random.normal(size=(k, d))[group] + random.normal(size=(n, d)) * 0.3, group


def names(n: int) -> list[str]:
    return [f"account {at:05d}" for at in range(n)]


def neighbours_share(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], group: npt.NDArray[np.int64]) -> float:
    """Share of rows whose nearest neighbour on the map is of their group."""
    places = np.stack([x, y], axis=1)
    far = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(far, np.inf)
    return float((group[far.argmin(axis=1)] == group).mean())


@pytest.mark.parametrize("method", ["tsne", "pacmap"])
def test_groups_stay_together_and_order_has_no_meaning(method: str) -> None:
    rows, group = groups(150)
    found = layout(rows, names(150), method=method)  # type: ignore[arg-type]  # one of the two
    assert found.row.tolist() == list(range(150))
    assert neighbours_share(found.x, found.y, group) > 0.97
    order = np.random.default_rng(1).permutation(150)
    moved = layout(rows[order], [names(150)[at] for at in order], method=method)  # type: ignore[arg-type]
    assert np.array_equal(found.x[order], moved.x)
    assert np.array_equal(found.y[order], moved.y)
    assert found.record == {
        "n_rows": 150, "n_placed": 150, "n_distinct": 150, "n_without_direction": 0, "n_not_drawn": 0, "seed": 42,
        "method": method,
    } | ({"perplexity": 30} if method == "tsne" else {})  # fmt: skip


def test_length_has_no_meaning_and_the_seed_has() -> None:
    rows, _ = groups(60)
    length = 2.0 ** np.random.default_rng(1).integers(-3, 4, size=(60, 1))
    found, scaled = layout(rows, names(60)), layout(rows * length, names(60))
    assert np.array_equal(found.x, scaled.x)
    assert not np.array_equal(found.x, layout(rows, names(60), seed=7).x)


def test_sparse_rows_lie_as_dense_ones_do() -> None:
    rows, group = groups(90)
    rows[np.abs(rows) < 0.8] = 0
    found = layout(sparse.csr_matrix(rows), names(90))
    assert neighbours_share(found.x, found.y, group) > 0.97
    few, dense = (layout(each, names(10)) for each in (sparse.csr_matrix(rows[:10]), rows[:10]))
    np.testing.assert_allclose(few.x, dense.x, atol=1e-5)


@pytest.mark.parametrize("method", ["tsne", "pacmap"])
@pytest.mark.parametrize("n", [0, 1, 2, 5, 11, 12, 14])
def test_few_rows_have_places(method: str, n: int) -> None:
    rows, _ = groups(n)
    found = layout(rows, names(n), method=method)  # type: ignore[arg-type]  # one of the two
    assert len(found.x) == len(found.y) == n
    assert np.isfinite(found.x).all()
    assert np.isfinite(found.y).all()
    if n > 1:
        assert len(set(zip(found.x, found.y, strict=True))) == n


def test_the_plane_of_few_rows_keeps_their_distances() -> None:
    flat = np.random.default_rng(0).normal(size=(8, 1))
    rows = np.concatenate([np.cos(flat), np.sin(flat)], axis=1)
    found = layout(rows, names(8))
    places = np.stack([found.x, found.y], axis=1)
    there = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.testing.assert_allclose(there, np.linalg.norm(rows[:, None] - rows[None], axis=2), atol=1e-5)


def test_few_kinds_of_rows_all_stand_apart() -> None:
    # All as far from each other as can be: no plane through them shows more than three.
    kind = np.repeat(np.arange(9), 30)
    found = layout(np.eye(9)[kind], names(len(kind)))
    places = np.stack([found.x, found.y], axis=1)
    centres = np.stack([places[kind == number].mean(axis=0) for number in range(9)])
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)[~np.eye(9, dtype=bool)]
    assert apart.min() > 0.2 * apart.max()
    assert neighbours_share(found.x, found.y, kind) == 1


def test_equal_rows_and_rows_without_direction() -> None:
    equal = layout(np.ones((40, 6)), names(40))
    assert set(zip(equal.x, equal.y, strict=True)) == {(0.0, 0.0)}
    rows, _ = groups(40)
    repeated = layout(np.repeat(rows[:4], 10, axis=0), names(40))
    assert np.isfinite(repeated.x).all()
    assert neighbours_share(repeated.x, repeated.y, np.repeat(np.arange(4), 10)) == 1
    rows[[0, 7]] = 0
    found = layout(rows, names(40))
    assert found.row.tolist() == [at for at in range(40) if at not in (0, 7)]
    assert (found.record["n_without_direction"], found.record["n_placed"]) == (2, 38)
    assert layout(np.zeros((5, 0)), names(5)).record["n_without_direction"] == 5


@pytest.mark.parametrize("method", ["tsne", "pacmap"])
def test_equal_rows_lie_around_their_place_nearer_than_any_other(method: str) -> None:
    rows, _ = groups(40)
    kind = np.random.default_rng(3).permutation(np.repeat(np.arange(40), np.arange(40) % 9 + 1))
    found = layout(rows[kind], names(len(kind)), method=method)  # type: ignore[arg-type]  # one of the two
    assert found.record["n_distinct"] == 40
    assert found.record["n_placed"] == len(kind)
    places = np.stack([found.x, found.y], axis=1)
    assert len(set(map(tuple, places.tolist()))) == len(kind)
    far = np.linalg.norm(places[:, None] - places, axis=2)
    same = kind[:, None] == kind
    assert all(far[at][same[at]].max() < far[at][~same[at]].min() * 4.1 for at in range(len(kind)))
    middle = np.stack([places[kind == number].mean(axis=0) for number in range(40)])
    nearest = np.linalg.norm(places[:, None] - middle, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, kind)


def test_a_crowd_of_equal_rows_does_not_move_the_others() -> None:
    rows, _ = groups(40)
    alone = layout(rows, names(40))
    crowd = layout(
        np.concatenate([rows, np.repeat(rows[:1], 500, axis=0)]), [*names(40), *(f"z{at}" for at in range(500))]
    )
    assert np.array_equal(alone.x, crowd.x[:40])
    assert np.array_equal(alone.y, crowd.y[:40])


def test_threads_do_not_move_anything() -> None:
    rows, _ = groups(150)
    one, two = (layout(rows, names(150), threads=threads) for threads in (1, 2))
    assert np.array_equal(one.x, two.x)
    assert np.array_equal(one.y, two.y)


def test_of_too_many_rows_a_sample_of_every_group_is_placed() -> None:
    rows, _ = groups(60)
    group = np.repeat([4, 0, -1], [40, 15, 5])
    found = layout(rows, names(60), groups=group, max_rows=12)
    assert found.record["n_not_drawn"] == 48
    assert [int((group[found.row] == number).sum()) for number in (4, 0, -1)] == [8, 3, 1]
    order = np.random.default_rng(2).permutation(60)
    moved = layout(rows[order], [names(60)[at] for at in order], groups=group[order], max_rows=12)
    assert sorted(order[moved.row].tolist()) == found.row.tolist()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(-1, 4), max_size=60), st.integers(2, 30), st.integers(0, 99))
def test_samples_take_alike_shares_of_groups(group: list[int], size: int, seed: int) -> None:
    drawn = sample(np.array(group, np.int64), len(group), size, seed)
    assert len(set(drawn.tolist())) == len(drawn) == min(size, len(group))
    assert drawn.tolist() == sorted(drawn)
    taken = np.array(group)[drawn] if len(drawn) else np.array([])
    if size >= len(set(group)):
        assert set(taken.tolist()) == set(group)
    for number in set(group):
        fair = group.count(number) * min(size, len(group)) / max(len(group), 1)
        assert abs(int((taken == number).sum()) - fair) <= len(set(group))


def test_what_cannot_be_placed_is_refused() -> None:
    with pytest.raises(OptionError, match="tsne, pacmap; found 'umap'"):
        layout(np.ones((2, 2)), names(2), method="umap")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(KernelError, match="found 1 keys for 2 rows"):
        layout(np.ones((2, 2)), names(1))
    with pytest.raises(KernelError, match="finite"):
        layout(np.array([[1.0, np.nan]]), names(1))
    with pytest.raises(OptionError, match="max_rows must be at least 2"):
        layout(np.ones((2, 2)), names(2), max_rows=1)
