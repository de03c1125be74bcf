"""Evidence: grouping of rows, against a plain one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.analysis.evidence import Evidence
from sm_assets.errors import KernelError

rows = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 9), st.integers(-3, 3)), max_size=40, unique_by=lambda row: row[:2]
)


def build(given_rows: list[tuple[int, int, int]], *, posts: bool = True) -> Evidence:
    account, content, post = np.array(given_rows, np.int64).reshape(-1, 3).T
    return Evidence.from_rows(account, content, post if posts else None, n_accounts=7, n_contents=10)


@given(rows)
def test_rows_are_grouped_by_account_post_and_content(given_rows: list[tuple[int, int, int]]) -> None:
    found = build(given_rows)
    for account in range(7):
        mine = sorted((post, content) for a, content, post in given_rows if a == account)
        posts = sorted({post for post, _ in mine})
        begin, end = found.account_ptr[account : account + 2]
        assert found.content[begin:end].tolist() == [content for _, content in mine]
        assert found.unit[begin:end].tolist() == [posts.index(post) for post, _ in mine]
        assert found.n_units[account] == len(posts)
    firsts = {}
    for a, content, post in given_rows:
        firsts[a, post] = min(content, firsts.get((a, post), 10))
    assert found.n_background == len(set(firsts.values()))


@given(rows, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(given_rows: list[tuple[int, int, int]], rnd) -> None:
    one = build(given_rows)
    rnd.shuffle(given_rows)
    other = build(given_rows)
    for name in ("account_ptr", "content", "unit"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_without_posts_every_content_is_a_piece() -> None:
    found = build([(0, 3, 1), (0, 1, 1), (2, 1, 1)], posts=False)
    assert found.content.tolist() == [1, 3, 1]
    assert found.unit.tolist() == [0, 1, 0]
    assert found.n_background == 2


@pytest.mark.parametrize(
    ("account", "content", "message"),
    [
        ([0, 0], [1, 1], "repeat"),
        ([7], [0], "account numbers"),
        ([0], [10], "content numbers"),
        ([0], [1, 2], "equally long"),
    ],
)
def test_what_does_not_fit_is_refused(account: list[int], content: list[int], message: str) -> None:
    with pytest.raises(KernelError, match=message):
        Evidence.from_rows(account, content, n_accounts=7, n_contents=10)
