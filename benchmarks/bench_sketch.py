"""What a sketch costs: against reading the keys once, against datasketch and against rensa, in one process.

    python benchmarks/bench_sketch.py --world w1,w2 --json sketch.json

Here: the ratios R1 to R7 of making sketches, R9 and R10 of comparing them. Not here: reading Parquet (R8, in
bench_audiences.py). Arms take turns; what is printed is the median CPU time of the process, wall beside it. Gates run
first: where one fails, no time is printed.

floor: numpy's `max` over the same keys. datasketch: `MinHash.bulk` on a sample of the sets; `ints`: the same integers
and an identity hash function; `bytes`: 8 bytes per id and the default hash function, as it is commonly used. rensa: its
flat digest matrix, one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sketch_gates
from sketch_worlds import World, in_order, plant, uniform

from sm_assets.kernels.isa import isa, set_isa
from sm_assets.kernels.sketch import allpairs, fold8, intersect, sketch_csr, sketch_edges, topk

Cells = dict[str, dict[str, float]]

# What is required of each ratio on AVX-512 and on AVX2; time / floor must stay below, a peer / ours above.
TARGETS = {
    "R1": ((1.15, 2.0), "below"),
    "R2 w2": ((2.2, 3.4), "below"),
    "R2 w1": ((3.8, 5.8), "below"),
    "R3 w2": ((4.4, 6.4), "below"),
    "R3 w1": ((25, 36), "below"),
    "R4": ((30, 34), "below"),
    "R5 w2": ((60, 45), "above"),
    "R5 w1": ((60, 45), "above"),
    "R6 affine32": ((200, None), "above"),
    "R6 fss": ((1000, None), "above"),
    "R7": ((2, 1.3), "above"),
    "R9": ((20, 20), "above"),
    "R10": ((10, 8), "above"),
}

_QUERIES = 20


def take_turns(arms: dict[str, tuple[Callable[[], object], int]], repeats: int) -> Cells:
    """Median CPU and wall seconds of each arm, and nanoseconds of CPU per edge; one run of each to warm up."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    for turn in range(repeats + 1):
        for name, (run, _) in arms.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            if turn:
                spent[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    cells = {}
    for name, (_, edges) in arms.items():
        cpu, wall = (statistics.median(times) for times in zip(*spent[name], strict=True))
        cells[name] = {"cpu_s": cpu, "wall_s": wall, "ns_per_edge": cpu / edges * 1e9, "edges": float(edges)}
    return cells


def sample(world: World, edges: int, seed: int) -> list[list[int]]:
    """Sets of the world in random order while they fit `edges`, as lists of integers below 2^32."""
    sizes, sets, left = world.sizes, [], edges
    for row in np.random.default_rng(seed).permutation(len(sizes)):
        if sizes[row] <= left:
            left -= int(sizes[row])
            sets.append((world.keys[world.indptr[row] : world.indptr[row + 1]] >> np.uint64(31)).tolist())
        if left < edges // 50:
            break
    return sets


def peer_arms(world: World, args: argparse.Namespace) -> dict[str, tuple[Callable[[], object], int]]:
    """The peers on one world."""
    arms: dict[str, tuple[Callable[[], object], int]] = {}
    if "datasketch" in args.arms:
        from datasketch import MinHash

        ints = sample(world, args.peer_edges, args.seed)
        texts = [[key.to_bytes(8, "little") for key in keys] for keys in ints]
        edges = sum(map(len, ints))

        def identity(key: int) -> int:
            return key

        for k in args.k:
            arms[f"datasketch ints K={k}"] = (
                lambda k=k: MinHash.bulk(ints, num_perm=k, seed=1, scheme="affine32", hashfunc=identity),
                edges,
            )
            arms[f"datasketch bytes K={k}"] = (lambda k=k: MinHash.bulk(texts, num_perm=k), edges)
    if "rensa" in args.arms:
        import rensa

        hashes, offsets = sketch_gates.spread(world.keys), world.indptr.astype(np.uint64)
        for k in args.k:
            arms[f"rensa K={k}"] = (
                lambda k=k: rensa.RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, k, 1),
                len(hashes),
            )
    return arms


def grouped_arms(world: World, args: argparse.Namespace) -> dict[str, tuple[Callable[[], object], int]]:
    """Our kernels on sets that lie one after the other."""
    arms: dict[str, tuple[Callable[[], object], int]] = {}
    narrow = world.keys >> np.uint64(31)
    for scheme in args.scheme:
        keys = world.keys if scheme == "fss" else narrow
        for k in args.k:
            arms[f"{scheme} K={k}"] = (
                lambda keys=keys, k=k, scheme=scheme: sketch_csr(
                    keys, world.indptr, k, scheme=scheme, threads=args.threads[0]
                ),
                len(keys),
            )
    for threads in args.threads[1:]:
        arms[f"fss K={args.k[0]} threads={threads}"] = (
            lambda threads=threads: sketch_csr(world.keys, world.indptr, args.k[0], threads=threads),
            len(world.keys),
        )
    return arms


