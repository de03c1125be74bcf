"""Pairs of texts, as (platform, account) or (platform, post), as whole numbers; numbers found among sorted ones.

Here: numbers that follow the order of the pairs, whatever the order of the rows. Not here: what the numbers stand for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.pair_keys import pair_keys, split_keys

Texts: TypeAlias = pa.Array | pa.ChunkedArray


class Numbering:
    """Distinct pairs in their order; the number of a pair is its place.

    Keys sort like the pairs, as no platform's name holds a character below the separator.

    Args:
        pairs: columns of equal length, two by two; a pair with a null is none.
    """

    def __init__(self, pairs: Iterable[tuple[Texts, Texts]]) -> None:
        distinct = [pc.unique(pair_keys(*pair)).drop_null() for pair in pairs]
        keys = pc.unique(pa.concat_arrays([pa.array([], pa.string()), *distinct]))
        self._keys = keys.take(pc.sort_indices(keys))

    def __len__(self) -> int:
        return len(self._keys)

    def of(self, first: Texts, second: Texts) -> npt.NDArray[np.int64]:
        """int64[n] numbers of pairs; -1: not among them."""
        places = pc.index_in(pair_keys(first, second), value_set=self._keys, skip_nulls=True)
        found: npt.NDArray[np.int64] = pc.fill_null(places, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return found

    def pairs(self, numbers: npt.NDArray[np.int64]) -> tuple[pa.Array, pa.Array]:
        """The two texts of each of int64[n] numbers."""
        return split_keys(self._keys.take(pa.array(numbers)))


def places_of(values: npt.NDArray[np.integer[Any]], ascending: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    """int64[n] place of each value among ascending ones, the first of equal ones; -1: not among them."""
    place = np.searchsorted(ascending, values).astype(np.int64, copy=False)
    place[place == len(ascending)] = -1
    if len(ascending):
        place[ascending[place] != values] = -1
    return place


def micros(times: Texts) -> npt.NDArray[np.int64]:
    """int64[n] microseconds of times; the smallest number where there is none."""
    flat = times.combine_chunks() if isinstance(times, pa.ChunkedArray) else times
    whole = flat.cast(pa.timestamp("us", getattr(flat.type, "tz", None))).cast(pa.int64())
    told: npt.NDArray[np.int64] = pc.fill_null(whole, np.iinfo(np.int64).min).to_numpy(zero_copy_only=False)
    return told
