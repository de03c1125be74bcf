"""Candidate pairs from signatures by bands, found by sorting; how many bands; and what each way to pairs costs.

Here: bands from a wanted recall, the bound of a scan, pairs that share a band, costs told beforehand. Not here: which
way a table takes (`overlap_pairs`), exact counts, the kernels themselves.

A band is r registers of a signature: two sets of Jaccard similarity J share one of b bands with the probability
1 - (1 - J^r)^b.
Source: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3; sorting instead of hash tables is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log, log1p, log2, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from sm_assets.errors import OptionError, SketchInputError
from sm_assets.kernels.isa import isa
from sm_assets.kernels.similarity import EMPTY, allpairs, fold8

Signatures = npt.NDArray[np.uint32]
_MULTIPLIER: Final = np.uint64(0xFF51AFD7ED558CCD)
_WORD: Final = np.uint64(32)
_PENDING: Final = 2**24  # pairs held before repeats are dropped
# Measured on one core of a current server: blocks of 64 bytes a scan compares per second, by level of instructions;
# common followers a sparse product adds up; keys sorted, per log2 of their number.
_SCANNED: Final = {"avx512": 2.0e9, "avx2": 1.1e9, "base": 0.4e9}
_MULTIPLIED: Final = 1.0e7
_SORTED: Final = 1.0e8


def candidate_probability(jaccard: float, bands: int, rows: int) -> float:
    """Probability that two sets of this similarity share one of `bands` bands of `rows` registers."""
    return float(1.0 - (1.0 - jaccard**rows) ** bands)


def choose_bands(k: int, recall: float, jaccard: float) -> tuple[int, int]:
    """The widest bands that still find `recall` of the pairs of similarity `jaccard`.

    Args:
        k: registers of a signature.
        recall: wanted share of such pairs among the candidates, above 0 and below 1.
        jaccard: similarity of the pairs wanted, above 0, at most 1.

    Returns:
        (bands, rows): rows is the largest r with 1 - (1 - J^r)^floor(k/r) >= recall, bands is floor(k/r).

    Raises:
        OptionError: no r does; the message says which k would. Or a number out of range.
    """
    if k < 1 or not 0 < recall < 1 or not 0 < jaccard <= 1:
        raise OptionError(
            f"Bands need k >= 1, 0 < recall < 1 and 0 < jaccard <= 1; found k={k}, recall={recall}, jaccard={jaccard}."
        )
    rows = np.arange(1, k + 1)
    with np.errstate(divide="ignore"):  # jaccard 1: the logarithm of 0, every band is shared
        found = -np.expm1(k // rows * np.log1p(-(jaccard**rows)))
    fitting = np.flatnonzero(found >= recall)
    if not len(fitting):
        needed = ceil(log(1 - recall) / log1p(-jaccard))
        raise OptionError(
            f"With k={k}, even bands of 1 register find {found[0]:.3f} of the pairs of Jaccard {jaccard} only; "
            f"{recall} is asked for. Make sketches with k={needed} or more, lower the recall, or scan."
        )
    best = int(rows[fitting[-1]])
    return k // best, best


def scan_threshold(k: int, jaccard: float) -> int:
    """Equal bytes from which a scan keeps a pair, so that 95 % of those of similarity `jaccard` are kept.

    m0 = floor(k p - 1.64 sqrt(k p (1 - p))), p = J + (1 - J)/256, not below 0.

    Raises:
        OptionError: k below 1 or jaccard not in 0..1.
    """
    if k < 1 or not 0 <= jaccard <= 1:
        raise OptionError(f"A scan needs k >= 1 and 0 <= jaccard <= 1; found k={k}, jaccard={jaccard}.")
    share = jaccard + (1 - jaccard) / 256
    return max(0, floor(k * share - 1.64 * sqrt(k * share * (1 - share))))


def band_pairs(
    signatures: Signatures,
    bands: int,
    rows: int,
    *,
    max_bucket: int = 1000,
    jaccard: float | None = None,
    threads: int | None = None,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], dict[str, int]]:
    """Pairs of signatures that share a band.

    Per band, one 64-bit key of its registers is sorted; equal keys are a bucket, and all its pairs are candidates. A
    bucket of more than `max_bucket` rows is not expanded: its rows are scanned, and the pairs with enough equal bytes
    are candidates. Such buckets are counted, never dropped in silence.

    Args:
        signatures: uint32[m, k], m < 2^31. Rows with EMPTY are left out and counted.
        bands: number of bands, at least 1.
        rows: registers per band, at least 1; bands * rows <= k.
        max_bucket: rows up to which a bucket is expanded.
        jaccard: similarity from which the rows of larger buckets are kept (by `scan_threshold`); None for the one at
            which half of all pairs share a band.
        threads: of those scans; None for all processors where it pays.

    Returns:
        i int32[p] and j int32[p], i < j, unique, sorted by (i, j); and counts: `n_rows`, `n_empty_rows`,
        `n_large_buckets`, `n_large_bucket_rows` (rows of these, summed), `n_scanned_rows` (the same rows, each once),
        `largest_bucket`, `scan_min_matches` (0 where nothing was scanned), `n_pairs`.

    Raises:
        SketchInputError: signatures of another type or layout.
        OptionError: bands that do not fit into k, or max_bucket below 1.
    """
    if signatures.dtype != np.uint32 or signatures.ndim != 2:
        found = f"{signatures.dtype}{list(signatures.shape)}"
        raise SketchInputError(f"signatures must be uint32[m, k]; found {found}. Convert them on purpose.")
    m, k = signatures.shape
    if bands < 1 or rows < 1 or bands * rows > k or m >= 2**31:
        raise OptionError(f"{bands} bands of {rows} registers do not fit into k={k} (or {m} rows are 2^31 or more).")
    if max_bucket < 1:
        raise OptionError(f"max_bucket must be at least 1; found {max_bucket}.")
    known = np.flatnonzero(signatures.max(axis=1) != EMPTY) if m else np.zeros(0, dtype=np.int64)
    pairs = _PairSet(m)
    large: list[npt.NDArray[np.int64]] = []
    largest = 0
    for band in range(bands if len(known) > 1 else 0):
        keys = _band_keys(signatures[:, band * rows : (band + 1) * rows], known)
        order = np.argsort(keys)
        members = known[order]
        starts = np.flatnonzero(np.concatenate([[True], np.diff(keys[order]) != 0]))
        sizes = np.diff(np.append(starts, len(members)))
        largest = max(largest, int(sizes.max()))
        for start, size in zip(starts[sizes > max_bucket], sizes[sizes > max_bucket], strict=True):
            large.append(np.sort(members[start : start + size]))
        small = (sizes > 1) & (sizes <= max_bucket)
        pairs.add(*_expanded(members, starts[small], sizes[small]))
    counts = {
        "n_rows": m,
        "n_empty_rows": m - len(known),
        "n_large_buckets": len(large),
        "n_large_bucket_rows": sum(map(len, large)),
        "n_scanned_rows": len(np.unique(np.concatenate(large))) if large else 0,
        "largest_bucket": largest,
        "scan_min_matches": 0,
    }
    if large:
        half = (1 - 0.5 ** (1 / bands)) ** (1 / rows) if jaccard is None else jaccard
        counts["scan_min_matches"] = scan_threshold(k, half)
        for group in _scan_groups(large):
            sig8 = fold8(np.ascontiguousarray(signatures[group]))
            for first, second, _ in allpairs(sig8, k, counts["scan_min_matches"], threads=threads):
                pairs.add(group[first], group[second])
    i, j = pairs.sorted()
    return i, j, counts | {"n_pairs": len(i)}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a way to candidate pairs will cost, on one core.

    Attributes:
        method: `exact`, `scan` or `banding`.
        pairs: pairs looked at: wedges, all pairs of rows, or None where only sorting can tell.
        seconds: estimate, right within a factor of about three.
    """

    method: str
    pairs: int | None
    seconds: float

    @property
    def sentence(self) -> str:
        """The same for a log, before work starts."""
        looked_at = "as many pairs as its buckets hold" if self.pairs is None else f"{self.pairs:,} pairs"
        unit = {"exact": " (common followers, one by one)", "scan": " of sketches", "banding": ""}[self.method]
        time = f"about {self.seconds:.2g} s" if self.seconds >= 0.1 else "less than 0.1 s"
        return f"{self.method}: {looked_at}{unit}, {time} on one core."


