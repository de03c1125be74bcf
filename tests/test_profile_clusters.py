"""Profile clusters through the assets: from published accounts and posts to rows, words, maps and samples.

Here: a small lake of three kinds of biographies, hostile ones among them. Not here: how well clusters are found, terms
and their weights (`analysis/test_profile_clusters`, `analysis/test_profile_features`).
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from cluster_lake import DAY, publish
from conftest import digests
from follow_lake import read

from sm_assets.defs.clustering_record import clustering_records
from sm_assets.defs.jobs import WHOLE_CHAIN
from sm_assets.defs.wiring import build_defs
from sm_assets.settings import Settings
from sm_assets.storage import Lake

OWN = "out_profile_clusters"
SHARED = (
    "out_cluster_k", "out_cluster_terms", "out_cluster_topics", "out_cluster_medoids", "out_cluster_links",
    "out_cluster_ids", "out_map_points",
)  # fmt: skip
EARLIER = DAY - timedelta(1)
THEMES = (
    "rocket orbit lander telescope galaxy launch".split(),
    "recipe oven garlic butter bread sauce".split(),
    "goal striker league penalty keeper derby".split(),
)
N = 60
HOSTILE = {
    "script": "rocket orbit </script><script>alert('bio')</script> \" onmouseover=\"alert(1) lander",
    "nul": "oven\x00 garlic butter \x07 bread",
    "bidi": "\u202egoal striker\u2066 league",
    "huge": "rocket orbit lander " * 50_000,
    "markdown": "garlic | butter `oven` **bread** [x](javascript:alert(1)) # recipe",
    "formula": '=HYPERLINK("http://x.example") goal keeper',
}
BLANK = (None, "", " \t\n ")
WORDLESS = ("the of and", "https://only.example/x", "@somebody", "\u0645\u0631\u062d\u0628\u0627", "12 34")
SECRET = "Quodlibet Aardvark"


def bios() -> dict[str, str | None]:
    """By account id: sixty of three themes, hostile ones, some without anything to compare."""
    random = np.random.default_rng(5)
    told: dict[str, str | None] = {}
    for number in range(N):
        words = random.choice(THEMES[number % 3], 4, replace=False)
        told[f"a{number:03d}"] = f"I love {' '.join(words)}"
    told["a000"] = f"{SECRET} {told['a000']}"
    for place, text in enumerate(HOSTILE.values()):
        told[f"h{place}"] = text
    for place, blank in enumerate([*BLANK, *WORDLESS]):
        told[f"z{place}"] = blank
    return told


def publish_world(lake: Lake, told: Mapping[str, str | None], *, days: Iterable[date] = (EARLIER, DAY)) -> None:
    """Accounts with their biographies, and a post each; half of the posts are about a festival."""
    days = list(days)
    posts = [
        {
            "platform": "bluesky", "post_id": f"p {account} {day}", "account_id": account, "post_kind": "post",
            "posted_at": datetime.combine(day, time(9)), "day": day,
            "text": f"See you at the Film Festival {number}" if number % 2 else None,
        }
        for day in days
        for number, account in enumerate(told)
    ]  # fmt: skip
    tags = [
        {
            "platform": "bluesky", "post_id": f"p {account} {days[0]}", "account_id": account, "hashtag": "Cannes24",
            "posted_at": datetime.combine(days[0], time(9)), "hashtag_normalised": "cannes24", "day": days[0],
        }
        for account in list(told)[:2]
    ]  # fmt: skip
    accounts = [
        {
            "platform": "bluesky", "account_id": account, "description": bio, "display_name": f"Name of {account}",
            "roles": ["author"], "first_seen_day": day, "day": day,
        }
        for day in days
        for account, bio in told.items()
    ]  # fmt: skip
    publish(lake, "core_posts", posts, days)
    publish(lake, "core_post_hashtags", tags, days)
    publish(lake, "core_accounts", accounts, days)


def materialise(
    lake: Lake, tables: Iterable[str] = (OWN,), *, days: tuple[date, date] = (DAY, DAY), **config: Any
) -> dict[str, dict[str, Any]]:
    """Run the assets; metadata by table."""
    job = build_defs(settings=lake.settings).resolve_job_def(WHOLE_CHAIN)
    result = job.execute_in_process(
        run_config={"ops": {OWN: {"config": {"auto_clusters": False, "n_clusters": 3, **config}}}}
        | {"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        tags={
            f"dagster/asset_partition_range_{end}": str(day) for end, day in zip(("start", "end"), days, strict=True)
        },
        asset_selection=[dg.AssetKey(table) for table in tables],
        instance=dg.DagsterInstance.ephemeral(),
    )
    return {
        event.asset_key.path[-1]: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def of_model(lake: Lake, model: str, day: date = DAY) -> dict[str, dict[str, Any]]:
    return {row["account_id"]: row for row in read(lake, OWN, day).to_pylist() if row["model"] == model}


def samples(lake: Lake, day: date = DAY) -> str:
    with lake.fs.open(lake.path("exports", "profiles", f"day={day}", "samples.md"), "r", encoding="utf-8") as source:
        return str(source.read())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[str, dict[str, Any]]]:
    lake = Lake(
        Settings(
            data_root=str(tmp_path_factory.mktemp("profiles")), profile="tiny", threads=1, start_day=DAY - timedelta(9)
        )
    )
    publish_world(lake, bios())
    return lake, materialise(lake, (OWN, *SHARED), days=(EARLIER, DAY))


def test_all(made) -> None:
    lake, told = made
    print(told[OWN].keys())
    for m in ("kmeans", "hdbscan"):
        print(Counter((r["status"], r["cluster_id"]) for r in of_model(lake, m).values()))
    for t in SHARED:
        f = read(lake, t, DAY).to_pylist()
        print(t, len(f), f[:3])
    print(samples(lake)[:3000])