def floor_arm(keys: npt.NDArray[np.uint64]) -> dict[str, tuple[Callable[[], object], int]]:
    """Reading the keys once."""
    return {"floor": (keys.max, len(keys))}


def time_world(name: str, args: argparse.Namespace) -> Cells:
    """All arms on one world, in the orders asked for."""
    world = plant(name, args.edges, args.seed)
    floor = floor_arm(world.keys)
    cells: Cells = {}
    if "grouped" in args.order:
        cells |= take_turns(floor | grouped_arms(world, args) | peer_arms(world, args), args.repeats)
    for order in ("random", "by-follower"):
        if order in args.order:
            keys, rows = in_order(world, order, args.seed)
            arms: dict[str, tuple[Callable[[], object], int]] = {
                f"fss K={k} {order}": (
                    lambda k=k, keys=keys, rows=rows: sketch_edges(
                        keys, rows, len(world.indptr) - 1, k, threads=args.threads[0]
                    ),
                    len(keys),
                )
                for k in args.k
            }
            timed = take_turns({f"floor {order}": (keys.max, len(keys))} | arms, args.repeats)
            cells |= timed
    return cells


def time_uniform(args: argparse.Namespace) -> Cells:
    """Sets of a million random ids."""
    world = uniform(args.edges, args.seed)
    arms: dict[str, tuple[Callable[[], object], int]] = {
        f"fss K={k}": (
            lambda k=k: sketch_csr(world.keys, world.indptr, k, threads=args.threads[0]),
            len(world.keys),
        )
        for k in args.k
    }
    return take_turns(floor_arm(world.keys) | arms, args.repeats)


def time_query(args: argparse.Namespace) -> Cells:
    """One query among 100,000 signatures: counting equal registers in numpy, and the scan of folded ones.

    Twenty queries one after the other in each turn: a service that is asked again and again is warm.
    """
    k, m = 128, 100_000
    signatures = np.random.default_rng(args.seed).integers(0, 2**32 - 1, (m, k), dtype=np.uint32)
    folded = fold8(signatures)

    def by_numpy() -> None:
        for row in range(_QUERIES):
            np.argpartition((signatures == signatures[row]).sum(axis=1), m - 100)[-100:]

    def by_scan() -> None:
        for row in range(_QUERIES):
            topk(folded, k, folded[row : row + 1], 100)

    arms: dict[str, tuple[Callable[[], object], int]] = {
        "numpy": (by_numpy, m * _QUERIES),
        "topk": (by_scan, m * _QUERIES),
    }
    return take_turns(arms, max(args.repeats, 9))


def time_pairs(args: argparse.Namespace) -> tuple[Cells, dict[str, object]]:
    """All pairs of w1 by `allpairs` and the building alone of datasketch's index; how many alike pairs each finds."""
    from datasketch import MinHash, MinHashLSH

    k, bands, rows = 128, 64, 2
    world = plant("w1", args.edges, args.seed)
    made = sketch_csr(world.keys, world.indptr, k)
    exchange = sketch_csr(world.keys >> np.uint64(31), world.indptr, k, scheme="affine32")
    folded = fold8(made)
    alike = 0.3 + 0.7 / 256
    least = int(k * alike - 1.64 * np.sqrt(k * alike * (1 - alike)))
    hashes = [MinHash(num_perm=k, hashvalues=row, scheme="affine32") for row in exchange]

    def build() -> object:
        index = MinHashLSH(num_perm=k, params=(bands, rows))
        for number, minhash in enumerate(hashes):
            index.insert(number, minhash)
        return index

    arms: dict[str, tuple[Callable[[], object], int]] = {
        "datasketch LSH build": (build, len(made)),
        "allpairs": (lambda: sum(len(i) for i, _, _ in allpairs(folded, k, least, threads=1)), len(made)),
    }
    cells = take_turns(arms, min(args.repeats, 3))
    # Pairs that may be alike, by sketches that take no part; exact numbers decide.
    apart = fold8(sketch_csr(world.keys, world.indptr, 1000, seed=2))
    i, j = (np.concatenate(part).astype(np.int64) for part in list(zip(*allpairs(apart, 1000, 250), strict=True))[:2])
    keys = world.keys.copy()
    for a, b in zip(world.indptr[:-1], world.indptr[1:], strict=True):
        keys[a:b].sort()
    shared = intersect(keys, world.indptr, i, j)
    sizes = world.sizes
    truth = shared / (sizes[i] + sizes[j] - shared) >= 0.3
    matches = (folded[i, :k] == folded[j, :k]).sum(axis=1)
    equal = (exchange[i] == exchange[j]).reshape(len(i), bands, rows).all(axis=2).any(axis=1)
    recall = {
        "pairs with J >= .3": int(truth.sum()),
        "recall of allpairs": round(float((matches[truth] >= least).mean()), 4) if truth.any() else None,
        "recall of the index": round(float(equal[truth].mean()), 4) if truth.any() else None,
    }
    return cells, recall


