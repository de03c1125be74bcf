"""Hashtags and mentions against a plain reference, and the rules of word characters."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.errors import KernelError
from sm_assets.kernels.tags import find_tags, normal_form

PIECES = st.sampled_from([*"#@& _aZ9éßﬁ中क😀İ\nⅣ", "ि", "\u200d", "\ufe0f", "\u20e3"])


def begins(char: str) -> bool:
    return unicodedata.category(char)[0] in "LN" or unicodedata.category(char) == "Pc"


def is_word(char: str) -> bool:
    mark = unicodedata.category(char) in ("Mn", "Mc") and not "\ufe00" <= char <= "\ufe0f"
    return begins(char) or mark or char in "\u200c\u200d"


def reference(text: str | None, mark: str) -> list[str]:
    """Character by character."""
    found: list[str] = []
    text = text or ""
    at = 0
    while at < len(text):
        free = at == 0 or not (is_word(text[at - 1]) or text[at - 1] == "&")
        end = at + 1
        if text[at] == mark and free and end < len(text) and begins(text[end]):
            while end < len(text) and is_word(text[end]):
                end += 1
            found.append(text[at + 1 : end])
        at = end
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.none(), st.lists(PIECES, max_size=14).map("".join), st.text(max_size=12)), max_size=6))
def test_against_the_reference(texts: list[str | None]) -> None:
    column = pa.array([*texts, "#ab"], pa.string()).slice(0, len(texts))
    for mark in "#@":
        found, forms = find_tags(column, mark, normalise=True)
        expected = [reference(text, mark) for text in texts]
        assert found.to_pylist() == expected
        assert forms is not None
        assert forms.to_pylist() == [[normal_form(word) for word in words] for words in expected]


def test_by_hand() -> None:
    texts = pa.array(["#One,#two#three &#39; a#no ##Four #_5 #", None, "#STRASSE #Straße #ﬁN"])
    found, forms = find_tags(texts, "#", normalise=True)
    assert found.to_pylist() == [["One", "two", "Four", "_5"], [], ["STRASSE", "Straße", "ﬁN"]]
    assert forms is not None
    assert forms.to_pylist() == [["one", "two", "four", "_5"], [], ["strasse", "strasse", "fin"]]
    assert find_tags(texts.slice(2), "@")[1] is None


def test_normal_forms_stay_as_they_are() -> None:
    for word in ("İstanbul", "ǅ", "ΐ", "ﬃ", "ẞ"):
        assert normal_form(normal_form(word)) == normal_form(word)


def test_what_cannot_be_looked_for() -> None:
    for mark in ("", "##", "x", "#@"):
        with pytest.raises(KernelError, match="mark must be one of"):
            find_tags(pa.array(["a"]), mark)
    with pytest.raises(KernelError, match="must hold text"):
        find_tags(pa.array([1]), "#")
