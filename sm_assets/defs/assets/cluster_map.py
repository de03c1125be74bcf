"""out_map_points: maps of the clusters of every analysis, per as-of day, each with a page to move about in.

Here: the asset and its parameters. Not here: the steps (`defs.cluster_maps`), the methods (`sm_assets.analysis`).
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.cluster_analyses import ANALYSES, snapshot_days
from sm_assets.defs.cluster_maps import TERMS, ClusterMap, MapOptions, labels, page_path, publish_pages, write_page
from sm_assets.defs.clustering_record import clustering_records
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.windows import Results, snapshot_refs
from sm_assets.storage import Lake, TableRef

NAME = "out_map_points"
_SHOWN = 20


class ClusterMapConfig(dg.Config):
    """How maps are made."""

    method: Literal["tsne", "pacmap"] = Field(
        default="tsne",
        description="tsne: clear groups; seconds for 1,000 accounts, about a minute for 30,000. pacmap: faster.",
    )
    max_points: int = Field(
        default=5000, ge=2, le=50_000, description="Points shown in the picture and on the page; the table has all."
    )
    seed: int = Field(default=42, ge=0, le=2**32 - 1, description="Seed of the method and of samples.")


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    upstream = sorted({*(name for each in ANALYSES for name in each.map_reads), TERMS})

    @dg.asset(ins=ins(lake, NAME, upstream), **one(lake, NAME))
    def out_map_points(
        context: dg.AssetExecutionContext, config: ClusterMapConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        options = MapOptions(config.method, config.max_points, config.seed)
        days = snapshot_days(lake, partition_days(list(context.partition_keys)))
        last: dict[str, tuple[ClusterMap, dict[int, str]]] = {}
        unnamed: list[str] = []
        with lake.workspace("maps") as folder, lake.connect() as con:
            results = Results(folder)
            for day in days:
                last.clear()
                window = snapshot_refs(refs.values(), day, lake.settings.window_days)
                for each in ANALYSES:
                    records = list(clustering_records(lake, each.table, day).values())
                    if each.place is None or not records:
                        continue
                    context.log.info("Map of %s on %s", each.name, day)
                    words = labels(con, lake, each.table, day)
                    unnamed += [] if words is not None else [f"{each.table} on {day}"]
                    for name, found in each.place(con, lake, records, window, day, options).items():
                        results.add(NAME, found.points)
                        last[name] = found, (words or {}).get(name, {})
                        write_page(name, *last[name], day, folder)
            # Only now: a day that fails leaves the pages of all days as their table has them.
            publish_pages(lake, days, folder)
            told = {"as_of": str(days[-1]) if days else "no snapshot"} | _told(lake, last, days) | _notices(unnamed)
            yield dg.Output(Rows(results.relation(con, NAME), days, metadata=told))

    made: dg.AssetsDefinition = out_map_points
    return made


def _told(lake: Lake, maps: dict[str, tuple[ClusterMap, dict[int, str]]], days: list[date]) -> dict[str, Any]:
    """Picture, page and counts of each analysis on the last as-of day."""
    from sm_assets.plots import cluster_map  # draws with matplotlib

    told: dict[str, Any] = {}
    for name, (found, words) in maps.items():
        told[f"map_{name}"] = dg.MetadataValue.md(cluster_map.draw(found.drawn, words))
        told[f"page_{name}"] = dg.MetadataValue.path(lake.uri(page_path(lake, name, days[-1])))
        told[f"layout_{name}"] = dg.MetadataValue.json(found.record)
    return told


def _notices(unnamed: list[str]) -> dict[str, str]:
    """What to do about maps whose clusters have no words."""
    if not unnamed:
        return {}
    shown = ", ".join(unnamed[:_SHOWN]) + (f" and {len(unnamed) - _SHOWN} more" if len(unnamed) > _SHOWN else "")
    return {
        "notices": f"Clusters without words: {TERMS} is not of the clusters of {shown}; materialise it for these days, "
        "then the maps again."
    }