def per_edge(cells: Cells, name: str) -> float:
    """Nanoseconds of CPU per edge."""
    return cells[name]["ns_per_edge"]


def ratios(timed: dict[str, Cells]) -> dict[str, float]:
    """R1 to R7, R9 and R10, as far as they were measured."""
    found: dict[str, float] = {}

    def put(name: str, world: str, above: str, below: str) -> None:
        cells = timed.get(world, {})
        if above in cells and below in cells:
            found[name] = per_edge(cells, above) / per_edge(cells, below)

    put("R1", "uniform", "fss K=128", "floor")
    for world in ("w2", "w1"):
        put(f"R2 {world}", world, "fss K=128", "floor")
        put(f"R3 {world}", world, "fss K=1000", "floor")
        put(f"R5 {world}", world, "datasketch ints K=128", "affine32 K=128")
        put(f"fss against datasketch ints K=128 {world}", world, "datasketch ints K=128", "fss K=128")
        for k in (128, 1000):
            for scheme in ("affine32", "fss"):
                put(f"R6 {scheme} {world} K={k}", world, f"datasketch bytes K={k}", f"{scheme} K={k}")
        for k in (128, 256, 1000):
            put(f"R7 {world} K={k}", world, f"rensa K={k}", f"fss K={k}")
    put("R4", "w1", "fss K=128 random", "floor random")
    put("R4 by-follower", "w1", "fss K=128 by-follower", "floor by-follower")
    put("R9", "query", "numpy", "topk")
    put("R10", "pairs", "datasketch LSH build", "allpairs")
    for name in ("R6 affine32", "R6 fss", "R7"):
        parts = [value for key, value in found.items() if key.startswith(name + " ")]
        if parts:
            found[name] = min(parts)
    return found


def judged(found: dict[str, float], level: str) -> dict[str, object]:
    """Each ratio with what is required of it at this level of instructions."""
    report: dict[str, object] = {}
    for name, value in found.items():
        required, side = TARGETS.get(name, ((None, None), ""))
        target = {"avx512": required[0], "avx2": required[1]}.get(level)
        report[name] = {"ratio": float(f"{value:.4g}")}
        if target is not None:
            met = value <= target if side == "below" else value >= target
            report[name] = {"ratio": float(f"{value:.4g}"), "required": f"{side} {target}", "met": met}
    return report


def machine() -> dict[str, object]:
    """What the figures depend on."""
    names = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":", 1)[1].strip() for line in names.splitlines() if line.startswith("model name")]
    versions = {}
    for name in ("numpy", "datasketch", "rensa"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": cores,
        "python": platform.python_version(),
        "versions": versions,
        "load": load,
        "flagged": load / cores > 1,
    }


def options() -> argparse.Namespace:
    """The command line."""

    def texts(text: str) -> list[str]:
        return text.split(",")

    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(description="What a sketch costs.")
    parser.add_argument("--world", type=texts, default=["w1", "w2"])
    parser.add_argument("--edges", type=int, default=20_000_000)
    parser.add_argument("--k", type=numbers, default=[128, 256, 1000])
    parser.add_argument("--scheme", type=texts, default=["fss", "affine32"])
    parser.add_argument("--order", type=texts, default=["grouped", "random", "by-follower", "uniform"])
    parser.add_argument("--isa", default="auto", choices=["auto", "avx512", "avx2", "base"])
    parser.add_argument("--threads", type=numbers, default=[1], help="the first for all ratios, more for the speed-up")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--arms", type=texts, default=["floor", "datasketch", "rensa", "ours"])
    parser.add_argument("--peer-edges", type=int, default=300_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--search", action=argparse.BooleanOptionalAction, default=True, help="R9 and R10")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Gates, then times."""
    args = options()
    os.environ["RAYON_NUM_THREADS"] = "1"  # rensa's threads
    set_isa(None if args.isa == "auto" else args.isa)
    report: dict[str, object] = {
        "machine": machine(),
        "isa": isa(),
        "arguments": {k: str(v) for k, v in vars(args).items()},
    }
    gates = sketch_gates.ours(args.k, args.scheme, args.seed)
    report["gates"] = gates
    if "rensa" in args.arms:
        report["rensa's error"] = sketch_gates.rensa_errors(args.k, args.seed)
    failed = [name for name, held in gates.items() if held is False]
    if failed:
        sys.exit(f"No times: these gates failed: {failed}\n{json.dumps(report, indent=2)}")
    timed = {name: time_world(name, args) for name in args.world}
    if "uniform" in args.order:
        timed["uniform"] = time_uniform(args)
    if args.search:
        timed["query"] = time_query(args)
        if "datasketch" in args.arms:
            timed["pairs"], report["recall"] = time_pairs(args)
    report["ratios"] = judged(ratios(timed), isa())
    report["R8"] = "Parquet to sketches: bench_audiences.py"
    report["times"] = {
        world: {name: {key: float(f"{value:.4g}") for key, value in cell.items()} for name, cell in cells.items()}
        for world, cells in timed.items()
    }
    text = json.dumps(report, indent=2)
    if args.json:
        args.json.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
