"""Signatures of the audiences won on one day, while the day's keys stream by.

Here: rows of feat_audience_sketches out of batches of feat_follow_keys. An account may begin in one batch and end in a
later one; all others are done with their batch, so memory does not grow with the number of accounts. Not here: reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.audience_runs import Runs, runs_of
from sm_assets.analysis.defaults import MIN_DAY_FOLLOWS
from sm_assets.analysis.signatures import signature_column, sketch_runs
from sm_assets.contracts import TABLES
from sm_assets.contracts.schema import DAY
from sm_assets.contracts.sketches import SketchSpec

TOO_FEW = "accounts_with_too_few_follows"
_BLOCK_BYTES = 64 * 2**20


@dataclass(slots=True)
class _Open:
    """The account that the next batch may go on with; few keys are kept, many are sketched."""

    platform: str
    account: str
    n: int
    keys: npt.NDArray[np.uint64]
    signature: npt.NDArray[np.uint32] | None


def sketch_day(
    batches: Iterable[pa.RecordBatch],
    day: date,
    spec: SketchSpec,
    seen: Counter[str],
    *,
    min_follows: int = MIN_DAY_FOLLOWS,
    threads: int = 1,
) -> Iterator[pa.RecordBatch]:
    """Rows of feat_audience_sketches of one day, in the table's order.

    Args:
        batches: platform, followed_account_id, follower_key of the day, in the order of feat_follow_keys.
        day: the day.
        spec: how to sketch.
        seen: counts that grow: follows_in, accounts_in, and the accounts that have no row.
        min_follows: least follows of the day for a row.
        threads: of the kernel.

    Raises:
        SketchInputError: keys that are null or no uint64.
    """
    held: _Open | None = None
    for batch in batches:
        if not batch.num_rows:
            continue
        runs = runs_of(batch)
        seen["follows_in"] += batch.num_rows
        done: list[pa.RecordBatch] = []
        start, stop = 0, len(runs.lengths) - 1
        if held is not None:
            if _same(held, runs):
                held = _grown(held, runs, 0, spec, min_follows)
                start = 1
            if start <= stop:
                done += _closed(held, day, spec, seen, min_follows)
        if start <= stop:
            yield from done
            yield from _inside(runs, start, stop, day, spec, seen, min_follows, threads)
            fresh = _Open(runs.platforms[stop].as_py(), runs.accounts[stop].as_py(), 0, runs.keys[:0], None)
            held = _grown(fresh, runs, stop, spec, min_follows)
    if held is not None:
        yield from _closed(held, day, spec, seen, min_follows)


def _same(held: _Open, runs: Runs) -> bool:
    return (held.platform, held.account) == (runs.platforms[0].as_py(), runs.accounts[0].as_py())


def _grown(held: _Open, runs: Runs, place: int, spec: SketchSpec, min_follows: int) -> _Open:
    """The open account with one more run."""
    keys = runs.keys[runs.indptr[place] : runs.indptr[place + 1]]
    n = held.n + len(keys)
    if held.signature is None:
        keys = np.concatenate([held.keys, keys])
        if n < min_follows:
            return _Open(held.platform, held.account, n, keys, None)
    signature = sketch_runs(spec, keys, np.array([0, len(keys)], dtype=np.int64))[0]
    if held.signature is not None:
        signature = np.minimum(signature, held.signature)
    return _Open(held.platform, held.account, n, keys[:0], signature)


def _closed(held: _Open, day: date, spec: SketchSpec, seen: Counter[str], min_follows: int) -> list[pa.RecordBatch]:
    seen["accounts_in"] += 1
    if held.signature is None or held.n < min_follows:
        seen[TOO_FEW] += 1
        return []
    counts = np.array([held.n], dtype=np.int64)
    return [_rows(pa.array([held.platform]), pa.array([held.account]), counts, held.signature[None, :], day, spec)]


def _inside(
    runs: Runs, start: int, stop: int, day: date, spec: SketchSpec, seen: Counter[str], min_follows: int, threads: int
) -> Iterator[pa.RecordBatch]:
    """Accounts that begin and end in the batch: runs start..stop-1."""
    lengths = runs.lengths[start:stop]
    kept = np.flatnonzero(lengths >= min_follows)
    seen["accounts_in"] += len(lengths)
    seen[TOO_FEW] += len(lengths) - len(kept)
    step = max(1, _BLOCK_BYTES // (4 * spec.k))
    for first in range(0, len(kept), step):
        block = kept[first : first + step] + start
        counts = runs.lengths[block]
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        signatures = sketch_runs(spec, _keys_of(runs, block, counts), indptr, threads=threads)
        place = pa.array(block)
        platforms, accounts = (column.take(place).dictionary_decode() for column in (runs.platforms, runs.accounts))
        yield _rows(platforms, accounts, counts, signatures, day, spec)


def _keys_of(runs: Runs, block: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """The keys of some runs, one after the other; a view where they are neighbours."""
    low, high = int(runs.indptr[block[0]]), int(runs.indptr[block[-1] + 1])
    if int(counts.sum()) == high - low:
        return runs.keys[low:high]
    wanted = np.zeros(int(block[-1] - block[0]) + 1, dtype=bool)
    wanted[block - block[0]] = True
    kept: npt.NDArray[np.uint64] = runs.keys[low:high][np.repeat(wanted, runs.lengths[block[0] : block[-1] + 1])]
    return kept


def _rows(
    platforms: pa.Array,
    accounts: pa.Array,
    counts: npt.NDArray[np.int64],
    signatures: npt.NDArray[np.uint32],
    day: date,
    spec: SketchSpec,
) -> pa.RecordBatch:
    n = len(counts)
    columns = {
        "platform": platforms,
        "account_id": accounts,
        "n_follows": pa.array(counts),
        "sketch_id": pa.array([spec.sketch_id] * n, pa.string()),
        "signature": signature_column(signatures),
        DAY: pa.array([day] * n, pa.date32()),
    }
    schema = sketch_schema(spec.k)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def sketch_schema(k: int) -> pa.Schema:
    """Schema of the table with signatures of k registers."""
    return TABLES["feat_audience_sketches"].plain_schema_of(k)
