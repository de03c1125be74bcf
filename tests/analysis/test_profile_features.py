"""Terms of biographies: equal to scikit-learn's where it does the same, to sums by hand where it does not."""

from __future__ import annotations

import math
import re
import string
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sm_assets.analysis.profile_features import COMPAT, FeatureRules, Features, profile_features
from sm_assets.analysis.tokens import tokenise
from sm_assets.errors import KernelError, OptionError

# As the tutorial writes it, for Python's engine.
URL = re.compile(r"(https?://)?(\w*[.]\w+)+([/?=&]+\w+)*")
# Of the tutorial's million strings those that occur here: the peer takes every stop word apart anew.
PUNCTUATION = [*string.punctuation, "!!", "?!?", "~~~~"]
SIGNS = "./?=@"
STOP = ("the", "and", "of", "la", "de")


def features(bios: list[str | None], rules: FeatureRules, lang: str = "en") -> Features:
    return profile_features(pa.array(bios, pa.string()), pa.array([lang] * len(bios)), rules)


def told(found: Features) -> list[dict[str, float]]:
    """Weights by term, row by row."""
    names = found.vocabulary.to_pylist()
    rows = [found.matrix[[row]] for row in range(found.matrix.shape[0])]
    return [{names[at]: float(value) for at, value in zip(row.indices, row.data, strict=True)} for row in rows]


def synthetic_bios(n: int, seed: int = 3) -> list[str]:
    """Words as frequent as in any language, with signs, addresses, mentions and numbers between them."""
    random = np.random.default_rng(seed)
    words = [f"word{number}" for number in range(900)] + list(STOP)
    weight = 1 / np.arange(1, len(words) + 1)
    extra = ["@me", "rad.Twilight", "www.a-b.org/x?y=z", "3.5", "!!", "?!?", "don't", "🎥", "A.b", "soooooo", "~~~~"]
    bios = []
    for _ in range(n):
        chosen = random.choice(words, random.integers(0, 10), p=weight / weight.sum()).tolist()
        chosen += random.choice(extra, random.integers(0, 3)).tolist()
        bios.append(" ".join(random.permutation(chosen)))
    return bios


def without_addresses(text: str) -> str:
    return URL.sub("<-URL->", text)


def split(text: str) -> list[str]:
    from nltk.tokenize import TweetTokenizer

    return list(TweetTokenizer(preserve_case=False, reduce_len=True, strip_handles=False).tokenize(text))


def runs_of_signs(bios: list[str]) -> set[str]:
    tokens = {token for bio in bios for token in split(without_addresses(bio))}
    return {token for token in tokens if len(token) <= 4 and set(token) <= set(string.punctuation)}


