"""Speed and memory of the way from vectors of posts to personas, profiles and exports, as JSON.

    python benchmarks/bench_personas.py [--accounts 2000,6000,20000] [--posts-per-account 10] [--threads 2]
        [--exposures] [--folder DIR] [--json PATH]

Published Parquet in (core, languages, vectors of posts, 28 days), published Parquet and export files out: one run
through Dagster over the last day of the window, in a process of its own, checks included; before it the daily sums of
all 28 days. Per size: wall seconds by step, CPU seconds and peak memory of the process. The exponent is the slope of
log seconds against log accounts between the smallest and the largest size. Bar: 1.2.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import step_times
from persona_worlds import START, plant_personas
from step_times import Child, perform, report, tell

from sm_assets.settings import Settings

DAYS = 28
SUMS = ("feat_account_embeddings",)
SNAPSHOT = (
    "out_personas", "out_cluster_k", "out_cluster_terms", "out_cluster_topics", "out_cluster_medoids", "out_map_points",
    "out_cluster_links", "out_cluster_ids", "out_estimated_exposures", "out_persona_conversations",
    "out_persona_exports", "report_persona_exports", "out_persona_profiles",
)  # fmt: skip
EXPONENT = 1.2


def plant(root: str, accounts: int, posts: int) -> dict[str, Any]:
    """Publish what the chain starts from."""
    plant_personas(Path(root), accounts, posts, 2 * posts, DAYS)
    return {}


def materialise(root: str, *, sums: bool, threads: int, exposures: bool) -> dict[str, Any]:
    """The daily sums, or all that follows on the last day."""
    settings = Settings(data_root=root, threads=threads, memory_limit="4GB", start_day=START)
    last = START + timedelta(days=DAYS - 1)
    config = {"ops": {"out_estimated_exposures": {"config": {"enabled": True}}}} if exposures and not sums else None
    return step_times.materialise(settings, START if sums else last, last, SUMS if sums else SNAPSHOT, config)


TASKS = {"plant": plant, "materialise": materialise}


def told(run: Child) -> dict[str, Any]:
    """One process in numbers."""
    steps = {name: round(wall, 2) for name, (wall, _) in run.steps.items() if not name.startswith("check_")}
    checks = sum(wall for name, (wall, _) in run.steps.items() if name.startswith("check_"))
    return {
        "wall_s": round(run.wall_s, 1),
        "wall_s_of_steps": round(sum(wall for wall, _ in run.steps.values()), 1),
        "cpu_s": round(run.cpu_s, 1),
        "peak_mib": round(run.peak_mib),
        "wall_s_by_step": steps | {"checks": round(checks, 2)},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = lambda text: [int(part) for part in text.split(",")]  # noqa: E731
    parser.add_argument("--accounts", type=numbers, default=[2_000, 6_000, 20_000])
    parser.add_argument("--posts-per-account", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--exposures", action="store_true", help="estimate exposures too")
    parser.add_argument("--folder", type=Path, help="where to make the lakes; kept if it is given")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        perform(options.task, TASKS)
        return
    found: dict[str, Any] = {"load_before": os.getloadavg()}
    walls: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        for accounts in options.accounts:
            root = folder / f"accounts{accounts}"
            posts = accounts * options.posts_per_account
            if not root.exists():
                planted, _ = step_times.child(__file__, "plant", root=str(root), accounts=accounts, posts=posts)
                tell(f"{accounts:,} accounts with {posts:,} posts planted in {planted.wall_s:.0f} s")
            common = {"root": str(root), "threads": options.threads, "exposures": options.exposures}
            sums, _ = step_times.child(__file__, "materialise", sums=True, **common)
            snapshot, _ = step_times.child(__file__, "materialise", sums=False, **common)
            walls[accounts] = sum(wall for run in (sums, snapshot) for wall, _ in run.steps.values())
            part = {"accounts": accounts, "posts": posts, "sums": told(sums), "snapshot": told(snapshot)}
            found[f"accounts {accounts}"] = part
            tell(json.dumps(part))
    small, large = min(walls), max(walls)
    if small != large:
        exponent = math.log(walls[large] / walls[small]) / math.log(large / small)
        found["exponent"] = {"value": round(exponent, 2), "bar": EXPONENT, "met": exponent <= EXPONENT}
    report(found, options.json)


if __name__ == "__main__":
    main()
