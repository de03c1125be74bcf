"""Arithmetic that the traits of accounts share: ratios, logarithms, entropies; what is not known is nan.

Here: functions of arrays. Not here: any trait.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats: TypeAlias = npt.NDArray[np.float64]
Traits: TypeAlias = dict[str, Floats]


def whole(rows: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """A column without nulls as int64[n]."""
    return np.asarray(rows[name].cast(pa.int64()).to_numpy(), np.int64)


def floats(rows: pa.Table, name: str) -> Floats:
    """A column of numbers or flags as float64[n], nan where it is null."""
    return np.asarray(rows[name].cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)


def ratio(part: npt.ArrayLike, total: npt.ArrayLike) -> Floats:
    """A part out of a total; nan where the total is 0 or either is not known."""
    above, below = np.asarray(part, np.float64), np.asarray(total, np.float64)
    found = np.full(np.broadcast(above, below).shape, np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found


def log10_of(values: npt.ArrayLike) -> Floats:
    """log10(values + 1); nan stays."""
    return np.asarray(np.log10(np.asarray(values, np.float64) + 1))


def entropy(counts: Floats) -> Floats:
    """Entropy in bits of the rows of counts [n, k]; nan for rows of noughts."""
    shares = ratio(counts, counts.sum(axis=1, keepdims=True))
    logs = np.zeros_like(shares)
    np.log2(shares, out=logs, where=shares > 0)
    return np.asarray(np.maximum(-(shares * logs).sum(axis=1), 0.0))


def spread(owner: npt.NDArray[np.int64], weight: Floats, n: int) -> Floats:
    """Entropy in bits of the weights of each of n owners, one entry per thing; nan for owners without any.

    The entries are added in their order: in one order only they give the same bits.
    """
    total = np.bincount(owner, weight, n)
    shares = weight / total[owner]
    bits = np.maximum(np.bincount(owner, -shares * np.log2(shares), n), 0.0)
    return np.asarray(np.where(total > 0, bits, np.nan))
