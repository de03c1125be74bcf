"""Speed and memory of the way from core_follows to keys, sketches and snapshots, as JSON.

    python benchmarks/bench_audiences.py [--edges 100000000] [--influencers 100000] [--k 128,1000] [--threads 1,2]
        [--stages keys,sketch,snapshot] [--memory-limit 1GiB] [--repeats 3] [--folder DIR] [--json PATH]
    python benchmarks/bench_audiences.py --stages day [--days 91] [--day-edges 1000000] [--day-accounts 200000]

Published Parquet in, published Parquet out: each figure is one run through Dagster in a process of its own. Per stage:
wall and CPU seconds of the asset's step (reading, computing, writing, holding to the contract, publishing), CPU of its
checks, CPU and peak memory of the whole process, bytes published, and what 10 billion edges would take. Stages:

- keys: core_follows as texts to feat_follow_keys. Bar: 4 M edges a second and core.
- sketch: feat_follow_keys to feat_audience_sketches, for each --k. Bars: K = 128 60 M edges a second and core and 600
  MiB, K = 1000 30 M and 1.2 GiB. R8 is the wall time over that of pyarrow reading the same columns of the same file and
  dropping them, each process in turn. Bar: 1.15, for K = 128 on two cores.
- snapshot: both to feat_audience_sizes and feat_audiences.
- day: one day more over all days again, each of --days days with about --day-edges follows of --day-accounts
  accounts, of which ever more reach 100 followers. With a snapshot of each day, and of the last day only. Bar: 1/20 of
  the CPU seconds of all steps, checks included.

The bars of memory of a stage hold with --memory-limit 1GiB; the largest peak of all stages may be 2 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import step_times
from step_times import Child, perform, report, tell

from sm_assets.settings import Settings

FOLLOWS, KEYS, SKETCHES = "core_follows", "feat_follow_keys", "feat_audience_sketches"
SNAPSHOTS = ("feat_audience_sizes", "feat_audiences")
STEPS = {KEYS: KEYS, SKETCHES: SKETCHES, "gather_audiences": "snapshots"}
START = date(2024, 1, 1)
TEN_BILLION = 1e10
RATES = {"keys": 4e6, "sketch 128": 60e6, "sketch 1000": 30e6}
PEAKS = {"sketch 128": 600.0, "sketch 1000": 1.2 * 1024}
MOST_PEAK = 2048.0
SNAPSHOT_STEPS = ("gather_audiences", *SNAPSHOTS)
COMPARED = ("wall_s_of_steps", "cpu_s_of_steps", "cpu_s_of_process")
R8, DAY_SHARE = 1.15, 1 / 20


# ------------------------------------------------------------------ inside the processes


def plant(root: str, edges: int, accounts: int, days: int) -> dict[str, Any]:
    """Publish core_follows."""
    from follow_worlds import plant_follows

    return {"edges": plant_follows(Path(root), edges, accounts, days)}


def materialise(
    root: str, tables: list[str], first: int, last: int, k: int, threads: int, memory_limit: str
) -> dict[str, Any]:
    """Run tables and their checks over a range of days; wall and CPU seconds by step."""
    settings = Settings(data_root=root, threads=threads, memory_limit=memory_limit, sketch_k=k, start_day=START)
    return step_times.materialise(settings, START + timedelta(days=first), START + timedelta(days=last), tables)


def decode(path: str) -> dict[str, Any]:
    """Read what a sketch is made of and drop it."""
    import pyarrow.parquet as pq

    columns = ["platform", "followed_account_id", "follower_key"]
    start = (time.perf_counter(), time.process_time())
    with Path(path).open("rb") as source, pq.ParquetFile(source, read_dictionary=columns[:2], pre_buffer=False) as file:
        for batch in file.iter_batches(2**20, columns=columns, use_threads=False):
            len(batch)
    return {"steps": {"decode": (time.perf_counter() - start[0], time.process_time() - start[1])}}


def sketch(root: str, day: int, k: int, threads: int) -> dict[str, Any]:
    """The keys of a day to signatures that are dropped: decoding and sketching alone, nothing is published."""
    from collections import Counter

    from sm_assets.analysis.daily_sketches import sketch_day
    from sm_assets.contracts.sketches import SketchSpec
    from sm_assets.storage import Lake, stream

    lake, when = Lake(Settings(data_root=root, threads=threads)), START + timedelta(days=day)
    columns = ("platform", "followed_account_id", "follower_key")
    start = (time.perf_counter(), time.process_time())
    keys = (batch for _, batch in stream(lake, KEYS, [when], columns, as_dictionary=columns[:2]))
    for batch in sketch_day(keys, when, SketchSpec(k=k), Counter(), threads=threads):
        len(batch)
    return {"steps": {"sketch": (time.perf_counter() - start[0], time.process_time() - start[1])}}


TASKS = {"plant": plant, "materialise": materialise, "decode": decode, "sketch": sketch}


def child(task: str, **values: Any) -> tuple[Child, dict[str, Any]]:
    """Run a task in a process of its own."""
    return step_times.child(__file__, task, **values)


# ------------------------------------------------------------------ stages


def published_bytes(root: Path, tables: Iterable[str]) -> int:
    """Bytes of all partitions of some tables."""
    return sum(path.stat().st_size for name in tables for path in (root / "lake" / name).rglob("*.parquet"))


def drop(root: Path, tables: Iterable[str]) -> None:
    """Remove tables."""
    for name in tables:
        shutil.rmtree(root / "lake" / name, ignore_errors=True)


def figures(name: str, runs: list[Child], step: str, edges: int, size: int) -> dict[str, Any]:
    """Medians of the runs of one stage, and whether they hold."""
    walls, cpus = ([run.steps[step][n] for run in runs] for n in (0, 1))
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    checks = statistics.median(sum(cpu for key, (_, cpu) in run.steps.items() if key != step) for run in runs)
    peak, rate = max(run.peak_mib for run in runs), edges / cpu
    found: dict[str, Any] = {
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "cpu_s_of_checks": round(checks, 2),
        "cpu_s_of_process": round(statistics.median(run.cpu_s for run in runs), 2),
        "m_edges_per_cpu_s": round(rate / 1e6, 1),
        "peak_mib": round(peak),
        "bytes": size,
        "core_minutes_for_10_billion": round(TEN_BILLION / rate / 60, 1),
    }
    if name in RATES:
        found["met"] = {"rate": rate >= RATES[name], "peak": peak <= PEAKS.get(name, MOST_PEAK)}
    return found


class Bench:
    """Measures stages over planted lakes."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder

    def planted(self, name: str, edges: int, accounts: int, days: int) -> tuple[Path, int]:
        """A lake with core_follows, made once, and its number of follows."""
        root = self.folder / name
        told = root / "planted.json"
        if not told.exists():
            made, found = child("plant", root=str(root), edges=edges, accounts=accounts, days=days)
            told.write_text(json.dumps(found))
            tell(f"{found['edges']:,} follows planted in {made.wall_s:.0f} s")
        return root, int(json.loads(told.read_text())["edges"])

    def run(self, root: Path, tables: Iterable[str], first: int, last: int, k: int, threads: int) -> Child:
        """One run through Dagster."""
        limits = {"threads": threads, "memory_limit": self.options.memory_limit}
        return child("materialise", root=str(root), tables=list(tables), first=first, last=last, k=k, **limits)[0]

    def stages(self) -> dict[str, Any]:
        """Keys, sketch and snapshot of one day that holds all edges."""
        options = self.options
        root, edges = self.planted("all", options.edges, options.influencers, 1)
        found: dict[str, Any] = {"edges": edges, "bytes_of_core_follows": published_bytes(root, [FOLLOWS])}
        for threads in options.threads:
            at = f"threads {threads}"
            part: dict[str, Any] = found.setdefault(at, {})
            if "keys" in options.stages or not published_bytes(root, [KEYS]):
                runs = [self.run(root, [KEYS], 0, 0, 128, threads)]
                part["keys"] = figures("keys", runs, KEYS, edges, published_bytes(root, [KEYS]))
                tell(at, "keys", part["keys"])
            for k in options.k:
                drop(root, [SKETCHES, *SNAPSHOTS])
                part[f"sketch {k}"] = self.sketch(root, edges, k, threads)
                tell(at, f"sketch {k}", part[f"sketch {k}"])
                if "snapshot" in options.stages:
                    runs = [self.run(root, SNAPSHOTS, 0, 0, k, threads)]
                    size = published_bytes(root, SNAPSHOTS)
                    part[f"snapshot {k}"] = figures("snapshot", runs, "gather_audiences", edges, size)
                    tell(at, f"snapshot {k}", part[f"snapshot {k}"])
        return found

    def sketch(self, root: Path, edges: int, k: int, threads: int) -> dict[str, Any]:
        """Sketches beside decoding alone, in turn."""
        path = str(root / "lake" / KEYS / f"day={START}" / "part-0.parquet")
        runs, bare, alone = [], [], []
        for _ in range(self.options.repeats):
            bare.append(child("decode", path=path)[0])
            alone.append(child("sketch", root=str(root), day=0, k=k, threads=threads)[0])
            runs.append(self.run(root, [SKETCHES], 0, 0, k, threads))
        found = figures(f"sketch {k}", runs, SKETCHES, edges, published_bytes(root, [SKETCHES]))
        wall, cpu = (statistics.median(run.steps["decode"][n] for run in bare) for n in (0, 1))
        ratio = statistics.median(
            run.steps[SKETCHES][0] / other.steps["decode"][0] for run, other in zip(runs, bare, strict=True)
        )
        found["decode_alone"] = {"wall_s": round(wall, 2), "cpu_s": round(cpu, 2)}
        sketched = statistics.median(
            run.steps["sketch"][0] / other.steps["decode"][0] for run, other in zip(alone, bare, strict=True)
        )
        # Without publication, imports and the step around it: what the threads' overlap gives.
        found["R8_wall_to_signatures"] = round(sketched, 2)
        found["R8_wall"], found["cpu_over_decode"] = round(ratio, 2), round(found["cpu_s"] / cpu, 2)
        return found

    def day(self) -> dict[str, Any]:
        """The last day alone over all days again."""
        options = self.options
        days, k, threads = options.days, options.k[0], options.threads[-1]
        root, edges = self.planted("days", days * options.day_edges, options.day_accounts, days)
        last, tables = days - 1, (KEYS, SKETCHES, *SNAPSHOTS)
        found: dict[str, Any] = {"edges": edges, "days": days, "k": k, "threads": threads}
        drop(root, tables)
        each = self.run(root, tables, 0, last, k, threads)
        tell("all days, a snapshot of each", split(each))
        drop(root, SNAPSHOTS)
        only = self.run(root, SNAPSHOTS, last, last, k, threads)
        tell("a snapshot of the last day from the first day on", split(only))
        # What one more day finds: keys, sketches and a snapshot up to the day before.
        drop(root, SNAPSHOTS)
        self.run(root, SNAPSHOTS, last - 1, last - 1, k, threads)
        drop(root, [f"{name}/day={START + timedelta(days=last)}" for name in tables])
        one = self.run(root, tables, last, last, k, threads)
        tell("one day", split(one))
        steps = {name: spent for name, spent in each.steps.items() if not any(part in name for part in SNAPSHOT_STEPS)}
        # Keys and sketches of all days are those of the first run.
        cpu = only.cpu_s + sum(cpu for _, cpu in steps.values())
        last_only = Child(0.0, cpu, max(each.peak_mib, only.peak_mib), steps | only.steps)
        found["one day"] = split(one)
        for name, again in (("a snapshot of each day", each), ("a snapshot of the last day", last_only)):
            part = {"all days": split(again)}
            part["ratio"] = {kind: round(found["one day"][kind] / part["all days"][kind], 4) for kind in COMPARED}
            part["met"] = part["ratio"]["cpu_s_of_steps"] <= DAY_SHARE
            found[name] = part
            tell(name, part["ratio"])
        return found


