"""Pairs of influencers that may still matter, held in bounded memory while pairs keep coming.

Here: `PairPool`, and the best neighbours of each influencer. Not here: where pairs come from and what their numbers
mean (`overlap_pairs`).

A pair matters as long as it may be significant or may be among the best neighbours of one of its ends. While all pairs
fit, all are kept; when they no longer do, those go that are neither.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

BYTES_PER_PAIR: Final = 144
"""Memory of a pool per pair it may hold, what is needed to look them over included."""

Ints32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


class PairPool:
    """Pairs with a score, a count and a p-value.

    Attributes:
        n_pairs: pairs that were added.
        is_pruned: not all of them are held any more.
    """

    def __init__(self, n: int, top: int, alpha: float, limit: int) -> None:
        """Start empty.

        Args:
            n: influencers.
            top: neighbours per influencer that are wanted.
            alpha: pairs with a p-value up to it are always held.
            limit: pairs that are held before the pool is looked over.
        """
        self._n, self._top, self._alpha, self._limit = n, top, alpha, max(limit, 1)
        self._parts: list[tuple[npt.NDArray[Any], ...]] = []
        self._held = 0
        self.n_pairs = 0
        self.is_pruned = False

    def add(self, i: Ints32, j: Ints32, score: Floats, count: npt.NDArray[np.int64], p_value: Floats) -> None:
        """Take in pairs that are not in the pool yet, all arrays equally long."""
        self.n_pairs += len(i)
        self._parts.append((i, j, score, count, p_value))
        self._held += len(i)
        if self._held > self._limit:
            self._prune()

    def finish(self) -> tuple[Ints32, Ints32, Floats, npt.NDArray[np.int64], Floats]:
        """(i, j, score, count, p_value) of all pairs that are held."""
        if not self._parts:
            none = np.zeros(0, np.int32)
            self._parts = [(none, none, np.zeros(0), np.zeros(0, np.int64), np.zeros(0))]
        if len(self._parts) > 1:
            self._parts = [tuple(np.concatenate(column) for column in zip(*self._parts, strict=True))]
        i, j, score, count, p_value = self._parts[0]
        return i, j, score, count, p_value

    def _prune(self) -> None:
        i, j, score, count, p_value = self.finish()
        keep = p_value <= self._alpha
        keep[_strong(i, j, score, self._top, self._n)[2]] = True
        self.is_pruned |= not keep.all()
        self._parts = [tuple(column[keep] for column in (i, j, score, count, p_value))]
        self._held = int(np.count_nonzero(keep))
        # Where most pairs matter the pool has to grow; a look per doubling costs no more than adding them.
        self._limit = max(self._limit, 2 * self._held)


def _strong(
    i: Ints32, j: Ints32, score: Floats, top: int, n: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(row, neighbour, pair) of pairs seen from both ends, those certainly beyond the best `top` of a row left out."""
    row = np.concatenate([i, j]).astype(np.int64)
    n_pairs = len(i)
    per_row = np.bincount(row, minlength=n)
    if per_row.max(initial=0) > top:
        # Scores are positive: their bits, rounded to 32, order them as they are; what is equal there is kept.
        coarse = (~score.astype(np.float32).view(np.uint32)).astype(np.uint64)
        rank = np.concatenate([coarse, coarse]) | (row.astype(np.uint64) << np.uint64(32))
        ordered = np.sort(rank)
        begins = np.cumsum(per_row) - per_row
        busy = per_row > top
        worst = np.full(n, np.iinfo(np.uint64).max, np.uint64)
        worst[busy] = ordered[begins[busy] + top - 1]
        held = np.flatnonzero(rank <= worst[row])
    else:
        held = np.arange(2 * n_pairs)
    of_pair = np.where(held < n_pairs, held, held - n_pairs)
    neighbour = np.where(held < n_pairs, j[of_pair], i[of_pair]).astype(np.int64)
    return row[held], neighbour, of_pair


def best_neighbours(
    i: Ints32, j: Ints32, score: Floats, top: int, n: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The best neighbours of every influencer.

    Args:
        i: int32[p], one end of each pair, in 0..n-1.
        j: int32[p], the other.
        score: float64[p], above 0.
        top: neighbours per influencer at most.
        n: influencers.

    Returns:
        int64 arrays (row, neighbour, rank, pair), sorted by row and rank: rank 1 has the highest score, ties go by the
        lower neighbour; pair is the position in i and j.
    """
    row, neighbour, of_pair = _strong(i, j, score, top, n)
    order = _order(row, neighbour, score[of_pair], n)
    row, neighbour, of_pair = row[order], neighbour[order], of_pair[order]
    per_row = np.bincount(row, minlength=n)
    rank = np.arange(1, len(row) + 1) - np.repeat(np.cumsum(per_row) - per_row, per_row)
    kept = rank <= top
    return row[kept], neighbour[kept], rank[kept], of_pair[kept]


def _order(
    row: npt.NDArray[np.int64], neighbour: npt.NDArray[np.int64], score: Floats, n: int
) -> npt.NDArray[np.int64]:
    """Order by row, then score descending, then neighbour: one sort of 64-bit words where all three fit into one."""
    levels = np.unique(score)
    bits = max(n - 1, 1).bit_length()
    if 2 * bits + max(len(levels) - 1, 1).bit_length() > 64:
        return np.lexsort((neighbour, -score, row))
    word = row.astype(np.uint64)
    word <<= np.uint64(64 - bits)
    word |= (len(levels) - 1 - np.searchsorted(levels, score)).astype(np.uint64) << np.uint64(bits)
    word |= neighbour.astype(np.uint64)
    return np.argsort(word)
