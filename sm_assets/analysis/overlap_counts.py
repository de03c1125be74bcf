"""Shared followers of all pairs of influencers, counted exactly through the followers they have in common.

Here: a sparse product in blocks of rows, within a given memory. Not here: counts for pairs that are known already
(`sm_assets.kernels.similarity.intersect`), and what a count means (`overlap_pairs`).

Work follows the wedges, the pairs of accounts that one follower follows, not the pairs of influencers. Whoever follows
only one influencer is in no pair and is left out before the product.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

BYTES_PER_FOLLOW: Final = 32
"""Memory of the product per follow of somebody who follows several influencers."""

_SORTING: Final = 56
"""Bytes per key while followers are numbered."""

_RANGE: Final = 1 << 21
"""Keys that are numbered at once at most: beyond, sorting leaves the processor's caches."""

_PER_PAIR: Final = 64
"""Bytes per pair of a block, copies counted."""

_SLABS: Final = 8
_SMALL: Final = 10_000_000

Block = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int64]]


def shared_followers(
    keys: npt.NDArray[np.uint64], indptr: npt.NDArray[np.int64], memory_limit: int = 1 << 30
) -> Iterator[Block]:
    """Every pair of influencers that shares a follower.

    Args:
        keys: uint64[e], follower keys, sorted and unique within an influencer; may be a memory map.
        indptr: int64[n + 1], where influencers begin.
        memory_limit: bytes that the blocks and the numbering of followers may take; the product itself takes
            `BYTES_PER_FOLLOW` for each follow of those who follow several influencers.

    Returns:
        Blocks (i int32[p], j int32[p], shared int64[p]), i < j, shared >= 1, each pair once. Blocks rise with i.
    """
    n = len(indptr) - 1
    followers = _followers_of_several(keys, indptr, memory_limit)
    if not followers.nnz:
        return
    of_influencer = followers.T.tocsr()
    work = of_influencer @ np.diff(followers.indptr)
    slabs = _SLABS if int(work.sum()) > _SMALL else 1
    ends = np.searchsorted(np.cumsum(work), np.arange(1, slabs + 1) / slabs * work.sum()) + 1
    first = 0
    for last in np.minimum(ends, n).tolist():
        if first >= last:
            continue
        # Pairs with an earlier influencer are counted already: these leave the other side of the product.
        rest = followers if first == 0 else of_influencer[first:].T.tocsr()
        for start, stop in _row_blocks(np.minimum(work[first:last], n - first), memory_limit // (2 * _PER_PAIR)):
            product = of_influencer[first + start : first + stop] @ rest
            row = np.repeat(np.arange(start, stop, dtype=np.int32), np.diff(product.indptr))
            upper = product.indices > row
            yield (
                row[upper] + np.int32(first),
                product.indices[upper].astype(np.int32) + np.int32(first),
                product.data[upper].astype(np.int64),
            )
        first = last


def _row_blocks(weight: npt.NDArray[np.integer], limit: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows whose weights add up to the limit at most, one row at least."""
    total = np.concatenate([[0], np.cumsum(weight, dtype=np.int64)])
    start = 0
    while start < len(weight):
        stop = max(int(np.searchsorted(total, total[start] + limit, "right")) - 1, start + 1)
        yield start, stop
        start = stop


def _followers_of_several(keys: npt.NDArray[np.uint64], indptr: npt.NDArray[np.int64], memory_limit: int) -> Any:
    """csr[f, n] of ones: the followers of at least two influencers, numbered as they come, by whom they follow."""
    from scipy.sparse import csr_array

    n = len(indptr) - 1
    parts: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]] = []
    for values, rows in _ranges_of_keys(keys, indptr, min(max(memory_limit // _SORTING, 1), _RANGE)):
        order = np.argsort(values)
        ordered = values[order]
        begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        degree = np.diff(np.append(begins, len(values)))
        several = degree > 1
        parts.append((rows[order[np.repeat(several, degree)]], degree[several]))
    columns = np.concatenate([rows for rows, _ in parts] or [np.zeros(0, np.int32)])
    degrees = np.concatenate([degree for _, degree in parts] or [np.zeros(0, np.int64)])
    parts.clear()
    ends = np.concatenate([[0], np.cumsum(degrees)])
    ends = ends.astype(np.int32) if ends[-1] < 2**31 else ends
    return csr_array((np.ones(len(columns), np.int32), columns, ends), shape=(len(degrees), n))


def _ranges_of_keys(
    keys: npt.NDArray[np.uint64], indptr: npt.NDArray[np.int64], limit: int
) -> Iterator[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]]:
    """(keys, influencer of each) by ranges of the keys of about `limit` follows: a follower lies in one of them."""
    if not len(keys):
        return
    n = len(indptr) - 1
    influencer = np.arange(n, dtype=np.int32)
    n_ranges = -(-len(keys) // limit)
    if n_ranges == 1:
        yield np.asarray(keys), np.repeat(influencer, np.diff(indptr))
        return
    sample = np.sort(keys[:: max(len(keys) // (1000 * n_ranges), 1)])
    cuts = np.unique(sample[np.arange(1, n_ranges) * len(sample) // n_ranges])
    bounds = np.empty((len(cuts) + 2, n), np.int64)
    bounds[0], bounds[-1] = indptr[:-1], indptr[1:]
    for row in range(n):
        begin, end = indptr[row], indptr[row + 1]
        bounds[1:-1, row] = begin + np.searchsorted(keys[begin:end], cuts)
    for begin, end in pairwise(bounds):
        length = end - begin
        starts = np.concatenate([[0], np.cumsum(length)])
        place = np.arange(starts[-1]) + np.repeat(begin - starts[:-1], length)
        if len(place):
            yield keys[place], np.repeat(influencer, length)
