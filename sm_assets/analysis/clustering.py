"""What every clustering method answers: where each account belongs, how surely, and why.

Here: the `Clustering` arrays, the names of the statuses and the numbering of clusters. Not here: the methods (`seeded`,
`linkage`) and the columns that are derived from an answer (`cosharing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError

STATUSES: Final = (
    "member",
    "near_tie",
    "aggregator",
    "weak",
    "viral_only",
    "unshared",
    "lone_seed",
    "too_few_contents",
)
"""Names of the codes in `Clustering.status`, which are positions in this tuple."""

MEMBER: Final = STATUSES.index("member")
NEAR_TIE: Final = STATUSES.index("near_tie")
AGGREGATOR: Final = STATUSES.index("aggregator")
WEAK: Final = STATUSES.index("weak")
VIRAL_ONLY: Final = STATUSES.index("viral_only")
UNSHARED: Final = STATUSES.index("unshared")
LONE_SEED: Final = STATUSES.index("lone_seed")
TOO_FEW_CONTENTS: Final = STATUSES.index("too_few_contents")


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """One row per account, in the order of `Evidence`.

    Attributes:
        cluster: int32[n_accounts], -1 = in no cluster. Linkage numbers clusters of two or more accounts 0, 1, 2, ... by
            size descending, then by their smallest account number; seeded counts creations, so its numbers have gaps.
        status: uint8[n_accounts], position in `STATUSES`.
        best_cluster: int32[n_accounts], the cluster with the best score, -1 = none; a member's best is its own.
        second_cluster: int32[n_accounts], the runner-up, -1 = none.
        best_score: float64[n_accounts], nan where there is no best cluster.
        second_score: float64[n_accounts], nan where there is no runner-up.
        n_shared: int32[n_accounts], pieces of evidence that at least one other account carries.
    """

    cluster: npt.NDArray[np.int32]
    status: npt.NDArray[np.uint8]
    best_cluster: npt.NDArray[np.int32]
    second_cluster: npt.NDArray[np.int32]
    best_score: npt.NDArray[np.float64]
    second_score: npt.NDArray[np.float64]
    n_shared: npt.NDArray[np.int32]

    def __post_init__(self) -> None:
        """Raise KernelError unless all arrays are equally long."""
        lengths = {name: len(getattr(self, name)) for name in self.__slots__}
        if len(set(lengths.values())) > 1:
            raise KernelError(f"all arrays of a clustering have one row per account; found {lengths}.")

    @property
    def n_accounts(self) -> int:
        """Number of accounts, those in no cluster included."""
        return len(self.cluster)

    @property
    def n_clusters(self) -> int:
        """Number of distinct clusters that have a member."""
        return len(np.unique(self.cluster[self.cluster >= 0]))

    def count_by_status(self) -> dict[str, int]:
        """Number of accounts per status, in the order of `STATUSES`, zeros left out."""
        counts = np.bincount(self.status, minlength=len(STATUSES))
        return {name: int(count) for name, count in zip(STATUSES, counts, strict=True) if count}
