"""Stop words: which lists, what they keep, that they meet the tokens, what the record tells."""

from __future__ import annotations

import pyarrow as pa
import pytest

from sm_assets.analysis import stop_words as module
from sm_assets.analysis.parameters import params_hash
from sm_assets.analysis.stop_words import content_words, languages_in_use, stop_words
from sm_assets.analysis.tokens import TOKENIZERS, tokenise
from sm_assets.errors import OptionError

CONTENT = {
    "en": "home world young work", "it": "vita mondo", "de": "mann mensch", "es": "trabajo", "pt": "trabalho mundo",
    "fr": "gens", "ru": "жизнь мир",
}  # fmt: skip


@pytest.mark.parametrize("language", CONTENT)
def test_words_of_content_are_no_stop_words(language: str) -> None:
    words = stop_words([language]).words
    assert not words & set(CONTENT[language].split())
    assert len(words) > 150


def test_the_kept_words_are_in_the_lists_that_they_are_taken_out_of() -> None:
    import stopwordsiso

    assert "en" not in content_words()
    for language, kept in content_words().items():
        assert kept <= stopwordsiso.stopwords(language), language
        assert len(kept) < 0.2 * len(stopwordsiso.stopwords(language))


def test_phrases_make_no_stop_words() -> None:
    import stopwordsiso

    # "People" stands in the Korean list only as the end of two phrases.
    assert any(phrase.endswith(" 사람들") for phrase in stopwordsiso.stopwords("ko"))
    assert "사람들" not in stop_words(["ko"]).words
    assert "그리고" in stop_words(["ko"]).words


def test_lists_have_names_versions_sizes_and_a_hash_of_their_words() -> None:
    found = stop_words(["it", "en", "it", "tlh"])
    english, italian = found.record["lists"]
    assert (english["name"], english["package"], english["size"]) == ("sklearn-en-318", "scikit-learn", 318)
    assert (italian["name"], italian["version"]) == ("iso-it", "0.7.1")
    assert italian["size"] == 632 - len(content_words()["it"])
    assert english["blake2b"] != italian["blake2b"]
    assert found.record["without_list"] == ["tlh"]
    assert {"the", "perché", "nella"} <= found.words
    assert stop_words(["tlh", "en", "it"]) == found
    assert stop_words([]).words == frozenset()


def test_another_list_gives_other_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    before = params_hash(stop_words(["en"]).record)
    name, package, words = module._list("en") or ("", "", frozenset())
    monkeypatch.setattr(module, "_list", lambda _: (name, package, (words - {"the"}) | {"thy"}))
    assert params_hash(stop_words(["en"]).record) != before


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_stop_words_are_tokens_of_the_tokenizer(tokenizer: str) -> None:
    # In French contractions stand with an apostrophe, in Chinese there is more than one sign in a word.
    for language, text in (("fr", "Aujourd'hui, qu'est celui-ci"), ("zh", "与此同时"), ("en", "Whereas")):
        found = stop_words([language], tokenizer)
        seen = tokenise(pa.array([text]), tokenizer).to_pylist()[0]
        assert found.record["tokenizer"] == tokenizer
        assert found.words & set(seen), (language, seen)
    with pytest.raises(OptionError, match="tokenizer must be one of"):
        stop_words(["en"], "words")


def test_languages_in_use() -> None:
    langs = pa.array(["en"] * 95 + ["de"] * 2 + ["fr"] + ["und"] * 90 + [None] * 12)
    assert languages_in_use(langs) == ("de", "en"), "two of two hundred are one per cent"
    assert languages_in_use(langs, 0.005) == ("de", "en", "fr")
    assert languages_in_use(langs, 0.4) == ("en",)
    assert languages_in_use(langs.take(pa.array(range(199, -1, -1))), 0.005) == ("de", "en", "fr")
    assert languages_in_use(pa.array([], pa.string())) == ()
    with pytest.raises(OptionError, match="least_share must lie between 0 and 1; found 2"):
        languages_in_use(langs, 2)
