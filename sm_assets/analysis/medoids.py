"""Medoids: the texts of a cluster that are nearest to all its others.

Here: the exact answer without looking at pairs. Not here: which vectors there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.parameters import check_whole
from sm_assets.analysis.vector_rows import inverse_lengths
from sm_assets.errors import KernelError

N_MEDOIDS: Final = 3
# Beyond these decimals distances differ by rounding only.
_DECIMALS: Final = 9
_BLOCK: Final = 512


@dataclass(frozen=True, slots=True, eq=False)
class Medoids:
    """The nearest rows.

    Attributes:
        row: int64[m], numbers of rows, the nearest to all first.
        mean_distance: float64[m], mean cosine distance to all rows, itself included.
    """

    row: npt.NDArray[np.int64]
    mean_distance: npt.NDArray[np.float64]


def medoids(vectors: npt.NDArray[np.floating], n: int = N_MEDOIDS) -> Medoids:
    """The rows with the least mean cosine distance to all rows.

    Args:
        vectors: float[m, d], one row per distinct content, in the order in which ties are decided. Rows of zeros have
            no direction: they are passed over.
        n: rows at most.

    Returns:
        The nearest rows. For unit rows e the summed distance of row i is m - e_i . sum(e): one product, no pairs.

    Raises:
        KernelError: not two dimensions, or values that are no finite numbers.
        OptionError: `n` is out of range.
    """
    check_whole("n", n)
    if vectors.ndim != 2:
        raise KernelError(f"vectors must be rows of a matrix; found {vectors.ndim} dimensions.")
    m, d = vectors.shape
    blocks = [slice(begin, begin + _BLOCK) for begin in range(0, m, _BLOCK)]
    scale, total = np.zeros(m), np.zeros(d)
    for block in blocks:
        rows = vectors[block].astype(np.float64)
        scale[block] = inverse_lengths(rows)
        with np.errstate(invalid="ignore"):
            total += scale[block] @ rows
    if not np.isfinite(total).all():
        raise KernelError("vectors must be finite numbers; found others.")
    # Rows are read as they are: a copy of all of them would take longer than the sums.
    alike = np.concatenate([vectors[block].astype(np.float64) @ total for block in blocks] or [np.zeros(0)]) * scale
    told = np.flatnonzero(scale > 0)
    distance = 1.0 - alike[told] / max(len(told), 1)
    distance = np.around(np.maximum(distance, 0.0), _DECIMALS).astype(np.float64)
    best = np.argsort(distance, kind="stable")[:n]
    return Medoids(told[best], distance[best])
