"""The cheapest assignment of rows to clusters whose sizes are bounded: the checking face.

Here: checks. Not here: centres (`sm_assets.analysis.constrained_kmeans`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _transfers


def assign_within(cost: npt.NDArray[np.float64], least: int, most: int) -> npt.NDArray[np.int32]:
    """Assign every row to a cluster at the least total cost, sizes in least..most.

    Exact: the optimum of the transport problem, in whole rows. Of equal costs the lower number of the cluster is
    taken at first, then the lower row moves.

    Args:
        cost: float64[n, k], finite, C-contiguous; squared distances to the centres.
        least: rows of the smallest cluster.
        most: rows of the largest cluster.

    Returns:
        int32[n], 0..k-1.

    Raises:
        KernelError: bounds that no assignment keeps, costs that are not finite.
    """
    n, k = cost.shape
    if not 0 <= least <= most or k * least > n or k * most < n:
        raise KernelError(f"{n} rows do not go into {k} clusters of {least} to {most} rows.")
    if not np.isfinite(cost).all():
        raise KernelError("costs must be finite.")
    label = cost.argmin(axis=1).astype(np.int32)
    if n:
        _transfers.assign(cost, least, most, label)
    return label
