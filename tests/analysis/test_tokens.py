"""Tokens: each rule of social/1, the faults of tweet/1 that it does not have, any text at all."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sm_assets.analysis import tokens
from sm_assets.analysis.tokens import SOCIAL, TWEET, tokenise
from sm_assets.errors import KernelError, OptionError

# What rules turn on, so that random texts meet them.
SPECIAL = "aAbéßİıſ'’‘ʼ-‐.,#＃$@+&;/:_ \n\x00\x01\x02３5½ー〇々東かカไำ\u0300\u0307\u200c\u200d\ufe0f\u20e3❤👍🏽🇫🇷👩©"
# A flag that is written as a black one and invisible letters.
SCOTLAND = "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbsct") + "\U000e007f"
ANY = st.text(st.one_of(st.sampled_from(SPECIAL), st.characters(exclude_categories=["Cs"])), max_size=60)


def social(text: str) -> list[str]:
    return tokenise(pa.array([text], pa.string())).to_pylist()[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # words
        ("It's it’s ITʼS it＇s", ["it's"] * 4),
        ("'quoted' ‘quoted’ dogs' rock’n’roll", ["quoted", "quoted", "dogs", "rock'n'roll"]),
        ("co-op co‐op CO‑OP -x- a--b", ["co-op", "co-op", "co-op", "x", "a", "b"]),
        ("3.5 v2.0 1.2.3. end.Start 3,5 a.b", ["3.5", "v2.0", "1.2.3", "end", "start", "3", "5", "a", "b"]),
        ("C++ and C#, F# or c++/c#.", ["c++", "and", "c#", "f#", "or", "c++", "c#"]),
        ("1+1 a+b C+++ LGBTQ+ 18+", ["1", "1", "a", "b", "c", "lgbtq+", "18+"]),
        ("snake_case (x) [y] «z»", ["snake", "case", "x", "y", "z"]),
        ("co\u00adoperate می\u200cخواهم", ["cooperate", "میخواهم"]),
        ("naïve nai\u0308ve ĳ q\u0323", ["naïve", "naïve", "ĳ", "q\u0323"]),
        ("½ ３ ²x ๒๕", ["½", "３", "²x", "๒๕"]),
        # case
        ("İstanbul ISTANBUL i\u0307stanbul", ["istanbul"] * 3),
        ("STRASSE Straße ΟΔΟΣ οδος", ["strasse", "strasse", "οδοσ", "οδοσ"]),
        # repeated letters
        ("soooooo NOoOOoo aaa aa 1000000 éééé", ["sooo", "nooo", "aaa", "aa", "1000000", "ééé"]),
        ("#yesssss @aaaaab $aaaab", ["#yesss", "@aaaaab", "$aaab"]),
        # links, addresses, handles, tags
        ("See https://x.example/a?b=c#d. HTTP://X.EXAMPLE", ["see", "<url>", "<url>"]),
        ("www.x.example, bit.ly/3xYz! at://did:plc:1/a", ["<url>", "<url>", "<url>"]),
        ("ann.b+c@mail.x.example; mailto:a@x.org", ["<email>", "mailto", "<email>"]),
        ("@bob.bsky.social: .@Bob. @bob@x.example @_", ["@bob.bsky.social", "@bob", "@bob@x.example"]),
        ("@bobさん cc@bob", ["@bob", "さん", "cc", "@bob"]),
        ("#Go ＃go #a#b #1 #東京タワー #_ # ##x", ["#go", "#go", "#a", "#b", "#1", "#東京タワー", "#x"]),
        ("$TSLA $100 US$5 $", ["$tsla", "100", "us", "5"]),
        # entities
        ("AT&amp;T &lt;b&gt; &#39; caf&eacute; &#x1F525; R&D", ["at", "t", "b", "café", "🔥", "r", "d"]),
        # what goes
        ("!!! ... — * ' - \ufe0f \u0301 \U0001f3fd 🇫 © ® ™", []),
        ("", []),
        (" \n\t\x00\x01\x02", []),
        ("a\x00b\x01c\x02d", ["a", "b", "c", "d"]),
    ],
)
def test_rules_of_words_and_addresses(text: str, expected: list[str]) -> None:
    assert social(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("❤️❤ ❤︎", ["❤", "❤", "❤"]),
        ("👍🏽👍👍🏿", ["👍", "👍", "👍"]),
        ("🇫🇷🇩🇪 🇫🇷🇩", ["🇫🇷", "🇩🇪", "🇫🇷"]),
        ("👨‍👩‍👧‍👦 👩🏽‍🚀👩‍🚀", ["👨‍👩‍👧‍👦", "👩‍🚀", "👩‍🚀"]),
        ("🏳️‍🌈 ❤️‍🔥 🏴‍☠️", ["🏳‍🌈", "❤‍🔥", "🏴‍☠"]),
        (f"{SCOTLAND}! {SCOTLAND}", [SCOTLAND, SCOTLAND]),
        ("1️⃣ #️⃣ 2⃣", ["1⃣", "#⃣", "2⃣"]),
        ("good👍day", ["good", "👍", "day"]),
    ],
)  # fmt: skip
def test_an_emoji_is_one_grapheme_cluster(text: str, expected: list[str]) -> None:
    assert social(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東京タワー", ["東京", "京タ", "タワ", "ワー"]),
        ("猫。犬", ["猫", "犬"]),
        ("iPhone15を買う", ["iphone15", "を買", "買う"]),
        ("二〇二四年、人々", ["二〇", "〇二", "二四", "四年", "人々"]),
        ("笑笑笑笑笑", ["笑笑", "笑笑"]),
        ("か\u3099く葛\U000e0100城", ["がく", "く葛", "葛城"]),
        ("ภาษา ๒๕ กำ", ["ภา", "าษ", "ษา", "๒๕", "กำ"]),
        ("ພາສາ", ["ພາ", "າສ", "ສາ"]),
        ("မြန်မာ", ["မြန်", "န်မ", "မာ"]),
        ("ខ្មែរ", ["ខ្មែរ"]),
        ("한국어 문장", ["한국어", "문장"]),
    ],
)
def test_scripts_without_spaces_are_pairs(text: str, expected: list[str]) -> None:
    expected = [unicodedata.normalize("NFC", token) for token in expected]
    assert social(text) == expected


def test_columns() -> None:
    texts = ["one two", None, "", "two 🔥 one", "!", "東京都"]
    expected = [["one", "two"], [], [], ["two", "🔥", "one"], [], ["東京", "京都"]]
    found = tokenise(pa.array(texts, pa.string()))
    assert found.type == pa.list_(pa.string())
    assert found.null_count == 0
    assert found.to_pylist() == expected
    assert tokenise(pa.chunked_array([texts[:2], texts[2:]], pa.string())).to_pylist() == expected
    assert tokenise(pa.array(texts, pa.string()).slice(3)).to_pylist() == expected[3:]
    assert tokenise(pa.array([None, None])).to_pylist() == [[], []]
    assert tokenise(pa.array([], pa.string())).to_pylist() == []
    with pytest.raises(KernelError, match="must hold text"):
        tokenise(pa.array([1]))
    with pytest.raises(OptionError, match="social/1, tweet/1; found 'social'"):
        tokenise(pa.array(["x"]), "social")


def test_batches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = pa.array([f"number {n} of {'many ' * (n % 5)}✨ @n.{n}" for n in range(50)])
    whole = tokenise(texts).to_pylist()
    assert [len(each) for each in whole] == [5 + n % 5 for n in range(50)]
    monkeypatch.setattr(tokens, "_BATCH", 7)
    assert tokenise(texts).to_pylist() == whole


@settings(max_examples=150, deadline=None)
@example(["&#x301; &amp\u037e", "&lambda\u037e"])
@example(["a\x00b", "\x00", "\x01\x02"])
@given(st.lists(ANY, max_size=4))
def test_no_text_fails_and_composition_changes_nothing(texts: list[str]) -> None:
    found = tokenise(pa.array(texts, pa.string())).to_pylist()
    assert found == [social(text) for text in texts], "neighbours do not matter"
    assert found == [social(unicodedata.normalize("NFC", text)) for text in texts]
    for token in (token for each in found for token in each):
        assert token
        assert token == unicodedata.normalize("NFC", token)
        assert not any(char.isspace() for char in token)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["word", "it's", "co-op", "3.5", "c++", "f#", "#tag", "@ann.b", "$abc", "👍", "🇫🇷", "がく", "é"]
        )
    )
)
def test_tokens_that_are_written_out_are_read_back(words: list[str]) -> None:
    assert social(" ".join(words)) == words
    assert social("  ".join(words).upper().replace("\u2019", "'")) == words


@pytest.mark.parametrize(
    "piece", ["a", "a.", "@a.", "1.2", "'a", "&amp", "👩\u200d", "é\u0301", "東", "a@", "a.b/", "://"]
)
def test_a_million_characters_are_read_in_one_go(piece: str) -> None:
    # A pattern that went on from every start again would not end here.
    text = piece * (1_000_000 // len(piece))
    assert sum(map(len, social(text))) <= 2 * len(text)


def test_the_other_tokenizer_is_the_one_of_the_peer() -> None:
    from nltk.tokenize import TweetTokenizer

    texts = ["It’s sooooo good @bob.bsky.social ❤️ C++", "#One $TSLA http://x.example/a &amp; <3", "", "İ"]
    peer = TweetTokenizer(preserve_case=False, reduce_len=True, strip_handles=False)
    found = tokenise(pa.array([*texts, None]), TWEET)
    assert found.to_pylist() == [*map(peer.tokenize, texts), []]
    assert found.type == pa.list_(pa.string())
    faults = {"’", "\ufe0f", "bsky.social", "+", "$", "i\u0307"}
    assert faults <= {token for each in found.to_pylist() for token in each}
    assert not faults & {token for each in tokenise(pa.array(texts), SOCIAL).to_pylist() for token in each}
