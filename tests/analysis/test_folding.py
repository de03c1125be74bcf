"""Folding of texts: by hand, idempotent, the kernel equal to the rules."""

from __future__ import annotations

import sys
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.folding import _deleted, addresses_in, fold_column, fold_text, letters_and_digits


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Hello   World\n", "hello world"),
        ("STRASSE straße", "strasse strasse"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("ﬁne", "fine"),
        ("a\u200db\ufe0fc\u00ad", "abc"),
        ("e\u0301t\u00e9", "été"),
        ("É", "é"),
        ("İ", "i̇"),
        ("no\u00a0break\u3000space", "no break space"),
        ("see https://ex.com/a?b=1, now", "see , now"),
        ("www.ex.com rest", "rest"),
        ("awww.cute pet", "awww.cute pet"),
        ("(https://ex.com/a)", "( )"),
        ("HTTPS://EX.COM", ""),
        ("👍🏽 @You #Tag!", "👍🏽 @you #tag!"),
        ("", ""),
        (" \t ", ""),
        ("https://", "https://"),
    ],
)
def test_by_hand(text: str, folded: str) -> None:
    assert fold_text(text) == folded
    assert fold_column(pa.array([text]))[0].to_pylist() == [folded or None]


HARD = "éÀßſİKﬀ①Ⅻ\u00a0\u200d\ufe0f\u00ad\u0301\u0327ａｈｔｐ：／ｗ．한글ᄒ\u11a8ท่ไทยहिन्दी😀🏽字\u3000\u0345ͅ"
TEXT = st.text(alphabet=st.sampled_from("aB zhttps://www.x.com \t\n,.!)_'\"<>\x1c\x01" + HARD), max_size=30) | st.text(
    max_size=30
)


@settings(max_examples=1500)
@given(TEXT, st.sampled_from(["", "see https://", "éwww.", "_www.", "ｗww.x "]))
def test_kernel_equals_rules_and_folding_twice_changes_nothing(tail: str, head: str) -> None:
    text = head + tail
    folded = fold_text(text)
    assert fold_text(folded) == folded
    column, letters, addressed = fold_column(pa.array([text]))
    assert column.to_pylist() == [folded or None]
    assert letters.tolist() == [letters_and_digits(folded)]
    if text.isascii():
        assert addressed[0] == bool(addresses_in(text))


def test_every_character_folds_in_the_kernel_as_by_the_rules() -> None:
    characters = [
        chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) != "Cn"
    ]
    texts = [f"x{c}y" for c in characters]
    column, letters, _ = fold_column(pa.array(texts))
    wrong = [
        text
        for text, folded, n in zip(texts, column.to_pylist(), letters.tolist(), strict=True)
        if folded != fold_text(text) or n != letters_and_digits(fold_text(text))
    ]
    assert wrong == []


def test_all_format_characters_and_variation_selectors_are_deleted() -> None:
    kept = [
        hex(c)
        for c in range(sys.maxunicode + 1)
        if not 0xD800 <= c < 0xE000
        and (unicodedata.category(chr(c)) == "Cf" or 0xFE00 <= c <= 0xFE0F or 0xE0100 <= c <= 0xE01EF)
        and not _deleted().match(chr(c))
    ]
    assert kept == []


@pytest.mark.parametrize(("text", "n"), [("abc 12!", 5), ("字字", 4), ("한글 a", 5), ("é_é", 2), ("😀", 0), ("ｶﾅ", 2)])
def test_letters_and_digits(text: str, n: int) -> None:
    assert letters_and_digits(text) == n


def test_addresses_in_running_text() -> None:
    text = 'Read (https://ex.com/a_b). Or "WWW.Other.example/x?y=1"! mailto:x@y.z'
    assert addresses_in(text) == ["https://ex.com/a_b", "WWW.Other.example/x?y=1"]