def split(run: Child) -> dict[str, Any]:
    """Seconds of one run by step."""
    return {
        "wall_s_of_steps": round(sum(wall for wall, _ in run.steps.values()), 2),
        "cpu_s_of_steps": round(sum(cpu for _, cpu in run.steps.values()), 2),
        "cpu_s_of_process": round(run.cpu_s, 2),
        "peak_mib": round(run.peak_mib),
        "cpu_s_by_step": {STEPS.get(name, name): round(cpu, 2) for name, (_, cpu) in run.steps.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = lambda text: [int(part) for part in text.split(",")]  # noqa: E731
    parser.add_argument("--edges", type=int, default=100_000_000)
    parser.add_argument("--influencers", type=int, default=100_000)
    parser.add_argument("--k", type=numbers, default=[128, 1000])
    parser.add_argument("--stages", type=lambda text: text.split(","), default=["keys", "sketch", "snapshot"])
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--memory-limit", default="1GiB")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--days", type=int, default=91)
    parser.add_argument("--day-edges", type=int, default=1_000_000)
    parser.add_argument("--day-accounts", type=int, default=200_000)
    parser.add_argument("--folder", type=Path, help="where to make the lakes; kept if it is given")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        perform(options.task, TASKS)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(options, folder)
        found: dict[str, Any] = {"load_before": os.getloadavg(), "memory_limit": options.memory_limit}
        if {"keys", "sketch", "snapshot"} & set(options.stages):
            found["stages"] = bench.stages()
        if "day" in options.stages:
            found["day"] = bench.day()
    report(found, options.json)


if __name__ == "__main__":
    main()
