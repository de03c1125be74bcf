"""The gradient of t-SNE, with what drives rows apart interpolated on a grid.

Here: the two forces on every row, as openTSNE asks for them. Not here: the descent, which rows (`layout`).

Every row drives every other one away. On the nodes of a grid these sums are a convolution, and its kernel stays the
same from one round to the next as the squares do: their sides are 1, or powers of a ratio, and the grid
grows in steps. Only the part of each transform that is not zero, or is asked for, is made.

Source: Linderman, Rachh, Hoskins, Steinerberger and Kluger, Nat. Methods 16, 243, 2019 (FIt-SNE).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sm_assets.kernels.map_forces import Floats, Grid, attract, gather, spread

_LEAST_SQUARES: Final = 50
# Sides are powers of it.
_RATIO: Final = 1.25


class MapGradient:
    """Forces on rows at their places; keeps the kernels of the last grid.

    Callable as openTSNE's objective: it gives no value of the objective, as nothing here asks for one.
    """

    def __init__(self, threads: int = 1) -> None:
        """Forces by so many threads; the result is the same."""
        self._threads = threads
        self._kernels: tuple[tuple[float, int], Floats, Floats] | None = None

    def __call__(self, embedding: Any, shares: Any, **_: Any) -> tuple[float, Floats]:
        """(0, float64[n, 2]): the gradient.

        Args:
            embedding: float64[n, 2], places.
            shares: CSR float64[n, n], symmetric, what openTSNE calls P.
        """
        places = np.ascontiguousarray(embedding, np.float64)
        force = attract(places, shares)
        driven, total = self.repulsion(places)
        force -= driven / total
        return 0.0, force

    def repulsion(self, places: Floats) -> tuple[Floats, float]:
        """(float64[n, 2], sum): what drives rows apart, to be divided by the sum, over all pairs, of 1 / (1 + d²).

        Args:
            places: float64[n, 2], C-contiguous.
        """
        grid = grid_of(places)
        near, far = self._transforms(grid)
        potential = self._convolved(spread(places, grid), near, far)
        sums = gather(places, grid, potential)
        # Every row is at distance 0 from itself.
        return places * sums[:, :1] - sums[:, 1:3], float(sums[:, 3].sum() - len(places))

    def _transforms(self, grid: Grid) -> tuple[Floats, Floats]:
        """Transforms of 1 / (1 + d²)² and 1 / (1 + d²) between nodes."""
        from scipy.fft import rfft2

        key = (grid.side, grid.nodes)
        if self._kernels is None or self._kernels[0] != key:
            size = 2 * grid.nodes
            away = np.minimum(np.arange(size), size - np.arange(size)) * (grid.side / 3)
            far = 1 / (1 + away[:, None] ** 2 + away**2)
            near = rfft2(far**2, workers=self._threads).real.copy()
            self._kernels = (key, near, rfft2(far, workers=self._threads).real.copy())
        return self._kernels[1:]

    def _convolved(self, charges: Floats, near: Floats, far: Floats) -> Floats:
        """float64[4, nodes, nodes]: the three charges under the first kernel, and the first of them under the other."""
        from scipy.fft import fft, ifft, irfft, rfft

        nodes, size, workers = charges.shape[1], 2 * charges.shape[1], self._threads
        known = fft(rfft(charges, size, axis=2, workers=workers), size, axis=1, workers=workers)
        product = np.empty((4, *known.shape[1:]), np.complex128)
        np.multiply(known, near, out=product[:3])
        np.multiply(known[0], far, out=product[3])
        part = ifft(product, axis=1, overwrite_x=True, workers=workers)[:, :nodes]
        return np.ascontiguousarray(irfft(part, size, axis=2, workers=workers)[:, :, :nodes])


def grid_of(places: npt.NDArray[np.float64]) -> Grid:
    """A grid that all places lie on, of at least 50 squares a side or squares of side 1, of a size of fast transforms.

    Args:
        places: float64[n, 2], finite, n > 0.
    """
    from scipy.fft import next_fast_len

    low, high = places.min(axis=0), places.max(axis=0)
    span = max(float((high - low).max()), 1e-12)
    side = min(1.0, _RATIO ** math.floor(math.log(span / _LEAST_SQUARES, _RATIO)))
    corner = np.floor(low / side) * side
    squares = int(np.ceil(((high - corner) / side).max())) + 1
    while next_fast_len(6 * squares, real=True) != 6 * squares:
        squares += 1
    return Grid(float(corner[0]), float(corner[1]), side, 3 * squares)
