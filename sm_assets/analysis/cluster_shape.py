"""Whether a clustering sets anybody apart, by the sizes of its clusters alone.

Here: the sizes that say that a clustering went wrong. Not here: how good one is otherwise (`silhouette`,
`choice_of_k`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FEWEST: Final = 50
"""Of fewer that could be in a cluster nothing is judged: of a handful one cluster, or none, is a fair answer."""
LARGEST: Final = 0.8
"""Share of the largest cluster: with four in five in it, the others are what fell off, not groups beside it."""
IN_NONE: Final = 0.9
"""Share in no cluster: with nine in ten left out, what is found is not about those that were asked about."""
MEAN_SIZE: Final = 2.0
"""Members of a cluster on average: with fewer, most clusters hold one and nothing was put together."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of one clustering.

    Attributes:
        n_clusters: clusters.
        n_items: what could be in one.
        largest: share of the largest cluster in all that are in one; 0: there is none.
        in_none: share of the items that are in none; 0: there are no items.
        odd: in words what says that it went wrong; empty: nothing.
    """

    n_clusters: int
    n_items: int
    largest: float
    in_none: float
    odd: tuple[str, ...]


def shape(sizes: Sequence[int], in_none: int) -> Shape:
    """The shape of a clustering.

    Args:
        sizes: members of each cluster.
        in_none: items that could be in a cluster and are in none.
    """
    inside = sum(sizes)
    total = inside + in_none
    largest = max(sizes, default=0) / inside if inside else 0.0
    left_out = in_none / total if total else 0.0
    odd = []
    if total >= FEWEST:
        if left_out > IN_NONE:
            odd.append(f"{left_out:.1%} are in no cluster (more than {IN_NONE:.0%})")
        elif inside >= FEWEST and len(sizes) == 1:
            odd.append("all that are in a cluster are in one and the same")
        elif inside >= FEWEST and largest > LARGEST:
            odd.append(f"one cluster holds {largest:.1%} of those in clusters (more than {LARGEST:.0%})")
        if inside and inside < MEAN_SIZE * len(sizes):
            odd.append(f"{len(sizes)} clusters of {inside}: most hold one")
    return Shape(len(sizes), total, largest, left_out, tuple(odd))
