"""What figures of clusters have in common: how a cluster is called and which colour it has.

Here: names and styles by the number of a cluster, the same in every figure. Not here: any figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sm_assets.plots import audience_look as look

NOISE: Final = "in no cluster"


def is_noise(cluster_id: int | None) -> bool:
    """Whether it is the number of what lies in no cluster."""
    return cluster_id is None or cluster_id < 0


def style(cluster_id: int | None) -> look.Style:
    """The look of a cluster's dots: colours that the colour-blind tell apart, full, then hollow; noise is grey."""
    if cluster_id is None or is_noise(cluster_id):
        return look.NOBODY
    return look.STYLES[cluster_id % len(look.STYLES)]


def name(cluster_id: int | None, labels: Mapping[int, str], limit: int = 40) -> str:
    """`3 moon, orbit, probe`; of a cluster without a label its number."""
    if cluster_id is None or is_noise(cluster_id):
        return NOISE
    return look.plain(f"{cluster_id} {labels.get(cluster_id, '')}", limit)
