"""Posts and accounts found by platform and id, millions of them.

Here: 64-bit keys of pairs, and rows by key. Not here: numbers that follow the order of the pairs (`numbering`).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.numbering import places_of
from sm_assets.kernels.account_keys import hash_ids

Texts: TypeAlias = pa.Array | pa.ChunkedArray


def hashed_pairs(platform: Texts, ids: Texts) -> npt.NDArray[np.uint64]:
    """uint64[n] over platform and id; that any two of n pairs share one is expected n (n - 1) / 2^65 times.

    Args:
        platform: string[n], no nulls.
        ids: string[n], no nulls.
    """
    names = pc.unique(platform).to_pylist()
    if len(names) == 1:
        return hash_ids(names[0], ids)
    keys = np.empty(len(ids), np.uint64)
    for name in names:
        of_platform = pc.equal(platform, name)
        keys[np.asarray(of_platform)] = hash_ids(name, ids.filter(of_platform))
    return keys


class PostIndex:
    """Rows of posts by platform and id.

    Args:
        platform: string[n], no nulls.
        post_id: string[n], no nulls; the pairs are unique.
    """

    def __init__(self, platform: Texts, post_id: Texts) -> None:
        keys = hashed_pairs(platform, post_id)
        self._order = np.argsort(keys)
        self._keys = keys[self._order]

    def find(self, platform: Texts, post_id: Texts) -> npt.NDArray[np.int64]:
        """int64[n]: row of each post, -1 where it is not here; null ids are nowhere."""
        row = np.full(len(post_id), -1, np.int64)
        known = pc.is_valid(post_id)
        places = np.flatnonzero(np.asarray(known))
        if not len(places):
            return row
        keys = hashed_pairs(platform.filter(known), post_id.filter(known))
        place = places_of(keys, self._keys)
        same = place >= 0
        row[places[same]] = self._order[place[same]]
        return row
