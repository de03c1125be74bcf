"""Which sketches are alike: folding to bytes, the best rows for a query, all pairs, and the exact counts behind them.

Here: the checking face; every call passes the level of vector instructions (`sm_assets.kernels.isa`) down, and all
levels and numbers of threads give the same results. Not here: making sketches, which scheme they have (the caller
compares `SketchSpec`s), what an overlap means.
Source: folding keeps 8 of 32 bits, after Li and König, b-Bit Minwise Hashing, WWW 2010.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sm_assets.errors import SketchInputError
from sm_assets.kernels import _similarity
from sm_assets.kernels.isa import level

EMPTY: Final = 0xFFFFFFFF
BLOCK: Final = 64
MAX_K: Final = 65_535
PAIRS_PER_BLOCK: Final = 2**20
_SMALL: Final = 2**24  # blocks of 64 bytes: below it, threads cost more than they save
_INDICES: Final = (np.dtype(np.int64), np.dtype(np.int32), np.dtype(np.uint32))

Indices: TypeAlias = npt.NDArray[np.int64] | npt.NDArray[np.int32] | npt.NDArray[np.uint32]
PairBlock: TypeAlias = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.uint16]]


def width8(k: int) -> int:
    """Bytes of a folded signature of k registers: k rounded up to whole blocks of 64."""
    return -(-k // BLOCK) * BLOCK


def fold8(sig: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """Signatures folded to a byte per register: (code * 0x9E3779B1 mod 2^32) >> 24.

    Args:
        sig: uint32[m, k], C-contiguous, 1 <= k <= 65,535.

    Returns:
        uint8[m, w], w = k rounded up to 64; the padding is 0 and never counted. Aligned to 64 bytes.

    Raises:
        SketchInputError: another type or layout, or a row with EMPTY: nothing is known of it, so it is like nothing.
    """
    _check(sig, np.uint32, 2, "sig")
    m, k = sig.shape
    _check_k(k, "sig")
    width = width8(k)
    room = np.empty(m * width + BLOCK, dtype=np.uint8)
    start = -room.ctypes.data % BLOCK
    folded = room[start : start + m * width].reshape(m, width)
    if m:
        row = int(_similarity.fold(sig, folded, level()))
        if row >= 0:
            raise SketchInputError(
                f"Row {row} of sig has an EMPTY register (0x{EMPTY:08X}): a sketch of no key. Leave such rows out "
                "first; two unknown audiences are not alike."
            )
    return folded


def estimate8(matches: npt.ArrayLike, k: int) -> npt.NDArray[np.float64]:
    """Jaccard similarity from equal bytes: (m/k - 1/256) / (1 - 1/256), not below 0.

    Args:
        matches: counts of `topk` or `allpairs`, any shape.
        k: registers.

    Raises:
        SketchInputError: k is not in 1..65,535.
    """
    _check_k(k, "k")
    share = np.asarray(matches, dtype=np.float64) / k
    estimate: npt.NDArray[np.float64] = np.maximum((share - 1 / 256) / (1 - 1 / 256), 0.0)
    return estimate


def topk(
    sig8: npt.NDArray[np.uint8],
    k: int,
    queries: npt.NDArray[np.uint8],
    top: int,
    *,
    exclude: npt.NDArray[np.int64] | None = None,
    threads: int | None = 1,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint16]]:
    """The rows most like each query, by equal bytes.

    Args:
        sig8: uint8[m, w] of `fold8`.
        k: registers in them.
        queries: uint8[q, w] of `fold8`.
        top: rows per query, at least 1.
        exclude: int64[q] or int64[q, e]: rows left out of each query's list, -1 for none.
        threads: None for all processors where it pays.

    Returns:
        int64[q, top] rows and uint16[q, top] matches, descending, ties by the lower row. A list with fewer rows than
        `top` ends in -1 and 0.

    Raises:
        SketchInputError: another type or layout, unequal widths, k or top out of range.
    """
    _check_folded(sig8, k, "sig8")
    _check_folded(queries, k, "queries")
    if top < 1:
        raise SketchInputError(f"top must be at least 1; found {top}.")
    q, m = len(queries), len(sig8)
    left_out = _left_out(exclude, q, m)
    rows = np.full((q, top), -1, dtype=np.int64)
    matches = np.zeros((q, top), dtype=np.uint16)
    if q:
        workers = _threads(threads, q * m * sig8.shape[1] // BLOCK)
        _similarity.topk(sig8, k, queries, left_out, rows, matches, workers, level())
    return rows, matches


def allpairs(
    sig8: npt.NDArray[np.uint8],
    k: int,
    min_matches: int,
    *,
    rows: tuple[int, int] | None = None,
    threads: int | None = None,
) -> Iterator[PairBlock]:
    """Every pair of rows i < j with at least `min_matches` equal bytes.

    Args:
        sig8: uint8[m, w] of `fold8`, m < 2^32. Must not change while the blocks are read.
        k: registers in them.
        min_matches: 0..k.
        rows: (i0, i1): only pairs with i0 <= i < i1; None for all.
        threads: None for all processors where it pays.

    Returns:
        Iterator of blocks (i uint32[p], j uint32[p], matches uint16[p]), p > 0, sorted by (i, j) within and across
        blocks. A block closes at about a million pairs and at a row's end; nothing is left out.

    Raises:
        SketchInputError: another type or layout, k, min_matches or rows out of range. Raised by the call, not by the
            first block.
    """
    _check_folded(sig8, k, "sig8")
    m = len(sig8)
    start, stop = (0, m) if rows is None else rows
    if m >= 2**32:
        raise SketchInputError(f"sig8 must have fewer than 2^32 rows; found {m}. Cut it into parts.")
    if not 0 <= start <= stop <= m:
        raise SketchInputError(f"rows must be (i0, i1) with 0 <= i0 <= i1 <= {m}; found {rows}.")
    if not 0 <= min_matches <= k:
        raise SketchInputError(f"min_matches must be in 0..{k}; found {min_matches}.")
    workers = _threads(threads, (stop - start) * (m - start) * sig8.shape[1] // BLOCK)
    return _blocks(sig8, k, min_matches, start, stop, workers)


def _blocks(
    sig8: npt.NDArray[np.uint8], k: int, min_matches: int, start: int, stop: int, threads: int
) -> Iterator[PairBlock]:
    pairs = _similarity.Pairs()
    while start < stop:
        start, n = pairs.run(sig8, k, min_matches, start, stop, PAIRS_PER_BLOCK, threads, level())
        if n:
            block = np.empty(n, dtype=np.uint32), np.empty(n, dtype=np.uint32), np.empty(n, dtype=np.uint16)
            pairs.take(*block)
            yield block


def matches32(
    sig: npt.NDArray[np.uint32], i: Indices, j: Indices, *, other: npt.NDArray[np.uint32] | None = None
) -> npt.NDArray[np.uint16]:
    """Equal registers of pairs of signatures: matches / k estimates their Jaccard similarity without the fold's loss.

    Args:
        sig: uint32[m, k], C-contiguous, k <= 65,535.
        i: int64[p], int32[p] or uint32[p], rows of `sig`.
        j: the same, rows of `other`.
        other: uint32[n, k]; None for `sig` itself.

    Returns:
        uint16[p]. An EMPTY register equals nothing, another EMPTY one neither.

    Raises:
        SketchInputError: another type or layout, unequal k, rows out of range.
    """
    _check(sig, np.uint32, 2, "sig")
    second = sig if other is None else other
    _check(second, np.uint32, 2, "other")
    _check_k(sig.shape[1], "sig")
    if second.shape[1] != sig.shape[1]:
        raise SketchInputError(
            f"sig and other must have equally many registers; found {sig.shape[1]} and {second.shape[1]}."
        )
    first_rows, second_rows = _pair_rows(i, j, len(sig), len(second))
    matches = np.empty(len(first_rows), dtype=np.uint16)
    if len(matches):
        _similarity.registers(sig, second, first_rows, second_rows, matches, level())
    return matches


def intersect(
    keys: npt.NDArray[np.uint64],
    indptr: npt.NDArray[np.int64],
    i: Indices,
    j: Indices,
    *,
    threads: int | None = 1,
) -> npt.NDArray[np.int64]:
    """How many keys two rows share, exactly; by merging, or by galloping where one row is 32 times the other.

    Args:
        keys: uint64[n], rising strictly within each row that is asked for.
        indptr: int64[m + 1], row r is keys[indptr[r]:indptr[r + 1]].
        i: int64[p], int32[p] or uint32[p], rows.
        j: the same.
        threads: None for all processors where it pays.

    Returns:
        int64[p].

    Raises:
        SketchInputError: another type or layout, an indptr that does not fit, rows out of range, or a row whose keys
            are not sorted and unique.
    """
    _check(keys, np.uint64, 1, "keys")
    _check_indptr(indptr, len(keys))
    m = len(indptr) - 1
    first, second = _pair_rows(i, j, m, m)
    counts = np.zeros(len(first), dtype=np.int64)
    if not len(counts) or not len(keys):
        return counts
    asked = np.zeros(m, dtype=np.uint8)
    asked[first] = 1
    asked[second] = 1
    row = int(_similarity.unsorted(keys, indptr, asked, level()))
    if row >= 0:
        raise SketchInputError(
            f"Keys of a row must rise strictly; those of row {row} do not. Sort them and drop duplicates first."
        )
    sizes = np.diff(indptr)
    workers = _threads(threads, int(sizes[first].sum() + sizes[second].sum()))
    _similarity.intersect(keys, indptr, first, second, counts, workers, level())
    return counts


def _found(array: object) -> str:
    return f"{array.dtype}{list(array.shape)}" if isinstance(array, np.ndarray) else type(array).__name__


def _is(array: object, dtypes: tuple[np.dtype[Any], ...], dimensions: tuple[int, ...]) -> bool:
    return isinstance(array, np.ndarray) and array.dtype in dtypes and array.ndim in dimensions


def _check(array: npt.NDArray[Any], dtype: type[np.generic], ndim: int, name: str) -> None:
    """Exact type and layout: a silent cast or copy would hide a mistake, and memory."""
    if not _is(array, (np.dtype(dtype),), (ndim,)):
        raise SketchInputError(
            f"{name} must be a numpy array of {np.dtype(dtype)} with {ndim} dimension(s); found {_found(array)}. "
            "Convert it on purpose."
        )
    if not array.flags.c_contiguous:
        raise SketchInputError(f"{name} must be C-contiguous; found strides {array.strides}. Use ascontiguousarray.")
    if not array.flags.aligned:
        raise SketchInputError(f"{name} must be aligned to its {array.itemsize} bytes; found it between. Copy it.")


def _check_k(k: int, name: str) -> None:
    if not 1 <= k <= MAX_K:
        raise SketchInputError(f"{name} must have 1 to {MAX_K} registers; found {k}.")


def _check_folded(sig8: npt.NDArray[np.uint8], k: int, name: str) -> None:
    _check(sig8, np.uint8, 2, name)
    _check_k(k, "signatures")
    if sig8.shape[1] != width8(k):
        raise SketchInputError(
            f"{name} must be {width8(k)} bytes wide for k = {k}; found {sig8.shape[1]}. "
            "Make it with fold8 and pass its k."
        )


def _check_indptr(indptr: npt.NDArray[np.int64], n: int) -> None:
    _check(indptr, np.int64, 1, "indptr")
    if not len(indptr) or indptr[0] != 0 or indptr[-1] != n or bool((indptr[1:] < indptr[:-1]).any()):
        ends = f"{indptr[0]}..{indptr[-1]}" if len(indptr) else "nothing"
        raise SketchInputError(
            f"indptr must start at 0, never fall and end at len(keys) = {n}; found {ends}, or a fall."
        )


def _indices(rows: Indices, n: int, name: str) -> npt.NDArray[np.int64]:
    if not _is(rows, _INDICES, (1,)):
        raise SketchInputError(
            f"{name} must be int64[p], int32[p] or uint32[p]; found {_found(rows)}. Convert it on purpose."
        )
    if len(rows) and not (int(rows.min()) >= 0 and int(rows.max()) < n):
        raise SketchInputError(f"{name} must hold rows in 0..{n - 1}; found {int(rows.min())}..{int(rows.max())}.")
    return np.ascontiguousarray(rows, dtype=np.int64)


def _pair_rows(i: Indices, j: Indices, n_i: int, n_j: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    first, second = _indices(i, n_i, "i"), _indices(j, n_j, "j")
    if len(first) != len(second):
        raise SketchInputError(f"i and j must be equally long; found {len(first)} and {len(second)}.")
    return first, second


def _left_out(exclude: npt.NDArray[np.int64] | None, q: int, m: int) -> npt.NDArray[np.int64]:
    if exclude is None:
        return np.empty((q, 0), dtype=np.int64)
    if not _is(exclude, _INDICES[:1], (1, 2)) or len(exclude) != q:
        raise SketchInputError(
            f"exclude must be int64[{q}] or int64[{q}, e], a line per query; found {_found(exclude)}."
        )
    if exclude.size and not (int(exclude.min()) >= -1 and int(exclude.max()) < m):
        raise SketchInputError(f"exclude must hold rows in 0..{m - 1} or -1; found {exclude.min()}..{exclude.max()}.")
    return np.ascontiguousarray(exclude.reshape(q, -1) if exclude.size else np.empty((q, 0), dtype=np.int64))


def _threads(threads: int | None, effort: int) -> int:
    if threads is None:
        return 1 if effort < _SMALL else min(os.cpu_count() or 1, 256)
    if not 1 <= threads <= 256:
        raise SketchInputError(f"threads must be in 1..256, or None; found {threads}.")
    return threads
