"""Digests against hashlib, numbers against a dict."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.errors import KernelError
from sm_assets.kernels.digests import (
    ABSENT,
    DROPPED,
    PRESENT,
    DigestInterner,
    digest_hex,
    exact_keys,
    joined_digests,
)

TEXTS = st.lists(st.text(max_size=300) | st.none(), min_size=1, max_size=8)


@given(TEXTS, st.data())
def test_digests_are_those_of_hashlib(first: list[str | None], data: st.DataObject) -> None:
    second = data.draw(st.lists(st.text(max_size=150) | st.none(), min_size=len(first), max_size=len(first)))
    digests, state = joined_digests([pa.array(first, pa.string()), pa.array(second, pa.string())], prefix=b"kind\x1f")
    for one, two, found, code in zip(first, second, digest_hex(digests).to_pylist(), state.tolist(), strict=True):
        joined = " ".join(text for text in (one, two) if text)
        assert code == (PRESENT if joined else ABSENT)
        if joined:
            assert found == hashlib.blake2b(b"kind\x1f" + joined.encode(), digest_size=16).hexdigest()


@pytest.mark.parametrize("length", [0, 1, 126, 127, 128, 129, 255, 256, 257, 1000])
def test_block_borders(length: int) -> None:
    text = "x" * length
    digests, state = joined_digests([pa.array([text, "y"])])
    if length:
        assert digest_hex(digests)[0].as_py() == hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    assert state.tolist() == [PRESENT if length else ABSENT, PRESENT]


def test_a_dropped_text_is_told_apart_however_it_came_together() -> None:
    _, state = joined_digests([pa.array(["a b", "a", "a"]), pa.array([None, "b", "c"])], dropped=b"a b")
    assert state.tolist() == [DROPPED, DROPPED, PRESENT]


def test_slices_and_other_text_types() -> None:
    whole = pa.array(["p", "q", None, "r"])
    part, _ = joined_digests([whole.slice(1, 3)])
    large, _ = joined_digests([pa.array(["q", None, "r"], pa.large_string())])
    assert (part == large).all()


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 50))
def test_numbers_are_those_of_a_dict(keys: list[int], batch: int) -> None:
    interner, known = DigestInterner(), {}
    for start in range(0, len(keys), batch):
        texts = [str(key) for key in keys[start : start + batch]]
        digests, state = joined_digests([pa.array(texts, pa.string())])
        expected = [known.setdefault(text, len(known)) for text in texts]
        assert interner.intern(digests, state).tolist() == expected
    assert len(interner) == len(known)


def test_many_digests_survive_growing() -> None:
    texts = pa.array([str(k) for k in range(50_000)])
    digests, state = joined_digests([texts])
    interner = DigestInterner()
    assert interner.intern(digests, state).tolist() == list(range(50_000))
    assert interner.intern(digests[::-1].copy(), state).tolist() == list(range(49_999, -1, -1))
    assert (interner.digests() == digests).all()


def test_absent_and_dropped_get_no_number() -> None:
    interner = DigestInterner()
    assert interner.intern(np.zeros((3, 2), np.uint64), np.array([0, 2, 1], np.uint8)).tolist() == [-1, -1, 0]


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(KernelError, match="equally long"):
        joined_digests([pa.array(["a"]), pa.array(["a", "b"])])
    with pytest.raises(KernelError, match="text"):
        joined_digests([pa.array([1])])
    with pytest.raises(KernelError, match="at least one"):
        joined_digests([])


@given(st.lists(st.text(alphabet="ab\0é", max_size=18) | st.none(), max_size=40))
def test_exact_keys_tell_all_texts_apart(texts: list[str | None]) -> None:
    keys, present = exact_keys(pa.array(texts, pa.string()))
    assert present.tolist() == [PRESENT if text else ABSENT for text in texts]
    known = {text: tuple(key) for text, key in zip(texts, keys.tolist(), strict=True) if text}
    assert len(set(known.values())) == len(known)
    assert [tuple(key) for text, key in zip(texts, keys.tolist(), strict=True) if text] == [
        known[t] for t in texts if t
    ]
