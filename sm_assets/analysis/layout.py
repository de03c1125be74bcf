"""Maps: places in the plane where alike are near.

Here: t-SNE and PaCMAP over rows of vectors, and which rows are placed. Not here: clusters; no map is an input of any.
(Maps of a graph are `graph_layout`.)

Rows are unit rows first, so that near means a small angle. Equal rows are one for the method, as a crowd of them would
know only itself, and lie around its place, nearer than any other row. Sums are made on one thread: in another order
they would move everything.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.map_gradient import MapGradient
from sm_assets.analysis.one_thread_tasks import one_thread
from sm_assets.analysis.parameters import check_whole
from sm_assets.analysis.reductions import nearest_neighbours
from sm_assets.analysis.vector_rows import distinct_rows, squared_lengths, unit_rows
from sm_assets.errors import KernelError, OptionError

Method = Literal["tsne", "pacmap"]

MAX_ROWS: Final = 50_000
SEED: Final = 42
PERPLEXITY: Final = 30
DIMENSIONS: Final = 50
# With fewer rows there are no neighbourhoods: they are placed by all their distances.
_LEAST_ROWS: Final = 12
# Below, the gradient of t-SNE is a tree's; from here on a grid takes less time.
_MANY_ROWS: Final = 3_000
# How far equal rows go from their place, as a share of the way to the next one: less than half.
_APART: Final = 0.4
_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Places of rows.

    Attributes:
        row: int64[m], which rows are placed, ascending.
        x, y: float64[m], their places.
        record: method used, n_rows, n_placed, n_distinct (of those), n_without_direction (rows of zeros), n_not_drawn
            (beyond the sample), seed, and what the method was run with.
    """

    row: npt.NDArray[np.int64]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    record: dict[str, Any] = field(default_factory=dict)


def layout(
    vectors: Any,
    keys: Sequence[str] | npt.NDArray[np.str_],
    *,
    method: Method = "tsne",
    groups: npt.NDArray[np.int64] | None = None,
    max_rows: int = MAX_ROWS,
    seed: int = SEED,
    threads: int = 1,
) -> Layout:
    """Places of the rows of a matrix.

    Args:
        vectors: float[n, d], or a sparse matrix of SciPy.
        keys: one name for each row, each once: they decide the order, so that no order of the input matters.
        method: `tsne` or `pacmap`.
        groups: int64[n], rows that a sample takes alike shares of; None: all are one group.
        max_rows: rows placed at most; of more a seeded sample.
        seed: of the sample and the method.
        threads: of t-SNE, for its neighbours and the transforms of its grid; the result is the same.

    Returns:
        Places of all rows that are not all zero, up to `max_rows`; of fewer than 12 distinct ones by their distances.
        Equal rows lie on a disc around one place.

    Raises:
        KernelError: unlike lengths, or values that are no finite numbers.
        OptionError: no such method, a number out of range.

    Source: van der Maaten and Hinton 2008, Linderman et al. 2019 (openTSNE); Wang et al. 2021 (PaCMAP).
    """
    check_whole("max_rows", max_rows, 2)
    check_whole("seed", seed, 0, 2**32 - 1)
    if method not in get_args(Method):
        raise OptionError(f"method must be one of {', '.join(get_args(Method))}; found {method!r}.")
    n = vectors.shape[0]
    if len(keys) != n or (groups is not None and len(groups) != n):
        raise KernelError(f"one key and group per row; found {len(keys)} keys for {n} rows.")
    order = np.argsort(np.asarray(keys, object), kind="stable")
    rows, directed = _unit_rows(vectors, order)
    order, rows = order[directed], rows[directed]
    kept = sample(None if groups is None else groups[order], len(order), max_rows, seed)
    order, rows = order[kept], rows[kept]
    first, kind = distinct_rows(rows)
    places, told = _place(rows[first], method, seed, threads)
    back = np.argsort(order)
    places = np.round(_around(places, kind)[back], _DECIMALS) + 0.0
    record = {
        "n_rows": n,
        "n_placed": len(order),
        "n_distinct": len(first),
        "n_without_direction": n - int(np.count_nonzero(directed)),
        "n_not_drawn": int(np.count_nonzero(directed)) - len(order),
        "seed": seed,
    }
    return Layout(order[back], places[:, 0], places[:, 1], record | told)


def sample(groups: npt.NDArray[np.int64] | None, n: int, size: int, seed: int) -> npt.NDArray[np.int64]:
    """Numbers of a seeded sample of n rows, ascending; every group with about the same share, none left out.

    Args:
        groups: int64[n]; None: all rows are one group.
        n: rows.
        size: rows of the sample; all rows if there are not more, one per group where there are more groups.
        seed: of the draw.
    """
    if n <= size:
        return np.arange(n)
    random = np.random.default_rng(np.random.SeedSequence([seed, n, size]))
    group = np.zeros(n, np.int64) if groups is None else np.unique(groups, return_inverse=True)[1]
    drawn = random.permutation(n)
    drawn = drawn[np.argsort(group[drawn], kind="stable")]
    sizes = np.bincount(group)
    place = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # A row's place in its group as a share of the group: the smallest shares are in, of each group its first.
    share = place / sizes[group[drawn]]
    return np.sort(drawn[np.argsort(share, kind="stable")[:size]])


def _unit_rows(vectors: Any, order: npt.NDArray[np.int64]) -> tuple[Any, npt.NDArray[np.bool_]]:
    """Rows of length 1 in the given order, and which have a length."""
    if hasattr(vectors, "tocsr"):
        rows = vectors.tocsr()[order].astype(np.float64)
    else:
        rows = np.asarray(vectors, np.float64)[order]
    squared = squared_lengths(rows)
    if not np.isfinite(squared).all():
        raise KernelError("vectors must be finite numbers; found others.")
    return unit_rows(rows), squared > 0


