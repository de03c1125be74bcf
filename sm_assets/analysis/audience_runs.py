"""Follow keys in the order of their accounts, as runs: one run per account.

Here: finding the runs of a batch. Not here: what is made of them (`daily_sketches`, `audiences`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import SketchInputError


@dataclass(frozen=True, slots=True)
class Runs:
    """Neighbouring rows of one account.

    Attributes:
        platforms, accounts: one per run, as dictionaries of text.
        indptr: int64[r + 1], where the runs begin and end.
        keys: uint64[n].
    """

    platforms: pa.DictionaryArray
    accounts: pa.DictionaryArray
    indptr: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64[r]: rows of each run."""
        return np.diff(self.indptr)


def runs_of(batch: pa.RecordBatch) -> Runs:
    """Runs of a batch of feat_follow_keys.

    Args:
        batch: platform, followed_account_id (texts or dictionaries of texts) and follower_key, in the table's order.

    Raises:
        SketchInputError: keys that are null or no uint64.
    """
    keys = key_values(batch.column("follower_key"))
    platforms, accounts = _coded(batch.column("platform")), _coded(batch.column("followed_account_id"))
    changes = [_changes(column) for column in (platforms, accounts)]
    starts = changes[1] if not len(changes[0]) else np.union1d(*changes)
    indptr = np.concatenate([[0], starts, [len(keys)]]).astype(np.int64) if len(keys) else np.zeros(1, np.int64)
    first = pa.array(indptr[:-1])
    return Runs(platforms.take(first), accounts.take(first), indptr, keys)


def key_values(column: pa.Array) -> npt.NDArray[np.uint64]:
    """Keys as uint64[n], without a copy.

    Raises:
        SketchInputError: keys that are null or no uint64.
    """
    if column.type != pa.uint64() or column.null_count:
        raise SketchInputError(
            f"follower_key must be uint64 without nulls; found {column.type} with {column.null_count} nulls. "
            "Materialise feat_follow_keys again."
        )
    keys: npt.NDArray[np.uint64] = column.to_numpy(zero_copy_only=True)
    return keys


def _changes(column: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """Places whose value is not that of the place before."""
    if len(column.dictionary) == 1:
        return np.zeros(0, dtype=np.int64)
    values = column.indices.to_numpy()
    return np.flatnonzero(values[1:] != values[:-1]) + 1


def _coded(column: pa.Array) -> pa.DictionaryArray:
    return column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
