"""Tokens as numbers: what terms and topics count.

Here: which tokens of a text count as words, and their numbers. Not here: taking texts apart (`tokens`), lists of stop
words (`stop_words`), any count (`terms`, `topics`).

No words are: stop words, stand-ins of addresses (`<url>`, `<email>`), mentions (they name people), and tokens with
digits but no letter. Hashtags, cashtags and emoji are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_STAND_INS: Final = ("<url>", "<email>")


@dataclass(frozen=True, slots=True, eq=False)
class TokenCodes:
    """The words of some texts, text by text in reading order.

    Attributes:
        vocabulary: string[v], all words, sorted.
        text: int64[m], which text the word stands in, ascending.
        place: int64[m], which token of all texts together it is: neighbours have neighbouring numbers.
        word: int64[m], its number in the vocabulary.
        n_texts: texts, those without a word included.
    """

    vocabulary: pa.StringArray
    text: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    word: npt.NDArray[np.int64]
    n_texts: int


def code_tokens(tokens: pa.ListArray | pa.ChunkedArray, stop_words: Iterable[str] = ()) -> TokenCodes:
    """Give every word its number.

    Args:
        tokens: list<string>[n], tokens of each text; null: none.
        stop_words: tokens that are no words.

    Returns:
        The words; the same texts in another order have the same vocabulary.
    """
    lists = tokens.combine_chunks() if isinstance(tokens, pa.ChunkedArray) else tokens
    length = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    coded = pc.dictionary_encode(pc.cast(lists.flatten(), pa.string()))
    spelled = coded.dictionary
    counts = pc.invert(pc.is_in(spelled, value_set=pa.array(sorted({*stop_words, *_STAND_INS}), pa.string())))
    counts = pc.and_not(counts, pc.starts_with(spelled, "@"))
    bare_number = pc.and_not(pc.match_substring_regex(spelled, r"\pN"), pc.match_substring_regex(spelled, r"\pL"))
    counts = pc.and_not(counts, bare_number)

    kept = np.flatnonzero(counts.to_numpy(zero_copy_only=False))
    names = spelled.take(pa.array(kept))
    order = pc.sort_indices(names).to_numpy()
    number = np.full(len(spelled), -1, np.int64)
    number[kept[order]] = np.arange(len(kept))

    every = number[coded.indices.to_numpy(zero_copy_only=False)]
    place = np.flatnonzero(every >= 0)
    text = np.repeat(np.arange(len(length)), length)
    return TokenCodes(names.take(pa.array(order)), text[place], place, every[place], len(length))
