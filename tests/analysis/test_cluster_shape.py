"""Sizes of clusters that say that a clustering went wrong, and those that may be right."""

from __future__ import annotations

import pytest

from sm_assets.analysis.cluster_shape import shape


@pytest.mark.parametrize(
    ("sizes", "in_none", "told"),
    [
        ([40, 30, 30], 20, ""),
        ([80, 20], 0, ""),
        ([81, 19], 0, "one cluster holds 81.0%"),
        ([100], 0, "in one and the same"),
        ([10], 90, ""),
        ([5, 4], 91, "91.0% are in no cluster"),
        ([], 100, "100.0% are in no cluster"),
        ([2] * 50, 0, ""),
        ([2] * 20 + [1] * 30, 0, "50 clusters of 70: most hold one"),
        ([1] * 60, 0, "60 clusters of 60"),
        # Of a handful any answer is fair.
        ([49], 0, ""),
        ([], 49, ""),
        ([1] * 49, 0, ""),
        ([], 0, ""),
    ],
)
def test_shapes(sizes: list[int], in_none: int, told: str) -> None:
    found = shape(sizes, in_none)
    assert (told in "; ".join(found.odd)) if told else found.odd == ()
    assert (found.n_clusters, found.n_items) == (len(sizes), sum(sizes) + in_none)
