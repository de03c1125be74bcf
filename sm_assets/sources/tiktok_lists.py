"""Lists in the cells of TikTok videos: hashtags and mentions of captions, suggested words, list literals.

Here: from a column of texts to a column of lists. Not here: which column is read how (`tiktok_rows`).

Arrow does what has to be done for every row; Python sees each distinct hashtag once, and captions that name somebody.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.kernels.tags import normal_form
from sm_assets.sources.list_literals import read_list

TEXTS = pa.list_(pa.string())
# A handle is made of word characters, with single dots between them.
_MENTION = re.compile(r"(?<![\w&])@(\w+(?:\.\w+)*)")


def caption_hashtags(captions: pa.Array) -> pa.ListArray:
    r"""What `#(\S+)` finds in the captions in lower case; no list is null."""
    words = pc.utf8_split_whitespace(captions)
    parents, values = _flat(words)
    marked = pc.match_substring(values, "#")
    parents, values = parents[np.asarray(marked)], values.filter(marked)
    # A word is a hashtag from its first mark on.
    tags = pc.replace_substring_regex(values, r"^[^#]*#", "").dictionary_encode()
    lowered = pa.array([tag.lower() for tag in tags.dictionary.to_pylist()], pa.string())
    return _grouped(parents, lowered.take(tags.indices), len(captions))


def caption_mentions(captions: pa.Array) -> pa.ListArray:
    """Handles behind `@`, which neither a word character nor `&` precedes; no list is null."""
    found: list[list[str]] = [[]] * len(captions)
    named = np.flatnonzero(np.asarray(pc.fill_null(pc.match_substring(captions, "@"), False)))
    for k, caption in zip(named.tolist(), captions.take(pa.array(named)).to_pylist(), strict=True):
        found[k] = _MENTION.findall(caption)
    return pa.array(found, TEXTS)


def comma_parts(texts: pa.Array) -> pa.ListArray:
    """Parts between commas, trimmed, empty ones left out; no list is null."""
    parents, values = _flat(pc.split_pattern(texts, ","))
    return _grouped(parents, pc.utf8_trim_whitespace(values), len(texts))


def literal_lists(texts: pa.Array, prefix: str = "") -> tuple[pa.ListArray, int]:
    """Elements of list literals, trimmed, empty ones left out; null where there is no list. And how many are bad.

    Args:
        texts: text column.
        prefix: what is taken off the elements.
    """
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), TEXTS), 0
    lists = [None if text is None else read_list(text) for text in texts.to_pylist()]
    bad = sum(found is None for found in lists) - texts.null_count
    trimmed = [
        None if found is None else [bare for part in found if (bare := part.strip().removeprefix(prefix))]
        for found in lists
    ]
    return pa.array(trimmed, TEXTS), bad


def normal_forms(lists: pa.ListArray) -> tuple[pa.ListArray, pa.ListArray]:
    """The lists and their elements' normal forms, both without elements of which nothing is left; no list is null."""
    parents, values = _flat(lists)
    distinct = values.dictionary_encode()
    written = distinct.dictionary.to_pylist()
    # The normal form of ASCII is its lower case.
    forms = pa.array([text.lower().strip() if text.isascii() else normal_form(text) for text in written], pa.string())
    forms = forms.take(distinct.indices)
    kept = pc.not_equal(forms, "")
    parents = parents[np.asarray(kept)]
    return _grouped(parents, values.filter(kept), len(lists)), _grouped(parents, forms.filter(kept), len(lists))


def _flat(lists: pa.ListArray) -> tuple[npt.NDArray[np.int64], pa.StringArray]:
    """(row of each element, elements)."""
    parents = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    return parents, pc.list_flatten(lists)


def _grouped(parents: npt.NDArray[np.int64], values: pa.StringArray, n: int) -> pa.ListArray:
    """Lists of the elements that are not empty, row by row."""
    kept = pc.not_equal(values, "")
    if not pc.all(kept, min_count=0).as_py():
        parents, values = parents[np.asarray(kept)], values.filter(kept)
    offsets = np.zeros(n + 1, dtype=np.int32)
    np.cumsum(np.bincount(parents, minlength=n), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), values)
