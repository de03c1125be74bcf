"""How well personas meet planted ones, with the default text model and default parameters, as JSON.

    python benchmarks/persona_quality.py                              captures of Bluesky with planted personas
    python benchmarks/persona_quality.py --sets 200:5:3:7 ...         others: users, personas, days, seed
    python benchmarks/persona_quality.py --demo 0.5 [--daily 28]      the demo world of a scale, all platforms

Each set goes from landing through Dagster to out_personas of its last day. purity = members that are with the planted
persona of most of their own; k = personas found. The named sets need the generator beside the checkout. With --daily a
snapshot is made of each of the last days (window of 7 days): persistent = of the accounts that are members on the first
and on the last of them, how many are in a persona of the same persistent id (nobody in that world changes persona).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from sm_assets.contracts import TABLES
from sm_assets.defs.run import materialise_range
from sm_assets.settings import Settings
from sm_assets.storage import Lake

GENERATOR = Path(__file__).resolve().parents[2] / "shared" / "tools" / "gen_jetstream.py"
NAMED = ("120:4:3:5", "300:6:2:11", "400:5:3:21")
FIRST = date(2025, 3, 1)
LAST_TABLES = ("out_personas", "out_cluster_links", "out_cluster_ids")
PURITY, DAYS_OF_WINDOW = 0.99, 7


def tables() -> list[str]:
    """Every table up to personas and their ids."""
    return [name for name, table in TABLES.items() if table.layer in ("raw", "stg", "core")] + [
        "feat_post_language",
        "feat_post_embeddings",
        "feat_account_embeddings",
        *LAST_TABLES,
    ]


def run(settings: Settings, first: date, last: date, snapshots: str) -> None:
    """Materialise a range.

    Raises:
        SystemExit: a check failed.
    """
    config = {
        "feat_post_embeddings": {"config": {"languages": ["en"]}},
        "out_personas": {"config": {"snapshots": snapshots}},
    }
    with dg.DagsterInstance.ephemeral() as instance:
        done = materialise_range(
            settings, first, last, tables=tables(), run_config={"ops": config}, instance=instance, raise_on_error=True,
            log_level="ERROR",
        )  # fmt: skip
    if not done:
        sys.exit("a check failed")


def members(lake: Lake, day: date) -> dict[tuple[str, str], int]:
    """Persona of each member of a snapshot."""
    with lake.connect() as con:
        lake.register(con, lake.ref("out_personas", [day]))
        rows = con.sql(
            "select platform, account_id, persona_id from out_personas where persona_id is not null"
        ).fetchall()
    return {(platform, account): persona for platform, account, persona in rows}


def judged(found: dict[tuple[str, str], int], truth: dict[tuple[str, str], int]) -> dict[str, Any]:
    """Members, personas and purity."""
    pairs = Counter((persona, truth[account]) for account, persona in found.items() if account in truth)
    sizes: Counter[int] = Counter()
    best: Counter[int] = Counter()
    for (persona, _), n in pairs.items():
        sizes[persona] += n
        best[persona] = max(best[persona], n)
    return {
        "members": len(found),
        "k": len(set(found.values())),
        "purity": round(sum(best.values()) / max(sum(sizes.values()), 1), 4),
    }


def capture(name: str, root: Path) -> dict[str, Any]:
    """One capture with planted personas."""
    users, personas, days, seed = (int(part) for part in name.split(":"))
    landing = root / "landing" / "bluesky" / "planted"
    arguments = {"users": users, "personas": personas, "days": days, "seed": seed, "out": landing}
    options = [part for key, value in arguments.items() for part in (f"--{key}", str(value))]
    subprocess.run([sys.executable, GENERATOR, *options, "--realistic"], check=True)
    truth = json.loads((landing / "truth.json").read_text())
    (landing / "truth.json").unlink()
    settings = Settings.from_env({}, data_root=str(root), start_day=FIRST)
    last = FIRST + timedelta(days=days - 1)
    run(settings, FIRST, last, "last_day")
    found = judged(members(Lake(settings), last), {("bluesky", did): persona for did, persona in truth.items()})
    met = found["purity"] >= PURITY and abs(found["k"] - personas) <= 1
    return {"planted": personas} | found | {"met": met, "exact": found["purity"] == 1 and found["k"] == personas}


def demo(scale: float, seed: int, daily: int, root: Path) -> dict[str, Any]:
    """The demo world."""
    from sm_assets.demo import World

    world = World(seed, scale)
    world.write(root)
    truth = {(row["platform"], row["account_id"]): row["persona"] for row in world.truth_accounts().to_pylist()}
    settings = Settings.from_env({}, data_root=str(root), start_day=world.first_day)
    run(settings, world.first_day, world.last_day, "last_day")
    lake = Lake(settings)
    found: dict[str, Any] = {"planted": len(set(truth.values()))} | judged(members(lake, world.last_day), truth)
    found["met"] = found["purity"] >= PURITY and abs(found["k"] - found["planted"]) <= 1
    if daily:
        week = Settings.from_env({}, data_root=str(root), start_day=world.first_day, window_days=DAYS_OF_WINDOW)
        first = world.last_day - timedelta(days=daily - 1)
        with dg.DagsterInstance.ephemeral() as instance:
            materialise_range(
                week, first, world.last_day, tables=LAST_TABLES, instance=instance, raise_on_error=True,
                log_level="ERROR",
            )  # fmt: skip
        found["daily"] = persistence(lake, first, world.last_day)
    return found


def persistence(lake: Lake, first: date, last: date) -> dict[str, Any]:
    """Who is in a persona of the same persistent id on the first and the last day."""
    with lake.connect() as con:
        lake.register(con, lake.ref("out_personas", [first, last]))
        lake.register(con, lake.ref("out_cluster_ids"))
        rows = con.sql(
            "select platform, account_id, list(persistent_id order by day) from out_personas as members "
            "inner join out_cluster_ids as ids on members.day = ids.day and persona_id = cluster_id "
            "and analysis = 'personas' group by all"
        ).fetchall()
        events = dict(con.sql("select event, count(*) from out_cluster_ids group by event").fetchall())
    both = [ids for _, _, ids in rows if len(ids) == 2]
    return {
        "accounts": len(both),
        "persistent": round(sum(a == b for a, b in both) / max(len(both), 1), 4),
        "events": events,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=None, help="users:personas:days:seed")
    parser.add_argument("--demo", type=float, metavar="SCALE")
    parser.add_argument("--seed", type=int, default=7, help="of the demo world")
    parser.add_argument("--daily", type=int, default=0, metavar="DAYS")
    options = parser.parse_args()
    names = options.sets if options.sets is not None else () if options.demo else NAMED
    found: dict[str, Any] = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            found[name] = capture(name, Path(folder)) | {"wall_s": round(time.perf_counter() - start, 1)}
            print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
    if options.demo:
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            told = demo(options.demo, options.seed, options.daily, Path(folder))
            found["demo"] = told | {"wall_s": round(time.perf_counter() - start, 1)}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
