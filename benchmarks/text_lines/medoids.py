"""Medoids of 30,000 unit vectors of 384 numbers, exact; a sample of 1,000 against all beside it.

CPU seconds, one thread.
"""

from __future__ import annotations

import numpy as np
from taking_turns import cpu_seconds

from sm_assets.analysis.medoids import medoids

TARGETS = {"seconds": (0.05, 0.03)}


def measure(repeats: int) -> dict[str, float]:
    """Seconds of both."""
    random = np.random.default_rng(1)
    rows = random.standard_normal((30_000, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    sampled = rows[random.choice(len(rows), 1000, replace=False)]
    seconds = cpu_seconds(
        {
            "ours": lambda: medoids(rows),
            "sampled pairs": lambda: np.argsort((1 - sampled @ rows.T).sum(axis=1))[:3],
        },
        max(repeats, 3),
    )
    return {"seconds": seconds["ours"], "sample_against_all_s": seconds["sampled pairs"]}
