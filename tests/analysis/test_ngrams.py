"""N-grams against a count by hand, and what makes counts of batches add up."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.about import holds_any, phrases
from sm_assets.analysis.ngrams import COUNTS, NgramRules, count_ngrams
from sm_assets.analysis.tokens import tokenise
from sm_assets.errors import OptionError

POSTS = pa.schema([(name, pa.string()) for name in ("platform", "account_id", "lang", "text")])
STOP = {"en": frozenset({"the", "die"}), "de": frozenset({"die", "und"})}
RULES = NgramRules(stop_words=STOP, other_stop_words=frozenset({"the", "die", "und"}))
WORDS = [
    "the",
    "die",
    "und",
    "moon",
    "goal",
    "#moon",
    "@bob",
    "https://x.example/a",
    "42",
    "caf\u00e9",
    "\U0001f680",
    ".",
]
Row = tuple[str, str, str | None, str | None]


def table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(POSTS.names, row, strict=True)) for row in rows], POSTS)


def is_word(token: str) -> bool:
    return not (token.startswith(("@", "<")) or (any(map(str.isdigit, token)) and not any(map(str.isalpha, token))))


def by_hand(rows: list[Row], rules: NgramRules = RULES) -> dict[tuple[Any, ...], tuple[int, int, int]]:
    """(platform, lang, n, ngram) -> posts, accounts, occurrences; lang `all`: every post."""
    posts: dict[tuple[Any, ...], set[int]] = defaultdict(set)
    accounts: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    times: Counter[tuple[Any, ...]] = Counter()
    for number, (platform, account, lang, text) in enumerate(rows):
        tokens = tokenise(pa.array([text], pa.string()), rules.tokenizer).to_pylist()[0]
        stop = rules.stop_words.get(lang or "", rules.other_stop_words)
        for n in range(1, rules.longest + 1):
            for first in range(len(tokens) - n + 1):
                words = tokens[first : first + n]
                if all(map(is_word, words)) and words[0] not in stop and words[-1] not in stop:
                    for scope in (lang, "all"):
                        key = (platform, scope, n, " ".join(words))
                        posts[key].add(number)
                        accounts[key].add(account)
                        times[key] += 1
    return {key: (len(posts[key]), len(accounts[key]), times[key]) for key in times}


def summed(*batches: pa.Table) -> dict[tuple[Any, ...], tuple[int, int, int]]:
    """The same out of counts of batches."""
    found: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in (row for batch in batches for row in batch.to_pylist()):
        for scope, accounts in ((row["lang"], row["n_accounts"]), ("all", row["n_first"])):
            key = (row["platform"], scope, row["n"], row["ngram"])
            for place, value in enumerate((row["n_posts"], accounts, row["n_occurrences"])):
                found[key][place] += value
    return {key: (a, b, c) for key, (a, b, c) in found.items()}


POST = st.tuples(
    st.sampled_from(["bluesky", "twitter"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["en", "de", None]),
    st.none() | st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(POST, max_size=25))
def test_counts_are_those_by_hand_whole_and_in_batches_of_accounts(rows: list[Row]) -> None:
    expected = by_hand(rows)
    whole = count_ngrams(table(rows), RULES)
    assert summed(whole.table) == expected
    assert whole.n_counted == len(rows)
    batches = [count_ngrams(table([row for row in rows if row[1] == account]), RULES).table for account in "abc"]
    assert summed(*batches) == expected


def test_no_order_of_posts_matters() -> None:
    texts = ("moon goal", "goal moon goal", "the moon goal")
    rows: list[Row] = [("bluesky", who, lang, text) for text in texts for who in "ab" for lang in ("en", None)]
    first, second = (count_ngrams(table(made), RULES).table for made in (rows, rows[::-1]))
    assert first.equals(second)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        # Neither from post to post nor across what is no word.
        (["moon", "goal"], {"moon", "goal"}),
        (["moon @bob goal", "moon 42 goal", "moon https://x.example goal"], {"moon", "goal"}),
        # Stop words inside, not at the ends; in German another word is one.
        (["moon of the goal"], {"moon", "of", "goal", "moon of", "of the goal", "moon of the goal"}),
        (["THE the"], set()),
        (["die Hard"], {"hard"}),
    ],
)
def test_what_counts_as_a_sequence(texts: list[str], expected: set[str]) -> None:
    found = count_ngrams(table([("bluesky", "a", "en", text) for text in texts]), RULES).table
    assert set(found["ngram"].to_pylist()) == expected


def test_an_account_that_writes_in_two_languages_is_one_of_all() -> None:
    rows: list[Row] = [("bluesky", "a", lang, "moon") for lang in ("de", "en", None)]
    found = count_ngrams(table(rows), RULES).table
    assert sum(found["n_accounts"].to_pylist()) == 3
    assert sum(found["n_first"].to_pylist()) == 1


@pytest.mark.parametrize("rows", [[], [("bluesky", "a", None, None)], [("bluesky", "a", "en", "the 42 @bob")]])
def test_posts_without_a_word_have_no_rows(rows: list[Row]) -> None:
    found = count_ngrams(table(rows), RULES)
    assert found.table.schema == COUNTS
    assert (len(found.table), found.n_counted) == (0, len(rows))


def test_only_posts_about_something_count() -> None:
    rules = NgramRules(about=phrases(["#Moon", "penalty kick", "\u6771\u4eac\u90fd"]))
    rows: list[Row] = [
        ("bluesky", "a", "en", "moon party"),
        ("bluesky", "a", "en", "#moon base"),
        ("bluesky", "b", "en", "penalty for a kick"),
        ("bluesky", "b", "en", "a penalty kick"),
        ("bluesky", "c", "ja", "\u6771\u4eac\u90fd\u5e81"),
        ("bluesky", "c", "ja", "\u4eac\u90fd"),
    ]
    found = count_ngrams(table(rows), rules)
    assert found.n_counted == 3
    assert {"#moon base", "a penalty kick"} <= set(found.table["ngram"].to_pylist())
    assert "party" not in found.table["ngram"].to_pylist()


def test_a_word_is_found_as_its_hashtag_and_a_hashtag_as_a_hashtag_only() -> None:
    texts = ["at #CANNES now", "cannes!", "recannes", "film  festival", "film fan festival", "palme", "#Palme", None]
    asked = {"Cannes": [0, 1], "Film Festival": [3], "#palme": [6], "palme": [5, 6]}
    tokens = tokenise(pa.array(texts))
    for entry, expected in asked.items():
        assert np.flatnonzero(holds_any(tokens, phrases([entry]))).tolist() == expected
    assert np.flatnonzero(holds_any(tokens, phrases(asked))).tolist() == [0, 1, 3, 5, 6]


@pytest.mark.parametrize("entry", ["", "  ", "!?"])
def test_about_nothing_is_refused(entry: str) -> None:
    with pytest.raises(OptionError, match="about must list words"):
        phrases(["moon", entry])


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("https://x.example/a", "holds an address"),
        ("read https://x.example/a now", "holds an address"),
        ("a@x.example", "holds an address"),
        ("#COVID-19", "no hashtag behind '#covid'"),
        ("long \uff03COVID-19", "no hashtag behind '#covid'"),
    ],
)
def test_what_texts_hold_otherwise_than_it_is_written_is_refused(entry: str, why: str) -> None:
    with pytest.raises(OptionError, match=f"about must list words.*{why}"):
        phrases(["moon", entry])


def test_hashtags_in_a_row_and_before_a_stop_are_phrases() -> None:
    assert phrases(["#moon #probe", "#goal!"]) == (("#goal",), ("#moon", "#probe"))


@given(
    st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=6),
    st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3).map(tuple), max_size=3),
)
def test_phrases_are_found_inside_one_text(texts: list[list[str]], wanted: list[tuple[str, ...]]) -> None:
    expected = [
        not wanted or any(tuple(text[at : at + len(each)]) == each for each in wanted for at in range(len(text)))
        for text in texts
    ]
    assert holds_any(pa.array(texts, pa.list_(pa.string())), wanted).tolist() == expected
