"""Words by which people, companies and programs speak of themselves, and how often they stand in texts.

Here: the lists of data/trait_words.toml and counting. Not here: cutting texts into words.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

KINDS: Final = ("first_person", "corporate", "automation")
LANGUAGES: Final = ("en", "de", "es", "fr", "pt")
_NONE: Final = -1


@cache
def trait_words(kind: str, language: str) -> frozenset[str]:
    """The words of one kind in one language, in lower case."""
    text = files("sm_assets.analysis").joinpath("data/trait_words.toml").read_text("utf-8")
    return frozenset(tomllib.loads(text)[kind][language].split())


def account_languages(codes: Sequence[str | None]) -> npt.NDArray[np.int64]:
    """Place in LANGUAGES of each code; -1: there is no list for it."""
    places = {code: place for place, code in enumerate(LANGUAGES)}
    return np.fromiter((places.get(code or "", _NONE) for code in codes), np.int64, len(codes))


def word_shares(
    words: pa.ChunkedArray, languages: npt.NDArray[np.int64], kind: str, *, also_english: bool = False
) -> npt.NDArray[np.float64]:
    """Words of a kind out of all words of each text.

    Args:
        words: list<string>[n], in lower case.
        languages: place of each text's language in LANGUAGES, -1: none of them.
        kind: one of KINDS.
        also_english: count English words in texts of the other languages too.

    Returns:
        float64[n]; nan: no words, or a language without a list.
    """
    lists = words.combine_chunks()
    n = len(lists)
    flat = lists.flatten()
    owner = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    of_word = languages[owner]
    total = np.bincount(owner, minlength=n)
    hits = np.zeros(n)
    for place, language in enumerate(LANGUAGES):
        chosen = np.flatnonzero(of_word == place)
        wanted = trait_words(kind, language) | (trait_words(kind, "en") if also_english else frozenset())
        found = pc.is_in(flat.take(pa.array(chosen)), value_set=pa.array(sorted(wanted)))
        hits += np.bincount(owner[chosen[found.to_numpy(zero_copy_only=False)]], minlength=n)
    shares = np.full(n, np.nan)
    np.divide(hits, total, out=shares, where=(total > 0) & (languages != _NONE))
    return shares
