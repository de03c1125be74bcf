"""`sm-assets demo`: plant the demo world, run the chain over it through Dagster, print what it found.

Here: the order of these steps and the words around them. Not here: the world and the summary (`demo`), the run
(`defs.run`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sm_assets.demo import World, world_of
from sm_assets.demo.summary import summary
from sm_assets.demo.summary_audiences import audience_summary
from sm_assets.demo.summary_personas import persona_summary
from sm_assets.demo.summary_profiles import profile_summary
from sm_assets.settings import Settings
from sm_assets.storage.model_files import CARD, FOLDER

# Half the texts are not English, and the model that comes along reads English only; a snapshot a week shows how
# clusters go on. Captures of a day each are no deliveries to compare.
_WEEKLY: dict[str, Any] = {"config": {"snapshots": "weekly"}}
CONFIG: dict[str, Any] = {
    "feat_post_embeddings": {"config": {"languages": ["en"]}},
    "out_personas": _WEEKLY,
    "out_estimated_exposures": {"config": {"enabled": True}},
    "out_post_volumes": _WEEKLY,
    "out_ngrams": _WEEKLY,
    "out_profile_clusters": _WEEKLY,
    # Weighed by posts, the few tags that have most of them part busy topics and leave rare ones together.
    "out_hashtag_clusters": {"config": {"snapshots": "weekly", "scopes": ["all"], "weights": "log_posts"}},
    "out_account_traits": _WEEKLY,
    "train_attributes": {"config": {"snapshots": "last_day", "grid": "quick"}},
    "out_account_attributes": _WEEKLY,
}

_WIDTH = 79
_LINES = 10


def run_demo(data_root: Path, seed: int = 7, scale: float = 1.0, events: int | None = None) -> int:
    """Write the demo's exports below `data_root`, materialise all its days, and print a summary.

    Returns:
        0, or 1 where the run failed (its log says why).

    Raises:
        OptionError: the scale or the number of events is out of range.
    """
    world = World(seed, scale) if events is None else world_of(events, seed)
    files = [path for path in world.write(data_root) if path.is_relative_to(data_root / "landing")]
    people = f"{len(world.accounts):,} pages and {len(world.residents.all) - len(world.accounts):,} other people"
    planted = f"{len(world.networks)} networks and {world.residents.n_communities} communities"
    print(f"Planted {planted} among {people} (seed {seed}):")
    for source in sorted({path.relative_to(data_root / "landing").parts[0] for path in files}):
        folder = data_root / "landing" / source
        own = [path for path in files if path.is_relative_to(folder)]
        size = sum(path.stat().st_size for path in own) // 1_000
        print(f"  {folder}  ({len(own)} files, {size:,} kB)")
    print(f"Running the chain over {world.first_day} to {world.last_day} ...", flush=True)

    # Dagster takes seconds to import: only once the world is there.
    from sm_assets.defs.run import materialise_range

    started = time.monotonic()
    # Every event goes to the instance, where the UI shows it; the terminal gets what went wrong.
    config = {
        "loggers": {"console": {"config": {"log_level": "ERROR"}}},
        "ops": _audience_config(world, searching=events is None) | CONFIG,
    }
    settings = Settings.from_env(data_root=str(data_root))
    succeeded = materialise_range(
        settings, world.first_day, world.last_day, run_config=config, on_step=_progress(started)
    )
    if sys.stdout.isatty():
        print()
    if not succeeded:
        print("The run failed; the log above and the Runs page of `make serve` say why.")
        return 1
    print(f"Done in {time.monotonic() - started:.0f} s.\n")
    print(summary(data_root))
    print(f"\n{audience_summary(data_root)}")
    print(f"\n{persona_summary(data_root)}")
    print(f"\n{profile_summary(data_root)}")
    print(
        f"\nParquet:    {data_root}/lake/out_cosharing_{{clusters,members,pairs,evidence}}/day=*/part-0.parquet"
        f"\n            {data_root}/lake/out_audience_{{communities,members,overlap}}/day=*/part-0.parquet"
        f"\n            {data_root}/lake/out_persona{{s,_profiles,_conversations}}/day=*/part-0.parquet"
        f"\n            {data_root}/lake/out_{{profile,hashtag}}_clusters, out_account_attributes/day=*/part-0.parquet"
        f"\nCatalogue:  {data_root}/catalog.duckdb (views over all tables)"
        f"\nTruth:      {data_root}/truth/accounts.csv"
        f"\nMaps:       {data_root}/exports/maps/{{personas,profiles_kmeans}}/day={world.last_day}/map.html,"
        f"\n            {data_root}/exports/hashtags/day={world.last_day}/hashtags.html (open them in a browser)"
        f"\nExports:    {data_root}/exports/personas/day={world.last_day}/ (report.md, a JSONL file per persona)"
        f"\n            {data_root}/exports/profiles/day={world.last_day}/samples.md (biographies by cluster)"
        f"\nModels:     {data_root}/{FOLDER}/*/*/{CARD} (a card for each)"
        "\nUI:         make serve, then open http://127.0.0.1:3000"
    )
    return 0


def _progress(started: float) -> Callable[[str, int, int], None]:
    """Says which step runs: in one line that changes on a terminal, in a line now and then elsewhere."""
    said = -1

    def on_step(name: str, ended: int, steps: int) -> None:
        nonlocal said
        minutes, seconds = divmod(int(time.monotonic() - started), 60)
        line = f"  {minutes}:{seconds:02}  {ended} of {steps} steps done, now {name}"
        if sys.stdout.isatty():
            print(f"\r{line[:_WIDTH]:{_WIDTH}}", end="", flush=True)
        elif ended * _LINES // steps > said:
            said = ended * _LINES // steps
            print(line, flush=True)

    return on_step


def _audience_config(world: World, *, searching: bool) -> dict[str, Any]:
    """A small world has small audiences, and a search needs accounts to start from that are surely there."""
    residents = world.residents
    leading = [person for person in residents.on("twitter") if person.influence and person.community == 0]
    seeds = [residents.account_id("twitter", person) for person in leading[:5]]
    search = {"name": "around five accounts", "platform": "twitter", "seeds": seeds, "max_members": 20}
    return {
        "gather_audiences": {"config": {"min_followers": max(10, min(100, len(residents.all) // 50))}},
        "out_influencer_search": {"config": {"searches": [search] if searching and len(leading) > len(seeds) else []}},
    }
