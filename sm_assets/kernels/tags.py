"""Hashtags and mentions in running text over whole columns.

Here: the checking face, and which characters make a word. Not here: hashtags that a platform delivers on its own.

Word characters are letters, marks, numbers and connectors (UTS 18, annex C), so that scripts with vowel signs keep
them; a word begins with a letter, a number or a connector, so that a keycap emoji is no hashtag.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.errors import KernelError
from sm_assets.kernels import _tags
from sm_assets.kernels.arrow import built_array, string_column

MARKS = "#@"
_NOT, _PART, _BEGIN = range(3)
_JOINERS = (0x200C, 0x200D)
_SELECTORS = range(0xFE00, 0xFE10)
# Blocks with letters and marks, now and for years to come; all else is unassigned or for private use.
_ASSIGNED = (range(0x34000), range(0xE0000, 0xE1000))


@cache
def _word_classes() -> npt.NDArray[np.uint8]:
    """uint8[0x110000]: what each code point is to a word."""
    begin = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Pc"}
    part = {"Mn", "Mc"}
    kinds = dict.fromkeys(begin, _BEGIN) | dict.fromkeys(part, _PART)
    category = unicodedata.category
    classes = np.zeros(0x110000, dtype=np.uint8)
    for block in _ASSIGNED:
        classes[block.start : block.stop] = [kinds.get(category(chr(code)), _NOT) for code in block]
    classes[list(_JOINERS)] = _PART
    classes[list(_SELECTORS)] = _NOT
    return classes


def normal_form(word: str) -> str:
    """NFKC, case-folded, NFKC again: case folding can undo it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold()).strip()


def find_tags(texts: pa.Array, mark: str, *, normalise: bool = False) -> tuple[pa.ListArray, pa.ListArray | None]:
    """Words behind `mark`, not preceded by a word character or `&`, in the order of the text.

    Args:
        texts: text column.
        mark: one of MARKS.
        normalise: also give their normal forms.

    Returns:
        list<text>[n] words without the mark, empty lists where there is none; list<text>[n] the same in normal form,
        or None.

    Raises:
        KernelError: another mark, or the column is not text.
    """
    if mark not in MARKS or len(mark) != 1:
        raise KernelError(f"mark must be one of {', '.join(MARKS)}; found {mark!r}.")
    column = string_column(texts)
    offsets = np.zeros(len(column) + 1, dtype=np.int32)
    built, lowered, plain = _tags.tags(column, ord(mark), _word_classes(), offsets, normalise)
    places = pa.array(offsets)
    words = built_array(built)
    found = pa.ListArray.from_arrays(places, words)
    if lowered is None:
        return found, None
    forms = built_array(lowered)
    odd = np.flatnonzero(np.frombuffer(plain, dtype=np.uint8) == 0)
    if len(odd):
        # Few words are written often: each distinct one is folded once.
        spelled = words.take(pa.array(odd)).dictionary_encode()
        folded = pa.array([normal_form(word) for word in spelled.dictionary.to_pylist()], pa.string())
        mask = np.zeros(len(words), dtype=bool)
        mask[odd] = True
        forms = pc.replace_with_mask(forms, pa.array(mask), folded.take(spelled.indices))
    return found, pa.ListArray.from_arrays(places, forms)
