"""Terms of clusters against the definition in plain Python, and what is no term."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from math import log

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.terms import cluster_terms
from sm_assets.analysis.token_codes import code_tokens
from sm_assets.errors import KernelError, OptionError

Post = tuple[int, int, int, list[str]]  # cluster, account, content, tokens
STOP = frozenset({"the"})
POSTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 3),
        st.integers(0, 4),
        st.lists(st.sampled_from(["a", "b", "c", "the", "<url>", "@a", "7", "#b"]), max_size=6),
    ),
    max_size=14,
)


def found(posts: list[Post], **options: int) -> list[dict[str, object]]:
    tokens = pa.array([post[3] for post in posts], pa.list_(pa.string()))
    cluster, account, content = (np.array([post[at] for post in posts], np.int64) for at in range(3))
    return cluster_terms(code_tokens(tokens, STOP), cluster, account, content, **options).to_pylist()


def is_word(token: str) -> bool:
    return token not in STOP and token not in {"<url>", "@a", "7"}


def by_definition(posts: list[Post], n_terms: int = 15, min_accounts: int = 2) -> list[dict[str, object]]:
    said: dict[tuple[int, str], set[tuple[int, int]]] = defaultdict(set)
    for cluster, account, content, tokens in posts:
        terms = {token for token in tokens if is_word(token)}
        terms |= {f"{a} {b}" for a, b in pairwise(tokens) if is_word(a) and is_word(b)}
        for term in terms:
            said[cluster, term].add((account, content))
    total: dict[int, int] = defaultdict(int)
    frequency: dict[str, int] = defaultdict(int)
    for (cluster, term), voices in said.items():
        total[cluster] += len(voices)
        frequency[term] += len(voices)
    mean = sum(total.values()) / max(len({post[0] for post in posts}), 1)
    rows = []
    for cluster in sorted(total):
        listed = [
            (-len(voices) / total[cluster] * log(1 + mean / frequency[term]), term, voices)
            for (home, term), voices in said.items()
            if home == cluster
        ]
        common = [row for row in listed if len({account for account, _ in row[2]}) >= min_accounts]
        for rank, (weight, term, voices) in enumerate(sorted(common or listed, key=lambda row: row[:2])[:n_terms], 1):
            rows.append(
                {
                    "cluster_id": cluster,
                    "rank": rank,
                    "term": term,
                    "weight": pytest.approx(-weight, abs=1e-12),
                    "n_accounts": len({account for account, _ in voices}),
                    "n_occurrences": len(voices),
                }
            )
    return rows


@settings(max_examples=150, deadline=None)
@given(POSTS, st.integers(1, 5), st.integers(1, 3))
def test_terms_are_those_of_the_definition(posts: list[Post], n_terms: int, min_accounts: int) -> None:
    # Equal weights differ by rounding between the two ways: the order is compared by weight, then term.
    rows = found(posts, n_terms=n_terms, min_accounts=min_accounts)
    assert [row["rank"] for row in rows] == [row["rank"] for row in by_definition(posts, n_terms, min_accounts)]
    everything = {
        (row["cluster_id"], row["term"]): {key: row[key] for key in ("weight", "n_accounts", "n_occurrences")}
        for row in by_definition(posts, 10**6, min_accounts)
    }
    for row in rows:
        known = everything[row["cluster_id"], row["term"]]
        assert known == {key: row[key] for key in known}
    expected = [row["weight"] for row in by_definition(posts, n_terms, min_accounts)]
    assert [row["weight"] for row in rows] == expected


@settings(max_examples=60, deadline=None)
@given(POSTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_numbers_of_accounts_have_no_meaning(posts: list[Post], random: object) -> None:
    moved = list(posts)
    random.shuffle(moved)  # type: ignore[attr-defined]  # a random.Random
    renamed = [(cluster, 90 - 7 * account, 3 * content + 1, tokens) for cluster, account, content, tokens in moved]
    assert found(renamed) == found(posts)


def test_a_repeating_account_is_one_voice() -> None:
    spam = [(0, 1, 1, ["buy", "buy", "gold"])] * 50 + [(0, 1, 2, ["buy"])]
    others = [(0, 2, 3, ["moon"]), (0, 3, 4, ["moon"]), (0, 2, 5, ["moon"])]
    rows = {row["term"]: row for row in found([*spam, *others], min_accounts=1)}
    assert rows["buy"]["n_occurrences"] == 2
    assert rows["buy"]["n_accounts"] == 1
    assert rows["moon"]["n_occurrences"] == 3
    assert [row["term"] for row in found([*spam, *others])] == ["moon"]


def test_a_lone_account_keeps_its_terms_where_there_are_no_others() -> None:
    assert [row["term"] for row in found([(0, 1, 1, ["moon", "orbit"])])] == ["moon", "moon orbit", "orbit"]


def test_pairs_bridge_nothing_that_was_left_out() -> None:
    terms = {
        row["term"] for row in found([(0, n, n, ["moon", "the", "orbit", "<url>", "probe", "star"]) for n in (1, 2)])
    }
    assert terms == {"moon", "orbit", "probe", "star", "probe star"}


def test_pairs_do_not_reach_into_the_next_text() -> None:
    assert "moon orbit" not in {row["term"] for row in found([(0, 1, 1, ["moon"]), (0, 1, 2, ["orbit"])])}


@pytest.mark.parametrize("token", ["<url>", "<email>", "@moon.example", "1969", "3.5", "#7", "the"])
def test_what_is_no_term(token: str) -> None:
    assert found([(0, n, n, [token, "moon"]) for n in (1, 2)]) == found([(0, n, n, ["moon"]) for n in (1, 2)])


@pytest.mark.parametrize("token", ["#moon", "$tsla", "🚀", "covid-19", "c++", "月面"])
def test_what_is_a_term(token: str) -> None:
    assert [row["term"] for row in found([(0, n, n, [token]) for n in (1, 2)])] == [token]


def test_what_one_cluster_says_marks_it_off_and_what_all_say_does_not() -> None:
    posts = [(c, 10 * c + n, 100 * c + n, ["today", word]) for c, word in enumerate(("moon", "soup")) for n in range(4)]
    first = {row["cluster_id"]: row["term"] for row in found(posts) if row["rank"] == 1}
    assert first == {0: "moon", 1: "soup"}
    weight = {(row["cluster_id"], row["term"]): row["weight"] for row in found(posts)}
    assert weight[0, "moon"] > weight[0, "today"] > 0


def test_nothing_but_stop_words_has_no_terms() -> None:
    assert found([(0, 1, 1, ["the", "the"]), (1, 2, 2, [])]) == []
    assert found([]) == []


def test_wrong_lengths_and_numbers_are_refused() -> None:
    words = code_tokens(pa.array([["a"]]))
    one, two = np.zeros(1, np.int64), np.zeros(2, np.int64)
    with pytest.raises(KernelError, match="found 1, 2 and 1 for 1 texts"):
        cluster_terms(words, one, two, one)
    with pytest.raises(OptionError, match="n_terms must be at least 1; found 0"):
        cluster_terms(words, one, one, one, n_terms=0)
