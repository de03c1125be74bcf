"""Silhouettes of many labellings of the same rows, in one pass over the distances.

Here: each row's silhouette (Rousseeuw, J. Comput. Appl. Math. 20, 53, 1987), exact; which rows it is computed on. Not
here: what it says about a number of clusters (`choice_of_k`).

Distances are made block by block and added up per label by a kernel, for all labellings at once. Equal rows with equal
labels are folded into one that counts for all of them. Sparse rows of one length, as of TF-IDF, need no distance of
rows that share no word: it is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.one_thread_tasks import child_seed, run_all
from sm_assets.analysis.vector_rows import (
    Floats,
    Ints,
    Matrix,
    distinct_rows,
    is_sparse,
    products,
    squared_lengths,
    summed,
    unit_rows,
)
from sm_assets.errors import KernelError
from sm_assets.kernels.silhouette import add_columns, add_near
from sm_assets.kernels.sparse_rows import sparse_rows

MOST_ROWS: Final = 30_000
SAMPLE_ROWS: Final = 20_000
METRICS: Final = ("euclidean", "cosine")
_ROWS: Final = 64
_COLUMNS: Final = 1024
_MOST_LENGTHS: Final = 256
_BITS: Final = 40

Labels = npt.NDArray[np.integer[Any]]


class Silhouettes(NamedTuple):
    """Silhouettes of some rows.

    Attributes:
        rows: int64[m], the rows, ascending; all, or the sample.
        values: float64[m] per labelling.
        means: of each labelling; None: it has one cluster.
    """

    rows: Ints
    values: list[Floats]
    means: list[float | None]


def silhouettes(
    rows: Matrix,
    labellings: Sequence[Labels],
    *,
    metric: str = "euclidean",
    weight: Floats | None = None,
    seed: int = 0,
    threads: int = 1,
) -> Silhouettes:
    """Silhouettes of every labelling.

    Args:
        rows: [n, d], dense or sparse.
        labellings: int[n] each, 0 or more.
        metric: `euclidean` or `cosine`; a row of zeros has cosine distance 1 to all.
        weight: float64[n], how many rows each one stands for; None: 1.
        seed: of the sample that is taken where more than 30,000 rows differ.
        threads: blocks at a time; the result is the same.

    Returns:
        The silhouettes; 0 for a row alone in its cluster, and for all where there is one cluster.

    Raises:
        KernelError: another metric, labels that do not fit to the rows.
    """
    n = rows.shape[0]
    if metric not in METRICS:
        raise KernelError(f"metric is one of {', '.join(METRICS)}; found {metric!r}.")
    if any(len(labels) != n or (n and labels.min() < 0) for labels in labellings):
        raise KernelError(f"a labelling has {n} numbers from 0 on; found {[len(labels) for labels in labellings]}.")
    counts = np.ones(n) if weight is None else np.asarray(weight, np.float64)
    chosen = np.arange(n, dtype=np.int64)
    first, kind = _folded(rows, labellings)
    if len(first) > MOST_ROWS:
        draw = np.random.default_rng(child_seed(seed, "silhouette sample"))
        chosen = np.sort(draw.choice(n, SAMPLE_ROWS, replace=False)).astype(np.int64)
        counts = counts[chosen]
        kept, kind = np.unique(kind[chosen], return_inverse=True)
        first = first[kept]
    folded = rows[first].astype(np.float64)
    classes = [np.unique(labels[first], return_inverse=True)[1].reshape(-1) for labels in labellings]
    several = [number for number, own in enumerate(classes) if own.max(initial=0) > 0]
    mass = summed(kind, counts, len(first))
    values = [np.zeros(len(chosen)) for _ in labellings]
    if several and len(first):
        found = _of_folded(folded, [classes[number] for number in several], metric, mass, threads)
        for number, own in zip(several, found, strict=True):
            values[number] = own[kind]
    means = [float(np.average(own, weights=counts)) if k in several else None for k, own in enumerate(values)]
    return Silhouettes(chosen, values, means)


def _folded(rows: Matrix, labellings: Sequence[Labels]) -> tuple[Ints, Ints]:
    """The first of the rows that are equal and equally labelled, and of each row its kind."""
    _, kind = distinct_rows(rows)
    for labels in labellings:
        width = int(labels.max(initial=0)) + 1
        kind = np.unique(kind * width + labels, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return np.unique(kind, return_index=True)[1].astype(np.int64), kind


def _of_folded(rows: Matrix, classes: list[Labels], metric: str, mass: Floats, threads: int) -> list[Floats]:
    sizes = [int(own.max()) + 1 for own in classes]
    start = np.concatenate([[0], np.cumsum(sizes)])
    bins = np.stack([own + at for own, at in zip(classes, start[:-1], strict=True)]).astype(np.int32)
    if metric == "cosine":
        rows = unit_rows(rows)
    lengths = squared_lengths(rows)
    # Rows of zeros are at cosine distance 1 from each other.
    among_equals = np.where((lengths == 0) & (metric == "cosine"), mass - 1, 0.0)
    total = summed(bins.reshape(-1), np.tile(mass, len(classes)), int(start[-1]))
    sums_of = _sums(rows, lengths, metric, mass, bins, len(total))

    def block(first: int) -> list[Floats]:
        stop = min(first + _ROWS, len(mass))
        sums = sums_of(first, stop)
        inside = np.arange(stop - first)
        found = []
        for number, low in enumerate(start[:-1]):
            own = bins[number, first:stop]
            part, size = sums[low : start[number + 1]], total[low : start[number + 1]]
            others = total[own] - 1
            a = np.divide(
                sums[own, inside] + among_equals[first:stop], others, out=np.zeros(stop - first), where=others > 0
            )
            mean = part / size[:, None]
            mean[own - low, inside] = np.inf
            b = mean.min(axis=0)
            larger = np.maximum(a, b)
            found.append(np.divide(b - a, larger, out=np.zeros(stop - first), where=(larger > 0) & (others > 0)))
        return found

    blocks = run_all([partial(block, first) for first in range(0, len(mass), _ROWS)], threads)
    return [np.concatenate([found[number] for found in blocks]) for number in range(len(classes))]


def _sums(
    rows: Matrix, lengths: Floats, metric: str, mass: Floats, bins: npt.NDArray[np.int32], n_bins: int
) -> Callable[[int, int], Floats]:
    """What makes float64[bins, stop - first], sums of the distances of the rows first..stop to the rows of each bin."""
    if is_sparse(rows):
        mantissa, exponent = np.frexp(lengths)
        kinds, group = np.unique(np.ldexp(np.round(np.ldexp(mantissa, _BITS)), exponent - _BITS), return_inverse=True)
        if len(kinds) <= _MOST_LENGTHS:
            return _sums_by_length(rows, kinds, group.reshape(-1).astype(np.int32), metric, mass, bins, n_bins)

    def sums(first: int, stop: int) -> Floats:
        found = np.zeros((n_bins, stop - first))
        for at, distance in _distances(rows, lengths, metric, first, stop):
            add_columns(distance, mass, bins, at, found)
        return found

    return sums


def _sums_by_length(
    rows: Matrix, kinds: Floats, group: npt.NDArray[np.int32], metric: str, mass: Floats, bins: npt.NDArray[np.int32],
    n_bins: int,
) -> Callable[[int, int], Floats]:  # fmt: skip
    """The same for sparse rows of few lengths: as if none shared a word, and then corrected where they do."""
    known, cosine, own = sparse_rows(rows), metric == "cosine", np.ascontiguousarray(bins.T)
    width = len(kinds)
    held = sum(summed(each * width + group, mass, n_bins * width) for each in bins.astype(np.int64))
    held = np.ascontiguousarray(np.reshape(held, (n_bins, width)).T)

    def sums(first: int, stop: int) -> Floats:
        lengths = known.lengths[first:stop]
        base = np.ones((len(lengths), width)) if cosine else np.sqrt(lengths[:, None] + kinds)
        found = base @ held
        add_near(known, group, mass, own, first, base, found, cosine=cosine)
        if cosine:
            # A row of zeros shares no word with itself either.
            alone = np.flatnonzero(lengths == 0)
            found[alone[:, None], own[first + alone]] -= mass[first + alone, None]
        return np.ascontiguousarray(found.T)

    return sums


def _distances(rows: Matrix, lengths: Floats, metric: str, first: int, stop: int) -> Any:
    """(first column, float64[columns, stop - first]): distances of columns to the rows first..stop, in chunks."""
    n = len(lengths)
    asked = rows[first:stop]
    # A sparse product costs little, and starting one much.
    step = n if is_sparse(rows) else _COLUMNS
    for at in range(0, n, step):
        found = products(rows[at : at + step], asked)
        if metric == "cosine":
            np.subtract(1, found, out=found)
            np.clip(found, 0, 2, out=found)
        else:
            found *= -2
            found += lengths[at : at + step, None]
            found += lengths[first:stop]
            np.maximum(found, 0, out=found)
            np.sqrt(found, out=found)
        same = np.arange(max(first, at), min(stop, at + step))
        found[same - at, same - first] = 0
        yield at, found
