"""Maps of vectors that all differ: t-SNE and PaCMAP of 30,819 rows of 308 numbers, and t-SNE of 1,000.

Biographies, of which many are equal, are mapped in `bench_profiles`. CPU seconds, one run each, one thread; the first
PaCMAP of a process compiles, so a small one is made before.
"""

from __future__ import annotations

import time

import numpy as np

from sm_assets.analysis.layout import Method, layout

TARGETS = {"tsne_s": (80, 60), "pacmap_s": (20, 15), "tsne_1000_s": (4, 3)}
ROWS = 30_819


def measure(repeats: int) -> dict[str, float]:
    """Seconds of each map."""
    del repeats
    random = np.random.default_rng(1)
    rows = random.normal(size=(40, 308))[random.integers(40, size=ROWS)] + random.normal(size=(ROWS, 308)) * 0.8
    names = [f"{at:06d}" for at in range(ROWS)]

    def seconds(n: int, method: Method) -> float:
        start = time.process_time()
        layout(rows[:n], names[:n], method=method)
        return time.process_time() - start

    seconds(200, "pacmap")
    return {
        "pacmap_s": seconds(ROWS, "pacmap"),
        "tsne_1000_s": seconds(1000, "tsne"),
        "tsne_s": seconds(ROWS, "tsne"),
    }