def _place(rows: Any, method: Method, seed: int, threads: int) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
    """float64[m, 2] and what was done."""
    # Only a library that is loaded can be held to one thread.
    import_module({"tsne": "openTSNE", "pacmap": "pacmap"}[method])
    import_module("sklearn.decomposition")
    with one_thread():
        reduced = _reduce(rows)
        plane = np.zeros((len(reduced), 2))
        plane[:, : reduced.shape[1]] = reduced[:, :2]
        spread = float(plane[:, 0].std()) if len(plane) else 0.0
        few = len(reduced) < _LEAST_ROWS
        if spread < 1e-9 or (few and np.abs(reduced[:, 2:]).max(initial=0) < 1e-9):
            return plane, {"method": "plane"}
        if few:
            return _by_distances(reduced, plane, seed), {"method": "distances"}
        if method == "tsne":
            return _tsne(reduced, plane / spread, seed, threads)
        return _pacmap(reduced, plane, seed)


def _by_distances(
    reduced: npt.NDArray[np.float64], plane: npt.NDArray[np.float64], seed: int
) -> npt.NDArray[np.float64]:
    """Few rows: distances between places are as like those between rows as a plane allows."""
    from scipy.spatial.distance import pdist, squareform
    from sklearn.manifold import smacof

    # Rows that the plane lays on each other must not begin at one point.
    jitter = np.random.default_rng(np.random.SeedSequence([seed, len(plane)])).normal(0, 1e-3, plane.shape)
    apart = squareform(pdist(reduced))
    places, _ = smacof(apart, n_components=2, init=plane + jitter * apart.max(), n_init=1, random_state=0, eps=1e-9)
    return np.asarray(places, np.float64)


def _reduce(rows: Any) -> npt.NDArray[np.float64]:
    """Rows on their first 50 principal axes; sparse rows on their first 50 singular vectors."""
    n, d = rows.shape
    if hasattr(rows, "toarray"):
        from sklearn.decomposition import TruncatedSVD

        if n > _LEAST_ROWS and d > DIMENSIONS:
            reduced = TruncatedSVD(DIMENSIONS, random_state=0).fit_transform(rows)
            # Without the mean the first axes are those along which rows differ.
            return _principal(reduced)
        rows = rows.toarray()
    return _principal(rows)


def _principal(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if not len(rows):
        return np.zeros((0, 2))
    centred = rows - rows.mean(axis=0)
    if len(rows) < rows.shape[1]:
        values, vectors = np.linalg.eigh(centred @ centred.T)
        reduced = vectors * np.sqrt(np.maximum(values, 0.0))
    else:
        reduced = centred @ np.linalg.eigh(centred.T @ centred)[1]
    reduced = reduced[:, ::-1][:, :DIMENSIONS]
    # An axis has no direction of its own: its farthest row is on the right.
    ends = reduced[np.abs(reduced).argmax(axis=0), np.arange(reduced.shape[1])]
    return np.ascontiguousarray(reduced * np.where(ends < 0, -1.0, 1.0))


def _tsne(
    reduced: npt.NDArray[np.float64], start: npt.NDArray[np.float64], seed: int, threads: int
) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    n = len(reduced)
    perplexity = min(PERPLEXITY, (n - 1) // 3)
    place, far = nearest_neighbours(reduced, min(n - 1, 3 * perplexity) + 1, "euclidean", threads)
    known = PrecomputedNeighbors(place[:, 1:].astype(np.int64), far[:, 1:].astype(np.float64))
    # Rows that differ in what the axes leave out must not begin at one point: nothing would ever part them.
    jitter = np.random.default_rng(np.random.SeedSequence([seed, n])).normal(0, 1e-6, (n, 2))
    fit = TSNE(
        perplexity=perplexity,
        negative_gradient_method="bh" if n < _MANY_ROWS else MapGradient(threads),
        random_state=seed,
        n_jobs=1,
    )
    near = PerplexityBasedNN(knn_index=known, perplexity=perplexity, n_jobs=1)
    places = fit.fit(affinities=near, initialization=start * 1e-4 + jitter)
    return np.asarray(places, np.float64), {"method": "tsne", "perplexity": perplexity}


def _pacmap(
    reduced: npt.NDArray[np.float64], start: npt.NDArray[np.float64], seed: int
) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
    from pacmap import PaCMAP

    with warnings.catch_warnings():
        # That a seed costs speed, and few rows leave few pairs, is known.
        warnings.simplefilter("ignore")
        logging.getLogger("pacmap").setLevel(logging.ERROR)

        fit = PaCMAP(n_components=2, n_neighbors=min(10, len(reduced) - 1), random_state=seed, apply_pca=False)
        places = fit.fit_transform(reduced.astype(np.float32), init=start.astype(np.float32))
    return np.asarray(places, np.float64), {"method": "pacmap"}


def _around(places: npt.NDArray[np.float64], kind: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """float64[n, 2]: rows of one kind on a disc around its place, which reaches into that of no other kind."""
    from scipy.spatial import KDTree

    count = np.bincount(kind, minlength=len(places))
    if len(places) == len(kind) or len(places) < 2:
        return places[kind]
    room = _APART * KDTree(places).query(places, k=2)[0][:, 1]
    order = np.argsort(kind, kind="stable")
    number = np.empty(len(kind), np.int64)
    number[order] = np.arange(len(kind)) - np.repeat(np.cumsum(count) - count, count)
    # A sunflower's seeds: every further row takes as much of the disc as the ones before.
    angle = number * (np.pi * (3 - np.sqrt(5)))
    away = room[kind] * np.sqrt(number / count[kind])
    return np.asarray(places[kind] + away[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), np.float64)
