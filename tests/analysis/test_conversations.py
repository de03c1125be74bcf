"""Threads of posts and replies, beside a plain reading of the definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.conversations import POSTS, Conversations, conversations
from sm_assets.errors import KernelError
from sm_assets.kernels.forest import preorder

START = datetime(2024, 3, 1)
Row = dict[str, Any]


def post(number: int, parent: int | None = None, *, at: int | None = None, persona: int = 0, **more: object) -> Row:
    """A post; its time in seconds is its number unless it is given."""
    return {
        "persona_id": persona,
        "platform": "bluesky",
        "post_id": f"p{number:06}",
        "account_id": f"a{number % 3}",
        "parent_post_id": None if parent is None else f"p{parent:06}",
        "text": f"text {number}",
        "posted_at": START + timedelta(seconds=number if at is None else at),
        **more,
    }


def arranged(rows: Iterable[Row]) -> Conversations:
    return conversations(pa.Table.from_pylist(list(rows), POSTS))


def threads(found: Conversations) -> list[list[tuple[str, int, int | None]]]:
    """(post, depth, place of its parent), thread by thread."""
    out: list[list[tuple[str, int, int | None]]] = []
    for row in found.table.to_pylist():
        if row["position"] == 0:
            out.append([])
        assert row["position"] == len(out[-1])
        assert row["chain_id"] == (row["post_id"] if row["position"] == 0 else out[-1][0][0])
        out[-1].append((row["post_id"], row["depth"], row["parent_position"]))
    return out


def plain_threads(rows: list[Row]) -> list[list[tuple[str, int, int | None]]]:
    """The definition, by recursion."""
    ordered = sorted(rows, key=lambda row: (row["persona_id"], row["posted_at"], row["post_id"], row["platform"]))
    by_id = {(row["persona_id"], row["platform"], row["post_id"]): row for row in ordered}

    def parent_of(row: Row) -> Row | None:
        return by_id.get((row["persona_id"], row["platform"], row["parent_post_id"]))

    cut = set()
    for row in ordered:
        path, at = [], row
        while at is not None and at["post_id"] not in [one["post_id"] for one in path]:
            path.append(at)
            at = parent_of(at)
        if at is not None:
            loop = path[[one["post_id"] for one in path].index(at["post_id"]) :]
            cut.add(min(loop, key=lambda one: (one["posted_at"], one["post_id"]))["post_id"])
    out = []

    def read(row: Row, depth: int, parent: int | None, thread: list[tuple[str, int, int | None]]) -> None:
        place = len(thread)
        thread.append((row["post_id"], depth, parent))
        for other in ordered:
            if parent_of(other) is row and other["post_id"] not in cut:
                read(other, depth + 1, place, thread)

    roots = [row for row in ordered if parent_of(row) is None or row["post_id"] in cut]
    for row in sorted(roots, key=lambda row: (row["persona_id"], row["platform"], row["post_id"])):
        out.append([])
        read(row, 0, None, out[-1])
    return out


def test_replies_come_after_what_they_reply_to_and_by_time() -> None:
    rows = [post(1), post(2, 1, at=9), post(3, 1, at=5), post(4, 3, at=6), post(5, at=2), post(6, 3, at=6)]
    assert threads(arranged(rows)) == [
        [("p000001", 0, None), ("p000003", 1, 0), ("p000004", 2, 1), ("p000006", 2, 1), ("p000002", 1, 0)],
        [("p000005", 0, None)],
    ]


def test_a_reply_to_anybody_else_begins_a_thread() -> None:
    rows = [post(1), post(2, 1, persona=1), post(3, 99), post(4, 1, platform="twitter"), post(5, 2)]
    assert [[name for name, *_ in thread] for thread in threads(arranged(rows))] == [
        ["p000001"], ["p000003"], ["p000005"], ["p000004"], ["p000002"],
    ]  # fmt: skip


def test_a_parent_later_than_its_reply_is_a_parent() -> None:
    assert threads(arranged([post(1, at=50), post(2, 1, at=3)])) == [[("p000001", 0, None), ("p000002", 1, 0)]]


def test_loops_are_cut_at_their_earliest_post_and_counted() -> None:
    rows = [post(1, 1), post(2, 4, at=20), post(3, 2, at=10), post(4, 3, at=15), post(5, 2), post(6, 1)]
    found = arranged(rows)
    assert (found.n_self_replies, found.n_loops) == (1, 1)
    assert threads(found) == [
        [("p000001", 0, None), ("p000006", 1, 0)],
        [("p000003", 0, None), ("p000004", 1, 0), ("p000002", 2, 1), ("p000005", 3, 2)],
    ]


def test_a_thread_of_any_depth_is_read() -> None:
    n = 10_000
    rows = [post(number, number - 1 if number else None) for number in range(n)]
    # Times that fall: each reply is older than what it replies to.
    for row in rows:
        row["posted_at"] = START - (row["posted_at"] - START)
    table = arranged(rows).table
    assert table["depth"].to_pylist() == table["position"].to_pylist() == list(range(n))
    assert table["parent_position"].to_pylist() == [None, *range(n - 1)]
    loop = arranged([post(number, (number - 1) % n) for number in range(n)])
    assert loop.n_loops == 1
    assert loop.table["depth"].to_pylist() == list(range(n))


def test_no_post_is_no_thread() -> None:
    found = arranged([])
    assert (len(found.table), found.n_self_replies, found.n_loops) == (0, 0, 0)
    assert {"chain_id", "position", "depth", "parent_position"} < set(found.table.column_names)


FORESTS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.one_of(st.none(), st.integers(0, n)), min_size=n, max_size=n),
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
        st.lists(st.integers(0, 1), min_size=n, max_size=n),
        st.permutations(range(n)),
    )
)


@given(FORESTS)
@settings(max_examples=150, deadline=None)
def test_threads_are_those_of_the_definition(
    world: tuple[list[int | None], list[int], list[int], list[int]],
) -> None:
    parents, times, personas, order = world
    rows = [
        post(k, parent, at=times[k], persona=personas[k], platform=("bluesky", "twitter")[personas[k] and k % 2])
        for k, parent in enumerate(parents)
    ]
    found = arranged(rows)
    assert threads(found) == plain_threads(rows)
    assert Counter(found.table["post_id"].to_pylist()) == Counter(row["post_id"] for row in rows)
    assert arranged(rows[k] for k in order).table.equals(found.table)


def test_large_forests_hold_every_post_once() -> None:
    random = np.random.default_rng(5)
    n = 200_000
    parent = np.where(random.random(n) < 0.9999, random.integers(0, n, n), -1)
    walk = preorder(parent)
    assert (np.sort(walk.node) == np.arange(n)).all()
    place = np.empty(n, np.int64)
    place[walk.node] = walk.position
    depth = np.empty(n, np.int64)
    depth[walk.node] = walk.depth
    inner = walk.depth > 0
    above = parent[walk.node[inner]]
    assert (place[above] == walk.parent_position[inner]).all()
    assert (depth[above] == walk.depth[inner] - 1).all()
    assert (walk.parent_position[~inner] == -1).all()
    cut = (parent[walk.node[~inner]] >= 0).sum()
    assert cut == walk.n_self + walk.n_loops > 0


@pytest.mark.parametrize("parent", [[0, 2], [-2]])
def test_a_parent_that_is_no_node_is_refused(parent: list[int]) -> None:
    with pytest.raises(KernelError, match="parents must lie in"):
        preorder(np.array(parent))
