"""A lake with posts, their hashtags and suggestions, and runs of the tables of hashtag clusters over it.

Here: posts written by hand, planted themes, a stub of a text model. Not here: any fact about what is made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from cluster_lake import publish
from forgetful import forgetful
from stub_embedder import StubEmbedder

from sm_assets.defs.assets import cluster_identity, cluster_k, cluster_summaries, hashtag_clusters, post_relevance
from sm_assets.defs.assets.declare import IO_MANAGER
from sm_assets.defs.io import LakeIOManager
from sm_assets.defs.partitions import daily
from sm_assets.kernels.tags import normal_form
from sm_assets.settings import Settings
from sm_assets.storage import Lake

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 3)
CORE = ("core_posts", "core_post_hashtags", "core_post_media_text", "core_post_deliveries", "core_accounts")
SHARED = (
    "out_cluster_k",
    "out_cluster_terms",
    "out_cluster_topics",
    "out_cluster_medoids",
    "out_cluster_links",
    "out_cluster_ids",
)
MINE, LISTED = "out_hashtag_clusters", "feat_post_relevance"


class TagEmbedder(StubEmbedder):
    """A tag's words stand between underscores, as `moon_orbit`."""

    def tokenise(self, texts: Sequence[str]) -> Any:
        return super().tokenise([text.replace("_", " ") for text in texts])


def post(
    number: int,
    tags: Iterable[str] = (),
    *,
    account: str = "ann",
    day: date = LAST,
    platform: str = "tiktok",
    suggestions: Iterable[str] = (),
    deliveries: Iterable[str] = (),
    **cells: Any,
) -> dict[str, Any]:
    return {
        "platform": platform, "post_id": f"p{number:04d}", "account_id": account, "day": day,
        "posted_at": datetime(day.year, day.month, day.day, 9) + timedelta(seconds=number),
        "tags": list(tags), "suggestions": list(suggestions), "deliveries": list(deliveries), **cells,
    }  # fmt: skip


def publish_core(lake: Lake, posts: Iterable[dict[str, Any]], days: Iterable[date] = (FIRST, LAST)) -> None:
    """Tables of core that hold these posts and nothing else."""
    listed = list(posts)
    shared = ("platform", "post_id", "account_id", "posted_at", "day")
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in CORE}
    for each in listed:
        key = {name: each[name] for name in shared}
        cells = {name: value for name, value in each.items() if name not in ("tags", "suggestions", "deliveries")}
        rows["core_posts"].append({"post_kind": "post", "text": "x"} | cells)
        rows["core_post_hashtags"] += [
            key | {"ordinal": place, "hashtag": tag, "hashtag_normalised": normal_form(tag)}
            for place, tag in enumerate(each["tags"])
        ]
        rows["core_post_media_text"] += [
            key | {"ordinal": place, "media_text_kind": "platform_suggestion", "text": text}
            for place, text in enumerate(each["suggestions"])
        ]
        rows["core_post_deliveries"] += [
            {name: key[name] for name in ("platform", "post_id", "day")} | {"delivery": name}
            for name in each["deliveries"]
        ]
    seen = {(each["platform"], each["account_id"], each["day"]) for each in listed}
    rows["core_accounts"] = [
        {"platform": platform, "account_id": account, "day": day, "roles": ["author"], "first_seen_day": day}
        for platform, account, day in sorted(seen)
    ]
    for name in CORE:
        publish(lake, name, rows[name], days)


def run(
    lake: Lake, *tables: str, embedder: StubEmbedder | None = None, first: date = LAST, **config: Any
) -> dict[str, Any]:
    """Materialise tables for `first` to the last day, without checks; config of the clusters. Metadata of the first."""
    asked = list(tables) or [MINE]
    made = {MINE: hashtag_clusters.asset(lake, embedder or TagEmbedder()), LISTED: post_relevance.asset(lake)}
    if len(asked) > 1:
        made |= {
            "k": cluster_k.asset(lake),
            "links": cluster_identity.asset(lake),
            "says": cluster_summaries.asset(lake),
        }
    assets = [asset for name, asset in made.items() if name in asked or len(asked) > 1]
    inside = {key for asset in assets for key in asset.keys}
    outside = {key for asset in assets for key in asset.dependency_keys} - inside
    specs = [dg.AssetSpec(key, partitions_def=daily(lake.settings)).with_io_manager_key(IO_MANAGER) for key in outside]
    ops = {MINE: {"config": config}} if config else {}
    definitions = dg.Definitions(
        assets=[*assets, *specs],
        jobs=[dg.define_asset_job("job", dg.AssetSelection.assets(*inside), executor_def=dg.in_process_executor)],
        resources={IO_MANAGER: LakeIOManager(lake)},
    )
    with forgetful() as instance:
        result = definitions.resolve_job_def("job").execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}, "ops": ops},
            tags={"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(LAST)},
            instance=instance,
        )
    made_by_key = {
        event.asset_key: event.materialization.metadata for event in result.get_asset_materialization_events()
    }
    return {name: value.value for name, value in made_by_key[dg.AssetKey(asked[0])].items()}


def rows(lake: Lake, where: str = "true", columns: str = "*", table: str = MINE) -> list[dict[str, Any]]:
    with lake.connect() as con:
        lake.register(con, lake.ref(table))
        return con.sql(f"select {columns} from {table} where {where} order by all").to_arrow_table().to_pylist()


def empty_lake(folder: Path) -> Lake:
    """A lake over an empty data root, with a window of three days."""
    return Lake(Settings(data_root=str(folder / "data"), threads=1, start_day=FIRST, window_days=3))


SPACE = [f"moon_{word}" for word in ("orbit", "lander", "probe", "rover", "crew", "rock", "dust", "base")]
FOOD = [f"soup_{word}" for word in ("onion", "garlic", "bread", "bowl", "spoon", "pot", "chef", "stock")]


def themed() -> list[dict[str, Any]]:
    """Two themes, each in a delivery of its own; a third delivery has no tag."""
    found = []
    for number in range(32):
        own, name = ((SPACE, "space"), (FOOD, "food"))[number % 2]
        tags = [own[number // 2 % 8], own[(number // 2 + 3) % 8], "FYP"]
        found.append(
            post(
                number, tags, account=f"a{number % 5}", day=(FIRST, LAST)[number // 2 % 2],
                deliveries=[f"{name} donor"], suggestions=[f"{own[0][:4]} videos {number % 3}"],
            )
        )  # fmt: skip
    found.append(post(99, deliveries=["silent"], account="mute"))
    return found
