"""Checking face of the kernels over pairs of accounts.

Here: which pairs share a content, what they share, and how likely that is by chance. Not here: which pairs are worth
telling (`sm_assets.analysis.pairs`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _pairs
from sm_assets.kernels.evidence import GroupedRows
from sm_assets.kernels.linkage import SharedIndex


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """What pairs of accounts have in common; one row per pair.

    Attributes:
        n_shared: int32, pieces of evidence: the smaller of both accounts' counts.
        by_kind: int32[n_pairs, 4], contents of each kind.
        median_gap: float64, median time between both accounts' first posts of a shared content, in the unit of the
        times.
        first_shared, last_shared: int64, earliest first and latest last post of a shared content.
    """

    n_shared: npt.NDArray[np.int32]
    by_kind: npt.NDArray[np.int32]
    median_gap: npt.NDArray[np.float64]
    first_shared: npt.NDArray[np.int64]
    last_shared: npt.NDArray[np.int64]


def list_pairs(index: SharedIndex, limit: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Pairs of accounts that share a content, (a, b) with a < b, ascending.

    Args:
        index: from `linkage.index_shared`.
        limit: a content with more carriers pairs each of them with 16 others only, neighbours in the index.
    """
    found = _pairs.list_pairs(
        index.row_ptr, index.row_content, index.row_place, index.list_ptr, index.list_account, limit
    )
    a, b = np.empty((2, len(found)), np.int32)
    found.fill(a, b)
    return a, b


def measure_pairs(
    evidence: GroupedRows,
    kind: npt.NDArray[np.uint8],
    first_at: npt.NDArray[np.int64],
    last_at: npt.NDArray[np.int64],
    a: npt.NDArray[np.int32],
    b: npt.NDArray[np.int32],
) -> Shares:
    """Measure what each pair has in common, over all contents.

    Args:
        evidence: accounts and contents.
        kind: uint8[n_rows], 0..3, of each row of the evidence.
        first_at: int64[n_rows], first post of each row's content by its account.
        last_at: int64[n_rows], its last post.
        a: int32[n_pairs], first accounts of the pairs, ascending.
        b: int32[n_pairs], second accounts.

    Raises:
        KernelError: arrays of different lengths, numbers out of range, a not ascending.
    """
    n = len(evidence.content)
    if not len(kind) == len(first_at) == len(last_at) == n:
        raise KernelError(
            f"the evidence has {n} rows, but {len(kind)} kinds, {len(first_at)} and {len(last_at)} times."
        )
    if n and kind.max() > 3:
        raise KernelError(f"kinds must lie in 0..3; found {kind.max()}.")
    _check_pairs(evidence, a, b)
    shares = Shares(
        n_shared=np.empty(len(a), np.int32),
        by_kind=np.empty((len(a), 4), np.int32),
        median_gap=np.empty(len(a), np.float64),
        first_shared=np.empty(len(a), np.int64),
        last_shared=np.empty(len(a), np.int64),
    )
    _pairs.measure_pairs(
        evidence.account_ptr,
        evidence.content,
        evidence.unit,
        np.ascontiguousarray(kind),
        np.ascontiguousarray(first_at),
        np.ascontiguousarray(last_at),
        evidence.n_contents,
        np.ascontiguousarray(a),
        np.ascontiguousarray(b),
        shares.n_shared,
        shares.by_kind,
        shares.median_gap,
        shares.first_shared,
        shares.last_shared,
    )
    return shares


def hypergeometric_tail(
    k: npt.NDArray[np.int32], x: npt.NDArray[np.int32], y: npt.NDArray[np.int32], n: int
) -> npt.NDArray[np.float64]:
    """Chance that sets of x and of y out of n, drawn at random, have k or more in common.

    Source: Tumminello et al. 2011, doi:10.1371/journal.pone.0017994.

    Args:
        k: int32[n_pairs].
        x: int32[n_pairs], 0..n.
        y: int32[n_pairs], 0..n.
        n: size of the background.

    Raises:
        KernelError: arrays of different lengths, or sets larger than the background.
    """
    if not len(k) == len(x) == len(y):
        raise KernelError(f"k, x and y must be equally long; found {len(k)}, {len(x)}, {len(y)}.")
    if len(k) and max(x.max(), y.max()) > n:
        raise KernelError(f"a set of {max(x.max(), y.max())} cannot be drawn out of {n}.")
    p = np.empty(len(k), np.float64)
    _pairs.hypergeometric_tail(
        np.ascontiguousarray(k, np.int32), np.ascontiguousarray(x, np.int32), np.ascontiguousarray(y, np.int32), n, p
    )
    return p


def list_shared_rows(
    evidence: GroupedRows, a: npt.NDArray[np.int32], b: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of the evidence in which the two accounts of a pair carry the same content.

    Args:
        evidence: accounts and contents.
        a: int32[n_pairs], first accounts of the pairs, ascending.
        b: int32[n_pairs], second accounts.

    Returns:
        int32[k] position of the pair, int64[k] row of its first account, int64[k] row of its second.

    Raises:
        KernelError: arrays of different lengths, numbers out of range, a not ascending.
    """
    _check_pairs(evidence, a, b)
    found = _pairs.list_shared_rows(
        evidence.account_ptr,
        evidence.content,
        evidence.n_contents,
        np.ascontiguousarray(a),
        np.ascontiguousarray(b),
    )
    pair, row_a, row_b = np.empty(len(found), np.int32), np.empty(len(found), np.int64), np.empty(len(found), np.int64)
    found.fill(pair, row_a, row_b)
    return pair, row_a, row_b


def _check_pairs(evidence: GroupedRows, a: npt.NDArray[np.int32], b: npt.NDArray[np.int32]) -> None:
    if len(a) != len(b):
        raise KernelError(f"{len(a)} first and {len(b)} second accounts of pairs; they must be equally many.")
    for numbers in (a, b):
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= evidence.n_accounts):
            raise KernelError(f"accounts of pairs must lie in 0..{evidence.n_accounts - 1}.")
    if (np.diff(a) < 0).any():
        raise KernelError("the first accounts of the pairs must ascend.")
