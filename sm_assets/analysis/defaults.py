"""Defaults of the methods, where help texts and config classes can read them without loading anything.

Here: numbers. Not here: what they do (`seeded`, `linkage`, `audiences`).
"""

from __future__ import annotations

from typing import Final

# For each method its min_threshold and its second_cluster_factor.
METHOD_DEFAULTS: Final[dict[str, tuple[float, float]]] = {"linkage": (0.32, 2.5), "seeded": (0.03, 2.5)}
VIRAL_ACCOUNTS: Final = 200
# Least known followers of an influencer; least follows of a day for a signature.
MIN_FOLLOWERS: Final = 100
MIN_DAY_FOLLOWS: Final = 64
