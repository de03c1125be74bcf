"""Speed of the sweep over biographies and of their maps, beside scikit-learn and openTSNE in the same run, as JSON.

    python benchmarks/bench_profiles.py [--only sweep,tsne,pacmap] [--repeats 3] [--rows 30819] [--threads 2]
        [--json PATH]

Biographies of the shape of the known set (`profile_worlds`): 30,819 rows of 308 words with 56,373 values. `sweep`: k =
2, 50, 200, 500 with ten starts of scikit-learn's draws and all silhouettes; the peer is KMeans and silhouette_score as
they come. `tsne`, `pacmap`: a map of all rows that have a word; the peer is openTSNE and PaCMAP as they come on 50
singular vectors. `kept`: of each row's 10 nearest unlike rows, how many are among its 30 nearest on the map. Seconds
are medians of runs in turn, on the clock and of the processors. With fewer rows the numbers of clusters shrink too and
no bar holds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bench_text import judged, machine
from profile_worlds import Biographies, N, biographies

from sm_assets.analysis.cluster_spec import ClusterSpec
from sm_assets.analysis.layout import Method, layout
from sm_assets.analysis.vector_clusters import cluster
from sm_assets.analysis.vector_rows import distinct_rows

KS, STARTS, STATE = (2, 50, 200, 500), 10, 42
TARGETS = {
    "sweep": {"wall_s": (30, 15), "largest_inertia_ratio": (1.01, 1.0)},
    "tsne": {"wall_s": (80, 60)},
    "pacmap": {"wall_s": (20, 15)},
}
_SAMPLE, _NEAR, _ON_MAP = 1000, 10, 30


def in_turn(ours: Callable[[], Any], peer: Callable[[], Any], repeats: int) -> tuple[dict[str, float], Any, Any]:
    """Median seconds of both, and what the last runs returned."""
    spent: dict[str, list[tuple[float, float]]] = {"": [], "peer_": []}
    made: dict[str, Any] = {}
    for _ in range(repeats):
        for name, run in (("", ours), ("peer_", peer)):
            wall, cpu = time.perf_counter(), time.process_time()
            made[name] = run()
            spent[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    told = {}
    for name, runs in spent.items():
        told[f"{name}wall_s"], told[f"{name}cpu_s"] = (statistics.median(column) for column in zip(*runs, strict=True))
    told["wall_ratio"] = told["peer_wall_s"] / told["wall_s"]
    told["cpu_ratio"] = told["peer_cpu_s"] / told["cpu_s"]
    return told, made[""], made["peer_"]


def sweep(world: Biographies, repeats: int, threads: int) -> dict[str, float]:
    """The table of all numbers of clusters."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    rows = world.rows
    ks = tuple(k for k in KS if k <= rows.shape[0] // 10)
    spec = ClusterSpec(
        "kmeans", metric="euclidean", grid=ks, choose="silhouette", size_min=1, n_init=STARTS, random_state=STATE
    )

    def ours() -> list[tuple[float, float]]:
        table = cluster(rows, np.arange(rows.shape[0]), spec, threads=threads).k_table
        return [(row["inertia"], row["silhouette"]) for row in table]

    def peer() -> list[tuple[float, float]]:
        models = [KMeans(k, n_init=STARTS, random_state=STATE).fit(rows) for k in ks]
        return [(float(each.inertia_), float(silhouette_score(rows, each.labels_))) for each in models]

    told, found, expected = in_turn(ours, peer, repeats)
    pairs = list(zip(found, expected, strict=True))
    return told | {
        "largest_inertia_ratio": max(own[0] / other[0] for own, other in pairs),
        "largest_silhouette_gap": max(abs(own[1] - other[1]) for own, other in pairs),
    }


def mapped(world: Biographies, method: Method, repeats: int, threads: int) -> dict[str, float]:
    """A map, and the library's own."""
    from sklearn.decomposition import TruncatedSVD

    rows = world.rows[np.diff(world.rows.indptr) > 0]
    names = [f"{at:06d}" for at in range(rows.shape[0])]

    def ours() -> Any:
        found = layout(rows, names, method=method, threads=threads)
        return np.stack([found.x, found.y], axis=1)

    def peer() -> Any:
        reduced = TruncatedSVD(50, random_state=STATE).fit_transform(rows)
        if method == "tsne":
            from openTSNE import TSNE

            return np.asarray(TSNE(random_state=STATE, n_jobs=threads).fit(reduced))
        from pacmap import PaCMAP

        return np.asarray(PaCMAP(random_state=STATE).fit_transform(reduced.astype(np.float32)))

    layout(rows[:300], names[:300], method=method)  # what is compiled is compiled
    told, found, expected = in_turn(ours, peer, repeats)
    return told | {"kept": kept(rows, found), "peer_kept": kept(rows, expected)}


def kept(rows: Any, places: Any) -> float:
    """Share of near rows that are near on the map, over a sample of distinct rows."""
    first, _ = distinct_rows(rows)
    rows, places = rows[first], places[first]
    asked = np.random.default_rng(0).choice(len(first), min(_SAMPLE, len(first)), replace=False)
    there = -(rows[asked] @ rows.T).toarray()
    here = ((places[asked][:, None] - places) ** 2).sum(axis=2)
    for far in (there, here):
        far[np.arange(len(asked)), asked] = np.inf
    near = np.argpartition(there, _NEAR, axis=1)[:, :_NEAR]
    bound = np.partition(here, _ON_MAP - 1, axis=1)[:, _ON_MAP - 1]
    return float((np.take_along_axis(here, near, 1) <= bound[:, None]).mean())


def main() -> None:
    """Measure the lines asked for."""
    parser = argparse.ArgumentParser(description="Speed of the sweep over biographies and of their maps.")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(TARGETS), help=", ".join(TARGETS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=N)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    unknown = sorted(set(args.only) - set(TARGETS))
    if unknown:
        parser.error(f"no line {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    warnings.simplefilter("ignore")  # that a seed costs PaCMAP its threads
    world = biographies(args.rows)
    report: dict[str, Any] = {"machine": machine(), "repeats": args.repeats, "shape": world.shape}
    for name in args.only:
        if name == "sweep":
            figures = sweep(world, args.repeats, args.threads)
        else:
            figures = mapped(world, "tsne" if name == "tsne" else "pacmap", args.repeats, args.threads)
        report[name] = judged(figures, TARGETS[name] if args.rows == N else {})
    told = json.dumps(report, indent=2)
    if args.json:
        args.json.write_text(told + "\n", encoding="utf-8")
    print(told)


if __name__ == "__main__":
    main()
