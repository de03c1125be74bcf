"""What accounts have in common, counted in pieces of evidence: the checking face.

Here: counts for given pairs and given groups. Not here: which pairs and groups.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _overlap


def _check(
    account_ptr: npt.NDArray[np.int64], content: npt.NDArray[np.int32], unit: npt.NDArray[np.int32], n_contents: int
) -> int:
    n = len(account_ptr) - 1
    if n < 0 or account_ptr[-1] != len(content) or len(unit) != len(content):
        raise KernelError(
            f"account_ptr must end at {len(content)}, the number of rows; unit must be as long as content."
        )
    if len(content) and (content.min() < 0 or content.max() >= n_contents):
        raise KernelError(f"content numbers must lie in 0..{n_contents - 1}.")
    return n


def units_shared_with(
    account_ptr: npt.NDArray[np.int64],
    content: npt.NDArray[np.int32],
    unit: npt.NDArray[np.int32],
    n_contents: int,
    of: npt.NDArray[np.int32],
    partner: npt.NDArray[np.int32],
) -> npt.NDArray[np.int32]:
    """int32[k]: pieces of evidence of account of[i] that hold a content which account partner[i] carries.

    Raises:
        KernelError: arrays that do not fit together, or numbers out of range.
    """
    n = _check(account_ptr, content, unit, n_contents)
    if len(of) != len(partner):
        raise KernelError(f"of and partner must be equally long; found {len(of)} and {len(partner)}.")
    shared = np.zeros(len(of), dtype=np.int32)
    if not len(of):
        return shared
    if min(of.min(), partner.min()) < 0 or max(of.max(), partner.max()) >= n:
        raise KernelError(f"account numbers must lie in 0..{n - 1}.")
    order = np.argsort(partner, kind="stable").astype(np.int64)
    _overlap.shared_with(
        account_ptr,
        content,
        unit,
        n_contents,
        np.ascontiguousarray(of, np.int32),
        np.ascontiguousarray(partner, np.int32),
        order,
        shared,
    )
    return shared


def units_covered(
    account_ptr: npt.NDArray[np.int64],
    content: npt.NDArray[np.int32],
    unit: npt.NDArray[np.int32],
    n_contents: int,
    cluster: npt.NDArray[np.int32],
) -> npt.NDArray[np.int32]:
    """int32[n]: pieces of evidence of each member that another member of its cluster also carries; 0 outside clusters.

    Raises:
        KernelError: arrays that do not fit together, or numbers out of range.
    """
    n = _check(account_ptr, content, unit, n_contents)
    if len(cluster) != n:
        raise KernelError(f"cluster must have one entry per account ({n}); found {len(cluster)}.")
    count = np.zeros(n, dtype=np.int32)
    members = np.flatnonzero(cluster >= 0)
    members = members[np.argsort(cluster[members], kind="stable")].astype(np.int64)
    if len(members):
        _overlap.covered(
            account_ptr, content, unit, n_contents, members, np.ascontiguousarray(cluster, np.int32), count
        )
    return count
