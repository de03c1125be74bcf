"""Normalised texts and their keys."""

from __future__ import annotations

import hashlib
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.text_normaliser import MAX_CHARS, key_bytes, normalise_texts, text_digests, text_keys
from sm_assets.errors import OptionError


def normal(text: str | None, version: str = "t1") -> str | None:
    found: str | None = normalise_texts(pa.array([text], pa.string()), version).to_pylist()[0]
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\n\nc\u2028d\te", "a b c d e"),
        ("  two \u00a0\u3000 words ", "two words"),
        ("zero\u200bwidth \u202eover\u2066 soft\u00adhyphen\x00nul\x07", "zerowidth over softhyphennul"),
        ("e\u0301", "\u00e9"),
        ("e\u200c\u0301", "\u00e9"),
        # Emoji joined by a zero-width joiner, variation selectors: both stay.
        ("\U0001f469\u200d\U0001f680 \u2764\ufe0f", "\U0001f469\u200d\U0001f680 \u2764\ufe0f"),
        ("see https://www.example.com/a/b?c=d#e now", "see example.com now"),
        ("HTTP://WWW.Example.com", "Example.com"),
        ("(https://t.co/abc)", "(t.co"),
        ("at https://user:secret@host.org:8080/x.", "at host.org"),
        ("end https://a.org.", "end a.org"),
        ("www.site.net/page and awww.no", "site.net and awww.no"),
        ("見てhttps://t.co/abcすごい", "見てt.coすごい"),
        ("https://münchen.de/straße?ключ=я gut", "münchen.de gut"),
        ("https:///nohost", "https:///nohost"),
        ("https://only.url/path", "only.url"),
    ],
)
def test_t1(text: str, expected: str) -> None:
    assert normal(text) == expected


@pytest.mark.parametrize("text", [None, "", "  \n\t ", "\u200b\u00ad", "\u3000", "\x00"])
def test_nothing_to_read_is_null(text: str | None) -> None:
    assert normal(text) is None


def test_t0_changes_nothing_but_has_no_blank_texts() -> None:
    assert normal(" a\n\u200bb https://www.x.org/y ", "t0") == " a\n\u200bb https://www.x.org/y "
    assert normal(" \n ", "t0") is None
    with pytest.raises(OptionError, match="t2"):
        normal("a", "t2")


def test_a_megabyte_is_cut() -> None:
    found = normal("ab " * 350_000)
    assert found is not None
    assert len(found) <= MAX_CHARS
    assert found == ("ab " * 2_667)[:MAX_CHARS].rstrip()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=40), max_size=8))
def test_normalised_texts_hold_what_they_promise(texts: list[str | None]) -> None:
    column = pa.array(texts, pa.string())
    found = normalise_texts(column)
    for text in found.drop_null().to_pylist():
        assert text == text.strip(" ") != ""
        assert "  " not in text
        assert unicodedata.is_normalized("NFC", text)
        assert not {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}} - {"\u200d"}
    # A text does not depend on those beside it.
    assert normalise_texts(pa.chunked_array([column, column.slice(1)])).to_pylist() == [
        *found.to_pylist(),
        *found.to_pylist()[1:],
    ]
    assert normalise_texts(column.slice(len(texts) // 2)).to_pylist() == found.to_pylist()[len(texts) // 2 :]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=200), max_size=8))
def test_keys_are_blake2b(texts: list[str | None]) -> None:
    column = pa.array(texts, pa.string())
    expected = [hashlib.blake2b(text.encode(), digest_size=16).digest() if text else None for text in texts]
    assert text_keys(column).to_pylist() == expected
    assert text_keys(pa.concat_arrays([column, column]).slice(len(column))).to_pylist() == expected
    digests, present = text_digests(column)
    keys = key_bytes(digests)
    assert [bytes(key).ljust(16, b"\0") for key in keys[present == 1]] == [key for key in expected if key]