def predicted_cost(method: str, n: int, *, k: int = 128, wedges: int | None = None, bands: int | None = None) -> Cost:
    """What `method` will cost for n influencers.

    Args:
        method: `exact` (needs wedges: the sum of d (d - 1) / 2 over the followers' degrees d), `scan`, or `banding`
            (needs bands; its estimate covers the sorting).
        n: influencers.
        k: registers of a signature.
        wedges: for exact.
        bands: for banding.

    Raises:
        OptionError: no such method, or what it needs is missing.
    """
    if method == "scan":
        pairs = n * (n - 1) // 2
        return Cost(method, pairs, pairs * ceil(k / 64) / _SCANNED[isa()])
    if method == "exact" and wedges is not None:
        return Cost(method, wedges, wedges / _MULTIPLIED)
    if method == "banding" and bands is not None:
        return Cost(method, None, bands * n * log2(max(n, 2)) / _SORTED)
    raise OptionError(f"Found method {method!r}; expected scan, exact with its wedges, or banding with its bands.")


def _band_keys(registers: Signatures, known: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """uint64[len(known)] of uint32[m, r]: the registers themselves up to two, else a mix of them."""
    chosen = registers if len(known) == len(registers) else registers[known]
    columns = [chosen[:, column].astype(np.uint64) for column in range(chosen.shape[1])]
    keys: npt.NDArray[np.uint64] = columns[0]
    for number, column in enumerate(columns[1:], start=1):
        if number > 1:  # a bijection, so that what is mixed in next meets a key spread over all bits
            keys = (keys ^ (keys >> _WORD)) * _MULTIPLIER
        keys = ((keys << _WORD) | (keys >> _WORD)) ^ column
    return keys


def _expanded(
    members: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """All pairs within the runs members[start : start + size]."""
    place = _ranges(starts, sizes)
    following = np.repeat(starts + sizes, sizes) - place - 1
    return members[np.repeat(place, following)], members[_ranges(place + 1, following)]


def _ranges(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """start, start + 1, ... of each length, one after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    places: npt.NDArray[np.int64] = np.arange(total) + np.repeat(starts - (ends - lengths), lengths)
    return places


def _scan_groups(large: list[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.int64]]:
    """What is scanned: each bucket, or all their rows together where that is cheaper, as the same rows meet in many."""
    union = np.unique(np.concatenate(large))
    return [union] if len(union) ** 2 <= sum(len(bucket) ** 2 for bucket in large) else large


class _PairSet:
    """Pairs as i * m + j; repeats are dropped now and then, so that memory follows the unique ones."""

    def __init__(self, m: int) -> None:
        self._m = max(m, 1)
        self._parts: list[npt.NDArray[np.int64]] = []
        self._pending = 0

    def add(self, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> None:
        if not len(first):
            return
        self._parts.append(np.minimum(first, second) * self._m + np.maximum(first, second))
        self._pending += len(first)
        if self._pending > _PENDING:
            self._parts = [np.unique(np.concatenate(self._parts))]
            self._pending = 0

    def sorted(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        pairs = np.unique(np.concatenate(self._parts)) if self._parts else np.zeros(0, dtype=np.int64)
        i, j = np.divmod(pairs, self._m)
        return i.astype(np.int32), j.astype(np.int32)
