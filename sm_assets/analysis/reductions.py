"""Vectors of few dimensions in which alike rows lie together.

Here: UMAP, PaCMAP and SVD, seeded, and exact nearest neighbours. Not here: maps to look at, clusters.

UMAP takes its neighbours from here: exact ones by matrix products take less time than a search compiled anew in every
process, and do not depend on threads.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.one_thread_tasks import one_thread, run_all
from sm_assets.analysis.vector_rows import Floats, Matrix, is_sparse, products, squared_lengths

_BLOCK: Final = 2**22
"""Products that are looked at in one go."""

Neighbours = tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]


def reduce_rows(
    rows: Matrix, how: str, *, n_components: int, n_neighbors: int, metric: str, seed: int, threads: int
) -> Floats:
    """Rows in few dimensions; equal input gives equal bits, with any number of threads.

    Args:
        rows: [n, d], dense or sparse, for `cosine` of length 1; more of them than neighbours.
        how: `umap` (min_dist 0), `pacmap` or `svd`.
        n_components: dimensions; svd makes fewer where the rows have no more.
        n_neighbors: neighbours of a row in umap and pacmap.
        metric: `cosine` or `euclidean`; svd keeps products and needs none.
        seed: 0..2^32-1.
        threads: for the neighbours.

    Returns:
        float64[n, n_components].

    Source: McInnes, Healy, Melville, arXiv:1802.03426; Wang et al., J. Mach. Learn. Res. 22, 201, 2021.
    """
    if how == "umap":
        found = _umap(rows, n_components, nearest_neighbours(rows, n_neighbors, metric, threads), metric, seed)
    elif how == "pacmap":
        found = _pacmap(rows, n_components, n_neighbors, metric, seed)
    else:
        found = _svd(rows, n_components, seed)
    return np.ascontiguousarray(found, np.float64)


def nearest_neighbours(rows: Matrix, n_neighbors: int, metric: str, threads: int) -> Neighbours:
    """(int32[n, m], float32[n, m]): each row's nearest rows, itself first, and their distances, exact.

    Args:
        rows: [n, d]; for `cosine` of length 1.
        n_neighbors: m, itself included, below n.
        metric: `cosine` or `euclidean`.
        threads: blocks at a time.
    """
    n = rows.shape[0]
    step = max(_BLOCK // n, 32)
    half = squared_lengths(rows) / 2 if metric == "euclidean" else np.zeros(n)

    def block(first: int) -> Neighbours:
        asked = rows[first : first + step]
        near = products(asked, rows)
        near -= half.astype(near.dtype)
        own = np.arange(near.shape[0])
        near[own, first + own] = np.inf
        place = np.argpartition(near, n - n_neighbors, axis=1)[:, n - n_neighbors :]
        place.sort(axis=1)
        value = np.take_along_axis(near, place, 1)
        order = np.argsort(-value, axis=1, kind="stable")
        value = np.take_along_axis(value, order, 1)
        if metric == "cosine":
            distance = np.clip(1 - value, 0, 2)
        else:
            distance = np.sqrt(np.maximum(2 * (half[first : first + len(own), None] - value), 0))
        distance[:, 0] = 0
        return np.take_along_axis(place, order, 1).astype(np.int32), distance.astype(np.float32)

    blocks = run_all([partial(block, first) for first in range(0, n, step)], threads)
    return np.concatenate([found for found, _ in blocks]), np.concatenate([found for _, found in blocks])


@contextmanager
def _quiet() -> Iterator[None]:
    """One thread, and no notices of libraries that a seed costs them their threads."""
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _umap(rows: Matrix, n_components: int, neighbours: Neighbours, metric: str, seed: int) -> npt.NDArray[Any]:
    from umap import UMAP

    with _quiet():
        model = UMAP(
            n_components=n_components, n_neighbors=neighbours[0].shape[1], min_dist=0.0, metric=metric,
            random_state=seed, n_jobs=1, precomputed_knn=(*neighbours, None), force_approximation_algorithm=True,
        )  # fmt: skip
        return np.asarray(model.fit_transform(rows))


def _pacmap(rows: Matrix, n_components: int, n_neighbors: int, metric: str, seed: int) -> npt.NDArray[Any]:
    dense = np.asarray(rows.toarray() if is_sparse(rows) else rows, np.float32)
    from pacmap import PaCMAP

    with _quiet():
        distance = "angular" if metric == "cosine" else metric
        model = PaCMAP(n_components=n_components, n_neighbors=n_neighbors, distance=distance, random_state=seed)
        return np.asarray(model.fit_transform(dense))


def _svd(rows: Matrix, n_components: int, seed: int) -> npt.NDArray[Any]:
    from sklearn.decomposition import TruncatedSVD

    size = max(min(n_components, min(rows.shape) - 1), 1)
    with one_thread():
        model = TruncatedSVD(size, algorithm="arpack", random_state=seed)
        return np.asarray(model.fit_transform(rows.astype(np.float64)))
