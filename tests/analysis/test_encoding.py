"""Texts in windows and batches: every text its own vector, whatever the order, the budget and the memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stub_embedder import StubEmbedder, text_vector

from sm_assets.analysis import encoding
from sm_assets.analysis.embedder import EmbedderSpec, Tokens
from sm_assets.analysis.encoding import Encoder, Progress, encode_texts
from sm_assets.errors import EmbedderError, OptionError

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]


def some_texts(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    texts = {" ".join(rng.choice(WORDS, int(rng.integers(1, 30)))) for _ in range(4 * n)}
    return sorted(texts)[:n]


def keys_of(texts: Sequence[str]) -> np.ndarray:
    return np.array([hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts], dtype="S16")


def encoded(encoder: Encoder, texts: list[str]) -> np.ndarray:
    found = np.full((len(texts), 64), np.nan, dtype=np.float32)
    for part in encoder.encode(texts, keys_of(texts)):
        assert np.isnan(found[part.rows]).all(), "a text was encoded twice"
        assert part.n_tokens.tolist() == [len(texts[row].split()) for row in part.rows]
        found[part.rows] = part.vectors
    return found


def expected(texts: list[str]) -> np.ndarray:
    return np.array([text_vector(text) for text in texts])


def test_every_text_has_its_own_vector_in_any_window_and_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = some_texts(300)
    for window, budget in ((50_000, None), (7, None), (64, 1), (64, 40)):
        monkeypatch.setattr(encoding, "WINDOW", window)
        embedder = StubEmbedder()
        encoder = Encoder(embedder, budget=budget)
        assert np.allclose(encoded(encoder, texts), expected(texts), atol=1e-6)
        assert encoder.done == len(texts)
        assert max(embedder.batches) <= max(budget or 1024, 29)
        assert encoder.tokens == sum(embedder.batches)


def test_batches_do_not_depend_on_the_order_of_the_texts() -> None:
    texts = some_texts(200)
    seen = []
    for order in (texts, texts[::-1]):
        embedder = StubEmbedder()
        batches = [part.rows for part in Encoder(embedder, budget=64).encode(order, keys_of(order))]
        seen.append([[order[row] for row in rows] for rows in batches])
        lengths = [len(text.split()) for batch in seen[-1] for text in batch]
        assert lengths == sorted(lengths, reverse=True)
    assert seen[0] == seen[1]


def test_out_of_memory_halves_the_budget_and_keeps_it() -> None:
    texts = some_texts(200)
    embedder = StubEmbedder(fail_above=100)
    encoder = Encoder(embedder, budget=1000)
    assert np.allclose(encoded(encoder, texts), expected(texts), atol=1e-6)
    assert encoder.budget <= 125
    assert max(embedder.batches) <= 100
    before = encoder.budget
    encoded(encoder, some_texts(50, seed=1))
    assert encoder.budget == before


def test_a_text_that_does_not_fit_is_named() -> None:
    texts = ["one two three four five six", "short"]
    with pytest.raises(EmbedderError, match=f"{keys_of(texts)[0].hex()} has 6 word pieces"):
        encoded(Encoder(StubEmbedder(fail_above=5)), texts)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_refused_with_their_key(value: float) -> None:
    class Broken(StubEmbedder):
        def embed(self, tokens: Tokens) -> np.ndarray:
            found = super().embed(tokens)
            found[tokens.lengths == 2, 3] = value
            return found

    texts = ["one two", "one two three", "one"]
    with pytest.raises(EmbedderError, match=keys_of(texts)[0].ljust(16, b"\0").hex()):
        encoded(Encoder(Broken()), texts)


@pytest.mark.parametrize("factor", [0.0, 1.01])
def test_vectors_of_another_length_are_refused_where_the_model_normalises(factor: float) -> None:
    class Stretched(StubEmbedder):
        def embed(self, tokens: Tokens) -> np.ndarray:
            found = super().embed(tokens)
            found[tokens.lengths == 2] *= factor
            return found

    texts = ["one two", "one two three", "one"]
    broken = Stretched()
    with pytest.raises(EmbedderError, match=f"{keys_of(texts)[0].hex()} has the length {factor:g}"):
        encoded(Encoder(broken), texts)
    broken.spec = replace(broken.spec, normalise=False)
    assert np.linalg.norm(encoded(Encoder(broken), texts)[0]) == pytest.approx(factor)


def test_vectors_of_another_shape_are_refused() -> None:
    class Narrow(StubEmbedder):
        def embed(self, tokens: Tokens) -> np.ndarray:
            return super().embed(tokens)[:, :8]

    with pytest.raises(EmbedderError, match=r"\(1, 8\)"):
        encoded(Encoder(Narrow()), ["word"])


def test_a_budget_below_one_is_refused() -> None:
    with pytest.raises(OptionError, match="token_budget"):
        Encoder(StubEmbedder(), budget=0)


def test_progress_is_told_every_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0.0, 1000.0, 0.5))
    monkeypatch.setattr(encoding.time, "monotonic", lambda: next(clock))
    told: list[Progress] = []
    texts = some_texts(60)
    encoder = Encoder(StubEmbedder(), budget=1)
    encoder.expect(100, 7, told.append)
    encoded(encoder, texts)
    # A batch takes three looks at the clock, of half a second each.
    assert len(told) == 60 // 4
    done = [each.done for each in told]
    assert done == sorted(set(done))
    last = told[-1]
    assert (last.total, last.hits) == (100, 7)
    assert last.seconds_left == pytest.approx(encoder.seconds / encoder.done * (100 - last.done), rel=0.1)
    assert last.tokens_per_second > 0


def test_long_texts_are_truncated_and_say_so() -> None:
    texts = ["a b c d e", "a b c", "x" * 8_000]
    found = {}
    for part in Encoder(StubEmbedder(max_length=3)).encode(texts, keys_of(texts)):
        cut = zip(part.n_tokens.tolist(), part.truncated.tolist(), strict=True)
        found |= dict(zip(part.rows.tolist(), cut, strict=True))
    assert found == {0: (3, True), 1: (3, False), 2: (1, True)}


def test_texts_without_words_have_no_vector_and_equal_texts_one() -> None:
    embedder = StubEmbedder()
    texts = pa.array(["one  two", None, " \n", "one two", "\u200b", "three"])
    vectors, there = encode_texts(embedder, texts)
    assert there.tolist() == [True, False, False, True, False, True]
    assert np.array_equal(vectors[0], vectors[3])
    assert not vectors[~there].any()
    assert np.allclose(vectors[[0, 5]], expected(["one two", "three"]), atol=1e-6)
    assert embedder.n_texts == 2
    empty, none = encode_texts(embedder, pa.array([], pa.string()))
    assert empty.shape == (0, 64)
    assert none.shape == (0,)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 99), max_size=6), min_size=1, max_size=9), st.randoms())
def test_tokens_are_cut_and_ordered_like_lists(texts: list[list[int]], random: object) -> None:
    tokens = Tokens.of(texts, [len(text) > 3 for text in texts])
    order = np.random.default_rng(random.getrandbits(32)).permutation(len(texts))  # type: ignore[attr-defined]

    def lists(found: Tokens) -> list[list[int]]:
        return [found.ids[a:b].tolist() for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)]

    taken = tokens.take(order)
    assert lists(taken) == [texts[i] for i in order]
    assert taken.truncated.tolist() == [len(texts[i]) > 3 for i in order]
    start, end = sorted((int(order[0]), len(texts)))
    assert lists(tokens.slice(start, end)) == texts[start:end]


def test_an_id_tells_all_that_decides_a_vector() -> None:
    spec = StubEmbedder().spec
    told = spec.told()
    changed = {
        EmbedderSpec(**(told | {name: value + "x" if isinstance(value, str) else not value})).embedder_id
        for name, value in told.items()
    }
    assert len(changed | {spec.embedder_id}) == len(told) + 1
    assert all(len(name) == 16 and set(name) <= set("0123456789abcdef") for name in changed)
    # An id names a folder of stored vectors: it must never change by itself.
    assert spec.embedder_id == "015066b2968deecf"
