"""Answers about audiences: all overlaps of 20,000 influencers beside datasketch's index, and one query among 100,000.

    OPENBLAS_NUM_THREADS=1 python benchmarks/bench_overlap.py [--repeats 5] [--json PATH]

The peer uses one thread; without the variable NumPy's library spins a second one, which counts as CPU time.

Here: medians of CPU and wall seconds, arms in turn. Overlaps are everything that out_audience_overlap needs from
signatures: candidates by scan, estimates, the BiCM, false discovery rates, the best neighbours; nothing is counted
exactly. The peer is the building of datasketch.MinHashLSH (64 bands of 2) on the same signatures, its objects made
before. Not here: making sketches (`bench_sketch`), reading and publishing (`bench_audiences`).
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sketch_worlds import plant

from sm_assets.analysis.audience_index import AudienceIndex
from sm_assets.analysis.null_models import DegreeClasses
from sm_assets.analysis.overlap_pairs import Audiences, OverlapOptions, find_overlaps
from sm_assets.contracts.sketches import SketchSpec
from sm_assets.kernels.sketch import sketch_csr

K = 128
BANDS = (64, 2)


class Item:
    """What datasketch's index takes of a signature."""

    def __init__(self, hashvalues: Any) -> None:
        self.hashvalues = hashvalues
        self.scheme = "affine32"

    def __len__(self) -> int:
        return K


def spent(run: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - cpu, time.perf_counter() - wall


def overlaps(repeats: int) -> dict[str, Any]:
    """All overlaps against building the index."""
    import datasketch

    world = plant("w1", 20_000_000, 1)
    signatures = sketch_csr(world.keys, world.indptr, K, threads=1)
    sizes = np.diff(world.indptr).astype(np.int64)
    degrees = np.unique(world.keys, return_counts=True)[1]
    audiences = Audiences(sizes, signatures, DegreeClasses.of(degrees), len(degrees))
    options = OverlapOptions(candidates="scan", exact_rerank="never", threads=1)
    items = [Item(row) for row in signatures]

    def index() -> None:
        built = datasketch.MinHashLSH(num_perm=K, params=BANDS)
        for number, item in enumerate(items):
            built.insert(number, item)

    arms = {"ours": lambda: find_overlaps(audiences, options), "MinHashLSH": index}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    for turn in range(repeats + 1):
        for name, run in arms.items():
            found = spent(run)
            if turn:
                times[name].append(found)
    told = {
        name: {kind: round(statistics.median(t[n] for t in found), 3) for n, kind in enumerate(("cpu_s", "wall_s"))}
        for name, found in times.items()
    }
    ratio = {kind: round(told["MinHashLSH"][kind] / told["ours"][kind], 1) for kind in ("cpu_s", "wall_s")}
    return {"influencers": len(sizes), **told, "times as fast": ratio, "met": min(ratio.values()) >= 10}


def queries(n: int = 100_000, asked: int = 300) -> dict[str, Any]:
    """Neighbours of one influencer after the other, warm."""
    rng = np.random.default_rng(1)
    signatures = rng.integers(0, 2**32 - 1, (n, K), dtype=np.uint32)
    ids = pa.array([f"{number:07d}" for number in range(n)])
    index = AudienceIndex("other", ids, np.full(n, 100, np.int64), signatures, SketchSpec())
    wanted = [f"{number:07d}" for number in rng.integers(0, n, asked + 10)]
    times = sorted(spent(lambda name=name: index.neighbours(name, top=10))[1] for name in wanted)
    return {
        "influencers": n,
        "median_ms": round(1e3 * statistics.median(times), 2),
        "p95_ms": round(1e3 * times[int(0.95 * len(times))], 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {"overlaps": overlaps(options.repeats), "query": queries()}
    text = json.dumps(found, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
