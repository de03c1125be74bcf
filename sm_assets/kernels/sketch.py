"""Sketches of sets of 64-bit keys: K registers from which the Jaccard similarity of any two sets can be read.

Here: making and merging sketches, and the checks. Not here, but to be had from here: comparing them
(`sm_assets.kernels.similarity`), and what text becomes which key (`sm_assets.kernels.account_keys`). Not here at all:
which sketches may meet (`sm_assets.contracts.sketches`).

`fss`: Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup, FOCS 2017) with 32-bit codes, `mix64` below, K <= 2048.
    h = mix64(key ^ S), S = output number `seed` of SplitMix64 started at 0 (seed 0: 0)
    round 0          bin = (lo32(h) ^ hi32(h)) * K >> 32; code = h >> 33
    round r < 2K     g = late(h + r * 0x9E3779B97F4A7C15); bin = hi32(g) * K >> 32, or r - K from round K on;
                     code = 2^31 + r * 2^19 + (lo32(g) >> 13); late(x) = (x ^ x >> 32) * 0xff51afd7ed558ccd
A register is the least code of its bin over the set. Codes grow with the round, so rounds stop once every register
holds an earlier one: a large set costs one hash per key whatever K is.

`affine32`: that of datasketch 2.0, bit for bit, for exchange; K multiplications per key. Register k is the least
a_k * p + b_k modulo 2^32, p the MurmurHash3 finaliser of the element.

A sketch is a function of the SET: order, repeats, chunks, threads and instructions cannot change it.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sm_assets.errors import SketchInputError
from sm_assets.kernels import _sketch
from sm_assets.kernels.account_keys import hash_ids
from sm_assets.kernels.isa import isa, level, set_isa
from sm_assets.kernels.similarity import EMPTY, allpairs, estimate8, fold8, intersect, matches32, topk

__all__ = [
    "EMPTY",
    "MAX_FSS_K",
    "sketch_csr",
    "sketch_edges",
    "merge",
    "mixed",
    "affine_factors",
    "fold8",
    "topk",
    "allpairs",
    "intersect",
    "estimate8",
    "matches32",
    "hash_ids",
    "isa",
    "set_isa",
]

Keys = npt.NDArray[np.uint64]
Signatures = npt.NDArray[np.uint32]

MAX_FSS_K: Final = 2048
_DEFAULT_SEEDS: Final = {"fss": 0, "affine32": 1}
_ELEMENTS: Final = {"fss": ("identity", "key"), "affine32": ("identity", "high32")}
_ONE_THREAD_BELOW: Final = 2**20
_MAX_THREADS: Final = 256
_WORD: Final = 2**64


def sketch_csr(
    keys: Keys,
    indptr: npt.NDArray[np.int64],
    k: int,
    *,
    scheme: str = "fss",
    seed: int | None = None,
    element: str = "identity",
    out: Signatures | None = None,
    threads: int | None = None,
) -> Signatures:
    """Sketch sets that lie one after the other.

    Args:
        keys: uint64[n].
        indptr: int64[m + 1]; set i is keys[indptr[i]:indptr[i + 1]], in any order, repeats allowed.
        k: registers per set; 1..2048 with fss.
        scheme: `fss` or `affine32`.
        seed: 0 by default with fss, 1 with affine32.
        element: affine32 only: `identity` takes keys below 2^32 as they are, `high32` the high half of the mixed key.
            Such halves collide, n^2 / 2^33 pairs in a set of n: not for sets above some 10 million.
        out: uint32[m, k] to lower in place, so that the result is that of both sets together; None: new.
        threads: 1 for less than 2^20 keys, else one per core unless told.

    Returns:
        uint32[m, k]; all EMPTY for an empty set.

    Raises:
        SketchInputError: an array or option is not as told above; `out` is unchanged.
    """
    _check_array("keys", keys, np.uint64, 1)
    _check_array("indptr", indptr, np.int64, 1)
    if not len(indptr):
        raise SketchInputError("Found an empty indptr; expected int64[m + 1]. Give [0] for no sets.")
    fault, at = _sketch.indptr_fault(indptr, len(keys))
    if fault:
        found, expected = (
            (f"indptr[0] = {indptr[0]}", "0"),
            (f"indptr[{at}] = {indptr[at]} after {indptr[at - 1]}", "offsets that never fall"),
            (f"indptr[-1] = {indptr[-1]}", f"the number of keys, {len(keys)}"),
        )[fault - 1]
        raise SketchInputError(f"Found {found}; expected {expected}. Give where each set starts, and the end.")
    how = _Scheme(scheme, k, seed, element)
    made = how.target(out, len(indptr) - 1, keys, (("keys", keys), ("indptr", indptr)), np.empty)
    wide = _sketch.sketch_sets(keys, indptr, made, out is None, *how.job(), _thread_count(threads, len(keys)))
    return how.sound(made, wide)


def sketch_edges(
    keys: Keys,
    rows: npt.NDArray[np.uint32],
    n_rows: int,
    k: int,
    *,
    scheme: str = "fss",
    seed: int | None = None,
    element: str = "identity",
    out: Signatures | None = None,
    threads: int | None = None,
) -> Signatures:
    """Sketch sets whose keys come in any order: the same bits as `sketch_csr` on the same sets.

    Args:
        keys: uint64[n].
        rows: uint32[n]; keys[e] belongs to set rows[e].
        n_rows: number of sets.
        k: registers per set; 1..2048 with fss.
        scheme: `fss` or `affine32`.
        seed: as for `sketch_csr`.
        element: as for `sketch_csr`.
        out: uint32[n_rows, k] to lower in place; None: new.
        threads: as for `sketch_csr`.

    Returns:
        uint32[n_rows, k].

    Raises:
        SketchInputError: an array or option is not as told above; `out` is unchanged.
    """
    _check_array("keys", keys, np.uint64, 1)
    _check_array("rows", rows, np.uint32, 1)
    n_rows = _whole("n_rows", n_rows, 0, 2**32)
    if len(rows) != len(keys):
        raise SketchInputError(f"Found {len(rows)} rows for {len(keys)} keys; expected one row for each key.")
    if len(rows) and int(rows.max()) >= n_rows:
        raise SketchInputError(f"Found row {rows.max()}; expected rows below n_rows = {n_rows}. Number sets from 0.")
    how = _Scheme(scheme, k, seed, element)
    made = how.target(out, n_rows, keys, (("keys", keys), ("rows", rows)), _all_empty)
    chunk = np.empty(max(min(len(keys), _chunk_size(n_rows)), 1), dtype=np.uint64)
    wide = _sketch.sketch_edges(keys, rows, chunk, made, *how.job(), _thread_count(threads, len(keys)))
    return how.sound(made, wide)


def merge(a: Signatures, b: Signatures, *, out: Signatures | None = None) -> Signatures:
    """Sketches of the unions: the least of each register.

    Args:
        a: uint32[m, k].
        b: uint32[m, k] of the same spec; nothing in the registers tells, so compare specs first.
        out: uint32[m, k] to write; may be a or b. None: new.

    Returns:
        uint32[m, k].

    Raises:
        SketchInputError: unlike shapes, another type, or `out` overlaps a or b without being it; nothing is written.
    """
    _check_array("a", a, np.uint32, 2)
    _check_array("b", b, np.uint32, 2)
    if a.shape != b.shape:
        raise SketchInputError(f"Found shapes {a.shape} and {b.shape}; expected sketches of as many sets and one k.")
    if out is None:
        return np.minimum(a, b)
    _check_out(out, a.shape)
    for name, array in (("a", a), ("b", b)):
        if not _same_place(out, array):
            _check_apart(out, name, array)
    return np.minimum(a, b, out=out)


def affine_factors(k: int, seed: int) -> npt.NDArray[np.uint32]:
    """uint32[2, k]: odd multipliers and addends of affine32, the draws of datasketch 2.0."""
    draws = np.random.RandomState(seed)  # the generator that the scheme is defined by
    a = draws.randint(0, 2**31, k, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return np.stack([a, draws.randint(0, 2**32, k, dtype=np.uint32)])


def mixed(keys: Keys) -> Keys:
    """mix64 of each key, a bijection: x ^= x >> 32; x *= 0xff51afd7ed558ccd; x ^= x >> 32; x *= 0xc4ceb9fe1a85ec53.

    Args:
        keys: uint64[n].

    Returns:
        uint64[n]; the high halves are the elements of affine32 with `high32`.

    Raises:
        SketchInputError: another type.
    """
    _check_array("keys", keys, np.uint64, 1)
    out = np.empty(len(keys), dtype=np.uint64)
    _sketch.mixed(keys, out, level())
    return out


class _Scheme:
    """The checked options of one call."""

    def __init__(self, scheme: str, k: int, seed: int | None, element: str) -> None:
        if scheme not in _DEFAULT_SEEDS:
            raise SketchInputError(f"Found scheme {scheme!r}; expected one of {', '.join(_DEFAULT_SEEDS)}.")
        if element not in _ELEMENTS[scheme]:
            raise SketchInputError(
                f"Found element {element!r} with {scheme}; expected one of {', '.join(_ELEMENTS[scheme])}."
            )
        self.fss = scheme == "fss"
        self.k = _whole("k", k, 1, MAX_FSS_K if self.fss else 2**32 - 1)
        self.seed = _whole(
            "seed", _DEFAULT_SEEDS[scheme] if seed is None else seed, 0, (_WORD if self.fss else 2**32) - 1
        )
        self.high = element == "high32"

    def target(
        self,
        out: Signatures | None,
        m: int,
        keys: Keys,
        inputs: tuple[tuple[str, npt.NDArray[Any]], ...],
        new: Callable[[tuple[int, int], type[np.uint32]], Signatures],
    ) -> Signatures:
        """What will be lowered. Keys that do not fit are looked for first only where something could be spoilt."""
        if out is None:
            return new((m, self.k), np.uint32)
        _check_out(out, (m, self.k))
        for name, array in inputs:
            _check_apart(out, name, array)
        if self.narrow and len(keys) and int(keys.max()) >= 2**32:
            raise SketchInputError(_too_wide(int(keys.max())))
        return out

    @property
    def narrow(self) -> bool:
        """Keys must be below 2^32."""
        return not self.fss and not self.high

    def job(self) -> tuple[int, int, bool, Signatures | None]:
        """Arguments of the kernels: level, what is xored to keys, whether halves are taken, factors."""
        if self.fss:
            return level(), _split_mix(self.seed), False, None
        return level(), 0, self.high, affine_factors(self.k, self.seed)

    def sound(self, made: Signatures, wide: bool) -> Signatures:
        """The result, unless a key was too wide for its element."""
        if wide:
            raise SketchInputError(_too_wide(None))
        return made


def _all_empty(shape: tuple[int, int], dtype: type[np.uint32]) -> Signatures:
    return np.full(shape, EMPTY, dtype)


def _split_mix(seed: int) -> int:
    """Output number `seed` of SplitMix64 started at 0 (Steele, Lea, Flood, OOPSLA 2014); number 0 is 0."""
    z = seed * 0x9E3779B97F4A7C15 % _WORD
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % _WORD
    z = (z ^ z >> 27) * 0x94D049BB133111EB % _WORD
    return z ^ z >> 31


def _too_wide(key: int | None) -> str:
    found = "a key of 2^32 or more" if key is None else f"key {key}"
    return f"Found {found} with element 'identity'; expected keys below 2^32. Use element='high32', or scheme='fss'."


def _whole(name: str, value: object, least: int, most: int) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise SketchInputError(f"Found {name} = {value!r}; expected a whole number, {least} to {most}.") from None
    if not least <= number <= most or isinstance(value, bool):
        raise SketchInputError(f"Found {name} = {value!r}; expected a whole number, {least} to {most}.")
    return number


def _thread_count(threads: int | None, n: int) -> int:
    if threads is None:
        return 1 if n < _ONE_THREAD_BELOW else min(os.cpu_count() or 1, 16)
    return _whole("threads", threads, 1, _MAX_THREADS)


def _chunk_size(n_rows: int) -> int:
    """Edges grouped at once: some hundred per row, where that is neither few nor more than 32 MiB."""
    return min(max(512 * n_rows, 2**18), 2**22)


def _check_array(name: str, array: object, dtype: type[np.generic], ndim: int) -> None:
    """Exact type, layout and dimensions; nothing is cast or copied."""
    wanted = f"a C-contiguous {np.dtype(dtype)} array of {ndim} dimension{'s' if ndim > 1 else ''}"
    if not isinstance(array, np.ndarray):
        raise SketchInputError(
            f"Found {name} of type {type(array).__name__}; expected {wanted}. Make it a numpy array."
        )
    if array.dtype != np.dtype(dtype):
        raise SketchInputError(
            f"Found {name} of dtype {array.dtype}; expected {wanted}. "
            "Convert where the numbers come from: ids above 2^63 do not survive int64 or float64."
        )
    if array.ndim != ndim:
        raise SketchInputError(f"Found {name} of shape {array.shape}; expected {wanted}. Reshape it.")
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise SketchInputError(
            f"Found {name} with strides {array.strides}, not contiguous or not aligned; expected {wanted}. "
            f"Pass numpy.require({name}, requirements='CA')."
        )


def _check_out(out: object, shape: tuple[int, ...]) -> None:
    _check_array("out", out, np.uint32, 2)
    assert isinstance(out, np.ndarray)
    if out.shape != shape:
        raise SketchInputError(f"Found out of shape {out.shape}; expected {shape}, one row for each set.")
    if not out.flags.writeable:
        raise SketchInputError("Found a read-only out; expected one that may be written. Pass a copy.")


def _same_place(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    return a.ctypes.data == b.ctypes.data and a.nbytes == b.nbytes


def _check_apart(out: npt.NDArray[Any], name: str, array: npt.NDArray[Any]) -> None:
    # Both are contiguous, so their bounds tell all.
    if np.may_share_memory(out, array):
        raise SketchInputError(f"Found an out that overlaps {name}; expected memory of its own. Pass a copy.")
