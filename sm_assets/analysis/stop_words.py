"""Stop words: named and versioned lists, passed through the tokenizer whose tokens they meet.

Here: which list serves a language, and what a run records of it. Not here: counting words. English: `sklearn-en-318`.
Other languages: `iso-<lang>` of the package stopwordsiso without the content words of data/content_words.toml; the
English list of that package holds home, work, world and young, which biographies are about.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.language import UNDETERMINED
from sm_assets.analysis.parameters import check_real
from sm_assets.analysis.tokens import DEFAULT_TOKENIZER, tokenise
from sm_assets.errors import OptionError
from sm_assets.kernels.arrow import string_column

LEAST_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class StopWords:
    """Words that do not count.

    Attributes:
        words: tokens of the tokenizer.
        record: what decides them, for `params_hash`: tokenizer; lists (name, package, version, size, blake2b of the
            sorted words); languages that have no list.
    """

    words: frozenset[str]
    record: dict[str, Any]


@cache
def content_words() -> dict[str, frozenset[str]]:
    """Words of data/content_words.toml by language: in a list of stopwordsiso, but no stop words here."""
    data = tomllib.loads(files("sm_assets.analysis").joinpath("data/content_words.toml").read_text("utf-8"))
    return {language: frozenset(words.split()) for language, words in data.items()}


@cache
def _list(language: str) -> tuple[str, str, frozenset[str]] | None:
    """(name, package, words) of the list of a language, None where there is none."""
    if language == "en":
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return f"sklearn-en-{len(ENGLISH_STOP_WORDS)}", "scikit-learn", frozenset(ENGLISH_STOP_WORDS)
    import stopwordsiso

    if not stopwordsiso.has_lang(language):
        return None
    # Phrases are left out: cut into tokens, they would make stop words of words that are none by themselves.
    words = frozenset(word for word in stopwordsiso.stopwords(language) if len(word.split()) == 1)
    return f"iso-{language}", "stopwordsiso", words - content_words().get(language, frozenset())


def stop_words(languages: Sequence[str], tokenizer: str = DEFAULT_TOKENIZER) -> StopWords:
    """The stop words of some languages, as tokens.

    Args:
        languages: ISO 639-1 codes, in any order; none: no stop words.
        tokenizer: name of the tokenizer that made the tokens.

    Returns:
        The tokens of all lists together, so that `don't` is what the tokenizer makes of it.

    Raises:
        OptionError: no such tokenizer.
    """
    asked = sorted(set(languages))
    found = {language: _list(language) for language in asked}
    lists = {language: each for language, each in found.items() if each is not None}
    spelled = sorted({word for _, _, words in lists.values() for word in words})
    tokens = tokenise(pa.array(spelled, pa.string()), tokenizer).flatten()
    record = {
        "tokenizer": tokenizer,
        "lists": [
            {
                "name": name,
                "package": package,
                "version": version(package),
                "size": len(words),
                "blake2b": hashlib.blake2b("\n".join(sorted(words)).encode(), digest_size=16).hexdigest(),
            }
            for name, package, words in lists.values()
        ],
        "without_list": [language for language in asked if language not in lists],
    }
    return StopWords(frozenset(tokens.to_pylist()), record)


def languages_in_use(langs: pa.Array | pa.ChunkedArray, least_share: float = LEAST_SHARE) -> tuple[str, ...]:
    """Languages that enough texts are in.

    Args:
        langs: string[n], the language of each text; `und` and null count as texts, not as a language.
        least_share: of all n texts, 0 to 1.

    Returns:
        Codes in order.

    Raises:
        OptionError: `least_share` is out of range.
    """
    least = check_real("least_share", least_share)
    if not 0 <= least <= 1:
        raise OptionError(f"least_share must lie between 0 and 1; found {least_share}.")
    counted = pc.value_counts(string_column(langs))
    return tuple(
        sorted(
            row["values"]
            for row in counted.to_pylist()
            if row["values"] not in (None, UNDETERMINED) and row["counts"] >= least * len(langs)
        )
    )
