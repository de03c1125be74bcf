"""Whether rows come in strictly ascending order of their keys, none twice.

Here: the comparison, batch after batch. Not here: reading or writing the batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc


class KeyOrder:
    """Holds rows that come in batches to the order of their keys.

    Args:
        names: columns of the key, the first one first; none of them has nulls.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._last: list[pa.Array] | None = None

    def holds(self, rows: pa.RecordBatch) -> bool:
        """Whether the rows ascend strictly and come after those before them."""
        if not rows.num_rows:
            return True
        keys = [rows.column(name) for name in self._names]
        starts = [texts_of(key.slice(0, 1)) for key in keys]
        joins = self._last is None or ascend([pa.concat_arrays(pair) for pair in zip(self._last, starts, strict=True)])
        self._last = [texts_of(key.slice(len(key) - 1)) for key in keys]
        return joins and ascend([_places(key) for key in keys])


def ascend(keys: Sequence[pa.Array]) -> bool:
    """Whether rows are in strictly ascending order of their keys, the first key first."""
    if len(keys[0]) < 2:
        return True
    pairs = [(key.slice(0, len(key) - 1), key.slice(1)) for key in keys]

    def before(rest: pa.Array | None, pair: tuple[pa.Array, pa.Array]) -> pa.Array:
        less = pc.less(*pair)
        return less if rest is None else pc.or_(less, pc.and_(rest, pc.equal(*pair)))

    return bool(pc.all(reduce(before, reversed(pairs), None), min_count=0).as_py())


def texts_of(column: pa.Array) -> pa.Array:
    """A column without its dictionary."""
    return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column


def _places(column: pa.Array) -> pa.Array:
    """What orders a column: numbers instead of texts where its dictionary ascends."""
    if isinstance(column, pa.DictionaryArray) and ascend([column.dictionary]):
        return column.indices
    return texts_of(column)
