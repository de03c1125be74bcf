"""Two texts as one key: platform and id.

Here: joining them so that no two pairs meet. Not here: numbers for accounts (`sm_assets.kernels.account_keys`).
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# Stands in no platform's name.
SEPARATOR: Final = "\x1f"


def pair_keys(left: pa.Array | pa.ChunkedArray, right: pa.Array | pa.ChunkedArray) -> pa.Array:
    """string[n] of left, a separator and right.

    Args:
        left: string[n], platforms.
        right: string[n], ids on it.
    """
    joined = pc.binary_join_element_wise(left.cast(pa.string()), right.cast(pa.string()), SEPARATOR)
    if not isinstance(joined, pa.ChunkedArray):
        return joined
    return joined.combine_chunks() if joined.num_chunks else pa.array([], pa.string())


def split_keys(keys: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The two texts of each of string[n] keys."""
    if not len(keys):
        return keys, keys
    parts = pc.split_pattern(keys, SEPARATOR, max_splits=1)
    return pc.list_element(parts, 0), pc.list_element(parts, 1)
