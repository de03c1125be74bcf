"""Texts about something: those that hold a word, a #hashtag or a phrase.

Here: finding them by tokens, so that `art` is not found in `party`. Not here: taking texts apart (`tokens`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.tokens import DEFAULT_TOKENIZER, EMAIL_TOKEN, URL_TOKEN, tokenise
from sm_assets.errors import OptionError

Phrase = tuple[str, ...]
_SHOWN: Final = 80
_HASHES: Final = "#＃"


def phrases(entries: Iterable[str], tokenizer: str = DEFAULT_TOKENIZER) -> tuple[Phrase, ...]:
    """What is looked for, as tokens.

    Args:
        entries: words, #hashtags or phrases; several tokens must follow each other. A word is found as its hashtag,
            too; a hashtag as a hashtag only.
        tokenizer: name of the tokenizer that makes the tokens of the texts.

    Returns:
        Distinct phrases, sorted.

    Raises:
        OptionError: an entry holds no word, or an address (all addresses are one token); a hashtag in it is none as it
            is written, like #COVID-19, which ends before the hyphen; or no such tokenizer.
    """
    asked = list(entries)
    found = [tuple(tokens) for tokens in tokenise(pa.array(asked, pa.string()), tokenizer).to_pylist()]
    for entry, tokens in zip(asked, found, strict=True):
        if fault := _fault(entry, tokens, tokenizer):
            raise OptionError(f"about must list words, #hashtags or phrases; found {entry[:_SHOWN]!r}, which {fault}.")
    tagged = [(f"#{tokens[0]}",) for tokens in found if len(tokens) == 1 and tokens[0][0].isalnum()]
    return tuple(sorted({*found, *tagged}))


def _fault(entry: str, tokens: Phrase, tokenizer: str) -> str:
    """What keeps an entry from being looked for; empty: nothing."""
    if not tokens:
        return "holds no word"
    if not {URL_TOKEN, EMAIL_TOKEN}.isdisjoint(tokens):
        return "holds an address, and in texts all addresses are alike: give words without it"
    tags = [word for word in entry.split() if word[0] in _HASHES]
    for parts in tokenise(pa.array(tags, pa.string()), tokenizer).to_pylist():
        if len(parts) > 1:
            return f"is no hashtag behind {parts[0][:_SHOWN]!r}: give that, or words without #"
    return ""


def holds_any(tokens: pa.ListArray, wanted: Sequence[Phrase]) -> npt.NDArray[np.bool_]:
    """Which texts hold one of the phrases.

    Args:
        tokens: list<string>[n], the tokens of each text.
        wanted: as `phrases` gives them; none: every text will do.

    Returns:
        bool[n].
    """
    if not wanted:
        return np.ones(len(tokens), np.bool_)
    flat = tokens.flatten().dictionary_encode()
    text = pc.list_parent_indices(tokens).to_numpy()
    code = flat.indices.to_numpy()
    number = {word: place for place, word in enumerate(flat.dictionary.to_pylist())}
    found = np.zeros(len(tokens), np.bool_)
    for phrase in wanted:
        coded = [number.get(word, -1) for word in phrase]
        n_starts = len(code) - len(coded) + 1
        if min(coded) < 0 or n_starts <= 0:
            continue
        hit = text[:n_starts] == text[len(coded) - 1 :]
        for step, word in enumerate(coded):
            hit &= code[step : step + n_starts] == word
        found[text[:n_starts][hit]] = True
    return found
