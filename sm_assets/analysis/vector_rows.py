"""Rows of vectors, dense or sparse: unit length, products, which of them are equal, the nearest centre.

Here: what clusters, silhouettes and reductions need of them. Not here: any of these.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

_BLOCK: Final = 4096

Matrix: TypeAlias = Any
"""float32 or float64[n, d], or scipy's csr_matrix or csr_array of these."""

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


def is_sparse(rows: Matrix) -> bool:
    """Whether the matrix is one of scipy's."""
    return not isinstance(rows, np.ndarray)


def values_of(rows: Matrix) -> npt.NDArray[Any]:
    """The numbers that are stored."""
    return np.asarray(rows.data if is_sparse(rows) else rows)


def squared_lengths(rows: Matrix) -> Floats:
    """float64[n]: sums of squares."""
    if is_sparse(rows):
        return np.asarray(rows.multiply(rows).sum(axis=1), np.float64).reshape(-1)
    return np.asarray(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))


def inverse_lengths(rows: Matrix) -> Floats:
    """float64[n]: 1 over the length of each row; 0 for rows of zeros."""
    length = np.sqrt(squared_lengths(rows))
    return np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)


def unit_rows(rows: Matrix) -> Matrix:
    """The rows at length 1, in the same type; rows of zeros stay."""
    scale = inverse_lengths(rows).astype(rows.dtype)
    if is_sparse(rows):
        from scipy.sparse import dia_array

        return (dia_array((scale[None, :], 0), shape=(len(scale), len(scale))) @ rows).tocsr()
    return rows * scale[:, None]


def products(rows: Matrix, others: Matrix) -> npt.NDArray[Any]:
    """[n, m], C-contiguous: products of all rows with all others, both dense or both sparse, or others dense."""
    found = rows @ others.T
    return np.ascontiguousarray(found.toarray() if is_sparse(found) else found)


def summed(place: npt.NDArray[np.integer[Any]], weight: Floats, n: int) -> Floats:
    """float64[n]: sums of the weights by place 0..n-1."""
    return np.bincount(place, weight, n).astype(np.float64)


def distinct_rows(rows: Matrix) -> tuple[Ints, Ints]:
    """(int64[m], int64[n]): the first row of each kind, and of each row its kind; equal rows are of one kind."""
    seen: dict[bytes, int] = {}
    kind = np.fromiter(
        (seen.setdefault(hashlib.blake2b(each, digest_size=16).digest(), len(seen)) for each in _row_bytes(rows)),
        np.int64,
        rows.shape[0],
    )
    return np.unique(kind, return_index=True)[1].astype(np.int64), kind


def _row_bytes(rows: Matrix) -> Iterator[bytes]:
    if not is_sparse(rows):
        for start in range(0, len(rows), _BLOCK):
            # -0.0 is 0.0.
            yield from map(bytes, np.ascontiguousarray(rows[start : start + _BLOCK] + 0.0).view(np.uint8))
        return
    plain = rows.copy()
    plain.sum_duplicates()
    plain.eliminate_zeros()
    index = plain.indices.astype(np.int64)
    for start, stop in zip(plain.indptr[:-1].tolist(), plain.indptr[1:].tolist(), strict=True):
        yield index[start:stop].tobytes() + plain.data[start:stop].tobytes()


def nearest(rows: Matrix, centres: Floats) -> npt.NDArray[np.int32]:
    """int32[n]: the nearest centre of each row, ties to the lower number.

    Args:
        rows: [n, d].
        centres: float64[k, d].
    """
    half = np.einsum("ij,ij->i", centres, centres) / 2
    own = centres.astype(rows.dtype)
    found = np.empty(rows.shape[0], np.int32)
    for start in range(0, rows.shape[0], _BLOCK):
        part = rows[start : start + _BLOCK]
        found[start : start + _BLOCK] = (half - np.asarray(part @ own.T)).argmin(axis=1)
    return found


def squared_distances(rows: Matrix, centres: Floats, lengths: Floats) -> Floats:
    """float64[n, k]: squared distances to centres, from `squared_lengths` of the rows."""
    found = np.asarray(rows @ centres.T, np.float64)
    found *= -2
    found += lengths[:, None]
    found += np.einsum("ij,ij->i", centres, centres)
    return np.maximum(found, 0, out=found)
