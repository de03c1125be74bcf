"""Audiences of influencers as one signature each, gathered day by day.

Here: the element-wise minimum over sketches of days and over the keys of accounts that have no sketch on a day. Equal,
bit for bit, to one sketch of all edges, whatever the order and the split. Not here: which days there are, reading,
writing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.audience_runs import runs_of
from sm_assets.analysis.signatures import empty_signatures, signature_values, sketch_into
from sm_assets.contracts.sketches import SketchSpec


class AudienceBuilder:
    """Signatures of some accounts, to which days are added.

    Args:
        spec: of all sketches; the caller holds what it adds to it (`contracts.sketches.require_same`).
        accounts: platform, account_id; m rows in the order of both, none twice.
        threads: of the kernel.
    """

    def __init__(self, spec: SketchSpec, accounts: pa.Table, *, threads: int = 1) -> None:
        self.signatures: npt.NDArray[np.uint32] = empty_signatures(len(accounts), spec)
        self._spec, self._threads = spec, threads
        self._ids: dict[str, tuple[int, pa.Array]] = {}
        platforms = accounts.column("platform").combine_chunks()
        ids = accounts.column("account_id").combine_chunks()
        for name in pc.unique(platforms).to_pylist():
            rows = np.flatnonzero(pc.equal(platforms, name).to_numpy(zero_copy_only=False))
            self._ids[name] = (int(rows[0]), ids.slice(int(rows[0]), len(rows)))

    def rows(self, platforms: pa.Array, accounts: pa.Array) -> npt.NDArray[np.int64]:
        """int64[n]: row of each account, text or a dictionary of it; -1 for those that are not gathered."""
        found = np.full(len(accounts), -1, dtype=np.int64)
        for name, (offset, ids) in self._ids.items():
            here = pc.equal(platforms, name).to_numpy(zero_copy_only=False)
            if not here.any():
                continue
            if isinstance(accounts, pa.DictionaryArray):
                rows = _places(accounts.dictionary, ids)[accounts.indices.to_numpy()[here]]
            else:
                rows = _places(accounts.filter(pa.array(here)), ids)
            found[here] = np.where(rows >= 0, rows + offset, -1)
        return found

    def add_sketches(self, batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
        """Add signatures of a batch.

        Args:
            batch: platform, account_id, signature of this spec; each account at most once.

        Returns:
            int64[r]: the rows that were found.
        """
        rows = self.rows(batch.column("platform"), batch.column("account_id"))
        kept = np.flatnonzero(rows >= 0)
        if len(kept):
            values = signature_values(batch.column("signature"), self._spec.k)
            self.signatures[rows[kept]] = np.minimum(self.signatures[rows[kept]], values[kept])
        return rows[kept]

    def add_keys(self, batch: pa.RecordBatch, wanted: npt.NDArray[np.bool_]) -> int:
        """Add the keys of a batch of feat_follow_keys.

        Args:
            batch: platform, followed_account_id, follower_key in the table's order.
            wanted: bool[m], rows that take part: those without a sketch on the day.

        Returns:
            Keys that were added.

        Raises:
            SketchInputError: keys that are null or no uint64.
        """
        runs = runs_of(batch)
        rows = self.rows(runs.platforms, runs.accounts)
        kept = (rows >= 0) & wanted[rows]
        if not kept.any():
            return 0
        lengths = runs.lengths
        keys = runs.keys[np.repeat(kept, lengths)]
        edge_rows = np.repeat(rows[kept], lengths[kept]).astype(np.uint32)
        sketch_into(self._spec, self.signatures, keys, edge_rows, threads=self._threads)
        return len(keys)


def _places(texts: pa.Array, ids: pa.Array) -> npt.NDArray[np.int64]:
    """int64[n]: place of each text in `ids`, else -1."""
    places: npt.NDArray[np.int64] = pc.fill_null(pc.index_in(texts, value_set=ids), -1).to_numpy().astype(np.int64)
    return places