def peer(bios: list[str], stop: Sequence[str], **more: Any) -> tuple[Any, list[str]]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = TfidfVectorizer(
        preprocessor=without_addresses, tokenizer=split, token_pattern=None, stop_words=list(stop), **more
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = model.fit_transform(bios)
    return matrix, model.get_feature_names_out().tolist()


def test_compat_is_scikit_learns_matrix() -> None:
    bios = synthetic_bios(2000)
    theirs, names = peer(bios, [*STOP, *PUNCTUATION], max_features=20)
    ours = features(bios, replace(COMPAT, stop_words=STOP))
    assert ours.vocabulary.to_pylist() == names
    assert {"<-url->", "@me", "don't", "\U0001f3a5"} & set(names)
    assert abs(ours.matrix - theirs).max() < 1e-12
    assert ours.n_terms.tolist() == theirs.getnnz(axis=1).tolist()
    assert (ours.n_terms == 0).any()


@given(st.lists(st.text(f"abé1 {SIGNS}", max_size=24), min_size=1, max_size=12))
@example(["@=.1"])
@settings(max_examples=30, deadline=None)
def test_compat_is_scikit_learns_matrix_for_any_text(bios: list[str]) -> None:
    # As many terms as there are: which of equals stays is chance there.
    ours = features(bios, replace(COMPAT, stop_words=("a",), bios_per_feature=1, min_features=10_000))
    try:
        theirs, names = peer(bios, ["a", *runs_of_signs(bios)])
    except ValueError:  # there: empty vocabulary
        assert not len(ours.vocabulary)
        return
    assert ours.vocabulary.to_pylist() == names
    assert abs(ours.matrix - theirs).max() < 1e-12


def test_a_long_run_of_word_characters_is_searched_in_linear_time() -> None:
    found = features(["a" * 1_000_000, "." * 1_000_000, "a/" * 500_000] * 2, replace(COMPAT, min_features=5))
    assert found.matrix.shape[0] == 6


def test_default_weights_are_those_of_sums_by_hand() -> None:
    bios = ["Moon lander, moon orbit!", "The moon and #soup", "soup soup https://a.org @me 17", None, "#soup moon solo"]
    found = features(bios, FeatureRules())
    # Solo, orbit and lander are in one only; the is a stop word; 17, addresses and mentions are no words.
    assert found.vocabulary.to_pylist() == ["#soup", "moon"]
    df = {"#soup": 2, "moon": 3}
    idf = {term: math.log((1 + len(bios)) / (1 + df[term])) + 1 for term in df}
    length = math.hypot(idf["#soup"], idf["moon"])
    both = {term: idf[term] / length for term in df}
    expected = [{"moon": 1.0}, both, {}, {}, both]
    for row, wanted in zip(told(found), expected, strict=True):
        assert row == pytest.approx(wanted, abs=1e-15)
    assert found.n_terms.tolist() == [1, 2, 0, 0, 2]
    assert found.record["languages"] == ["en"]
    assert [each["name"] for each in found.record["stop_words"]["lists"]] == ["sklearn-en-318"]


def test_of_equally_frequent_terms_the_first_of_the_alphabet_stay() -> None:
    bios = ["delta alpha charlie echo bravo", "echo bravo charlie delta alpha", "alpha bravo bravo"]
    assert features(bios, FeatureRules(min_features=3)).vocabulary.to_pylist() == ["alpha", "bravo", "charlie"]
    assert features(bios, FeatureRules(min_features=1)).vocabulary.to_pylist() == ["bravo"]


@pytest.mark.parametrize(("n", "rules", "most"), [(2000, {}, 50), (2000, {"bios_per_feature": 20}, 100)])
def test_there_is_a_term_to_so_many_biographies(n: int, rules: dict[str, int], most: int) -> None:
    bios = synthetic_bios(n)
    found = features(bios, FeatureRules(**rules))
    assert len(found.vocabulary) == most
    tokens = Counter(token for tokens in tokenise(pa.array(bios)).to_pylist() for token in tokens)
    least = min(tokens[term] for term in found.vocabulary.to_pylist())
    others = [token for token, count in tokens.items() if count > least and token.startswith("word")]
    assert set(others) <= set(found.vocabulary.to_pylist())


def test_too_few_biographies_for_one_term_are_refused_where_none_is_asked_for() -> None:
    with pytest.raises(OptionError, match="99 biographies give no term: there is one to 100"):
        features(["moon"] * 99, COMPAT)
    assert len(features(["moon"] * 100, COMPAT).vocabulary) == 1


@given(st.permutations(range(12)))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    bios = synthetic_bios(12, seed=8)
    straight, turned = features(bios, FeatureRules()), features([bios[at] for at in order], FeatureRules())
    assert turned.vocabulary == straight.vocabulary
    assert abs(turned.matrix - straight.matrix[order]).sum() == 0


@pytest.mark.parametrize("bios", [[], [None], ["", " "], ["the of and"] * 5, ["\x00", "\u202e", "!!!"]])
@pytest.mark.parametrize("rules", [FeatureRules(), replace(COMPAT, min_features=5, stop_words=STOP)])
def test_nothing_to_weigh_gives_no_term(bios: list[str | None], rules: FeatureRules) -> None:
    found = features(bios, rules)
    if rules.tokens == "all" and any(bio in ("\x00", "\u202e") for bio in bios):
        return  # the tutorial's tokenizer takes them for words
    assert found.matrix.shape == (len(bios), 0)
    assert found.n_terms.tolist() == [0] * len(bios)


def test_given_stop_words_take_the_place_of_the_lists() -> None:
    bios = ["the moon", "the moon", "the soup", "the soup"]
    found = features(bios, FeatureRules(stop_words=("moon",)))
    assert found.vocabulary.to_pylist() == ["soup", "the"]
    assert found.record["stop_words"]["given"]["size"] == 1
    assert features(bios, FeatureRules(stop_word_languages=("de",))).vocabulary.to_pylist() == ["moon", "soup", "the"]


def test_rules_survive_json_and_bad_ones_are_named() -> None:
    for rules in (FeatureRules(), COMPAT, FeatureRules(stop_words=(), stop_word_languages=("de", "en"))):
        assert FeatureRules.of(rules.told()) == rules
    for values, said in (
        ({"urls": "none"}, "urls must be one of links, dotted; found 'none'"),
        ({"tokens": "some"}, "tokens must be one of"),
        ({"tokenizer": "x"}, "tokenizer must be one of"),
        ({"min_df": 0}, "min_df must be at least 1"),
        ({"min_features": -1}, "min_features must be at least 0"),
    ):
        with pytest.raises(OptionError, match=said):
            FeatureRules(**values)
    with pytest.raises(KernelError, match="one language per biography"):
        profile_features(pa.array(["a"]), pa.array([], pa.string()), FeatureRules())
