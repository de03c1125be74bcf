"""Forces of t-SNE: the checking face.

Here: what draws a row to its neighbours; charges of rows spread over a grid, and read off it. Not here: what lies
between the two (`sm_assets.analysis.map_gradient`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _map_forces

Floats = npt.NDArray[np.float64]


class Grid(NamedTuple):
    """A grid of squares with 3 x 3 nodes each.

    Attributes:
        x, y: its corner.
        side: of a square.
        nodes: in a row of the grid, 3 for each square.
    """

    x: float
    y: float
    side: float
    nodes: int


def spread(places: Floats, grid: Grid) -> Floats:
    """float64[3, nodes, nodes]: charges 1, x and y of every row, shared among the nodes of its square.

    Args:
        places: float64[n, 2], C-contiguous, inside the grid.
        grid: which.

    Raises:
        KernelError: places that lie elsewhere or are not finite.
    """
    _check(places, grid)
    found = np.zeros((3, grid.nodes, grid.nodes))
    if len(places):
        _map_forces.spread(places, grid.x, grid.y, grid.side, found)
    return found


def gather(places: Floats, grid: Grid, values: Floats) -> Floats:
    """float64[n, c]: what planes of the grid say at the places, by quadratics through the nodes of a square.

    Args:
        places: float64[n, 2], C-contiguous, inside the grid.
        grid: which.
        values: float64[c, nodes, nodes].

    Raises:
        KernelError: places that lie elsewhere or are not finite, planes of another size.
    """
    _check(places, grid)
    if values.shape[1:] != (grid.nodes, grid.nodes):
        raise KernelError(f"planes of {grid.nodes} x {grid.nodes} nodes are expected; found {values.shape}.")
    found = np.zeros((len(places), len(values)))
    if found.size:
        _map_forces.gather(places, grid.x, grid.y, grid.side, values, found)
    return found


def attract(places: Floats, shares: Any) -> Floats:
    """float64[n, 2]: what draws each row to its neighbours.

    Args:
        places: float64[n, 2], C-contiguous.
        shares: CSR float64[n, n], how much of its weight a row gives to each neighbour.

    Raises:
        KernelError: arrays that do not fit together.
    """
    n = len(places)
    if shares.shape != (n, n) or places.shape != (n, 2):
        raise KernelError(f"places {places.shape} do not fit to shares {shares.shape}.")
    found = np.zeros((n, 2))
    if shares.nnz:
        _map_forces.attract(
            places, shares.indptr.astype(np.int32, copy=False), shares.indices.astype(np.int32, copy=False),
            shares.data, found,
        )  # fmt: skip
    return found


def _check(places: Floats, grid: Grid) -> None:
    if grid.side <= 0 or grid.nodes < 3 or grid.nodes % 3:
        raise KernelError(f"a grid has squares of a side above 0 and 3 nodes each; found {grid}.")
    size = grid.side * (grid.nodes // 3)
    if not np.isfinite(places).all() or (
        len(places)
        and (places.min(axis=0) < (grid.x, grid.y)).any() | (places.max(axis=0) > (grid.x + size, grid.y + size)).any()
    ):
        raise KernelError(f"places must be finite and lie on the grid {grid}.")
