"""Constrained k-means of 5,000 rows of 384 numbers, 10 clusters, beside k-means-constrained: nothing binds, and much.

CPU seconds, one thread; ten starts each. Inertia: ours over the peer's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from taking_turns import cpu_seconds

from sm_assets.analysis.constrained_kmeans import constrained_kmeans

TARGETS = {
    "free_ratio": (4, 10),
    "bound_ratio": (4, 10),
    "free_inertia": (1.001, 1.0005),
    "bound_inertia": (1.001, 1.0005),
}
_K = 10
_SIZES = {"free": (10, None), "bound": (400, 600)}


def measure(repeats: int) -> dict[str, float]:
    """Seconds of both, their ratios and those of the inertias."""
    from k_means_constrained import KMeansConstrained

    random = np.random.default_rng(3)
    centres = random.standard_normal((_K, 384))
    share = np.linspace(1, 3, _K) / np.linspace(1, 3, _K).sum()
    rows = centres[random.choice(_K, 5_000, p=share)] + 1.5 * random.standard_normal((5_000, 384))
    figures: dict[str, float] = {}
    for name, (least, most) in _SIZES.items():
        inertia: dict[str, float] = {}

        def ours(least: int = least, most: int | None = most, inertia: dict[str, float] = inertia) -> None:
            fit = constrained_kmeans(rows, _K, range(10), size_min=least, size_max=most, max_iter=300, tol=1e-4)
            inertia["ours"] = _inertia(rows, fit.labels)

        def peer(least: int = least, most: int | None = most, inertia: dict[str, float] = inertia) -> None:
            model = KMeansConstrained(_K, size_min=least, size_max=most, random_state=42, n_init=10, n_jobs=1)
            inertia["peer"] = _inertia(rows, model.fit_predict(rows))

        seconds = cpu_seconds({"ours": ours, "peer": peer}, repeats)
        figures |= {
            f"{name}_ours_s": seconds["ours"],
            f"{name}_peer_s": seconds["peer"],
            f"{name}_ratio": seconds["peer"] / seconds["ours"],
            f"{name}_inertia": inertia["ours"] / inertia["peer"],
        }
    return figures


def _inertia(rows: npt.NDArray[np.float64], labels: npt.NDArray[np.int32]) -> float:
    means = np.stack([rows[labels == number].mean(axis=0) for number in range(_K)])
    return float(((rows - means[labels]) ** 2).sum())
