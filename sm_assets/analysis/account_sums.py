"""Sums of vectors of posts by account.

Here: adding up batches of vectors in the order in which they come. Not here: which posts count.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.pair_keys import pair_keys

_BATCH: Final = 16_384


class AccountSums:
    """Unit vectors of posts, added up by account.

    Args:
        posts: platform, post_id, account_id, embedder_id of the posts that count; each post once.
    """

    def __init__(self, posts: pa.Table) -> None:
        posts = posts.combine_chunks()
        pairs = posts.select(["platform", "account_id"])
        accounts = pairs.group_by(["platform", "account_id"]).aggregate([])
        self._accounts = accounts.sort_by([("platform", "ascending"), ("account_id", "ascending")])
        names = pair_keys(self._accounts["platform"], self._accounts["account_id"])
        self._posts = pair_keys(posts["platform"], posts["post_id"])
        self._owner = pc.index_in(pair_keys(posts["platform"], posts["account_id"]), value_set=names).to_numpy()
        self.n_posts = len(posts)
        self.n_accounts = len(names)
        found = pc.unique(posts["embedder_id"]).to_pylist()
        self.embedder_id: str = max(found, default="")
        """Of the vectors; empty where no post counts."""
        self._total: npt.NDArray[np.float64] | None = None

    def add(self, vectors: pa.RecordBatch) -> None:
        """Add vectors: platform, post_id, embedding; those of posts that do not count are passed over.

        Sums are in float64; a vector counts with length 1, whatever its own.
        """
        if not vectors.num_rows:
            return
        place = pc.index_in(pair_keys(vectors["platform"], vectors["post_id"]), value_set=self._posts)
        counted = np.flatnonzero(place.is_valid().to_numpy(zero_copy_only=False))
        flat = vectors["embedding"].flatten().to_numpy(zero_copy_only=False)
        unit = flat.reshape(vectors.num_rows, -1)[counted].astype(np.float64)
        unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), np.finfo(np.float64).tiny)
        if self._total is None:
            self._total = np.zeros((self.n_accounts, unit.shape[1]))
        if not len(counted):
            return
        owner = self._owner[place.drop_null().to_numpy()]
        order = np.argsort(owner, kind="stable")
        first = np.flatnonzero(np.r_[True, np.diff(owner[order]) > 0])
        self._total[owner[order][first]] += np.add.reduceat(unit[order], first, axis=0)

    def batches(self, day: date, params_hash: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The sums as rows of feat_account_embeddings, sorted by platform and account_id."""
        if self._total is None or not self.n_accounts:
            return
        n_texts = np.bincount(self._owner, minlength=self.n_accounts)
        width = self._total.shape[1]
        for start in range(0, self.n_accounts, _BATCH):
            block = self._total[start : start + _BATCH]
            rows = len(block)
            names = self._accounts.slice(start, rows)
            columns = {
                "platform": names["platform"].combine_chunks(),
                "account_id": names["account_id"].combine_chunks(),
                "n_texts": pa.array(n_texts[start : start + rows], pa.int64()),
                "embedding_sum": pa.ListArray.from_arrays(
                    pa.array(np.arange(rows + 1) * width, pa.int32()), pa.array(block.ravel())
                ),
                "embedder_id": pa.repeat(pa.scalar(self.embedder_id), rows),
                "params_hash": pa.repeat(pa.scalar(params_hash), rows),
                "day": pa.repeat(pa.scalar(day), rows),
            }
            yield pa.RecordBatch.from_pydict({name: columns[name] for name in schema.names}, schema=schema)
