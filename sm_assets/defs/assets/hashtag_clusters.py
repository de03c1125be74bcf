"""out_hashtag_clusters: which themes the hashtags and suggested searches of a window fall into.

Here: the asset and its parameters. Not here: the steps (`defs.hashtag_snapshots`), vectors (`defs.text_vectors`).
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from sm_assets.analysis.embedder import Embedder
from sm_assets.analysis.hashtag_clusters import tag_labels
from sm_assets.analysis.platform_tags import stop_tags
from sm_assets.contracts import TABLES
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.clustering_record import records_metadata
from sm_assets.defs.hashtag_snapshots import INPUTS, TABLE, HashtagOptions, Snapshot, snapshot, spec_of
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import small_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import input_file, upstreams
from sm_assets.defs.text_vectors import NOTES, TextVectors, configured, drop_stale, keys_of
from sm_assets.defs.windows import Results, Snapshots, chosen_days, snapshots_field, window_days_of, window_refs
from sm_assets.storage import Lake, TableRef, noting_keys

PICTURED = "hashtags:all"
_SHOWN = 50


class HashtagClustersConfig(dg.Config):
    """Which posts count, and how their tags are clustered; the text model is that of the settings."""

    list_name: str = Field(
        default="", description="Only posts that these lists find (feat_post_relevance); empty: all posts."
    )
    countries: list[str] = Field(default=[], description="Only posts made in one of these, like US; empty: all posts.")
    keep_ads: bool = Field(default=False, description="Whether paid posts count.")
    units: list[str] = Field(
        default=["hashtag", "suggestion"],
        description="What is clustered: hashtag; suggestion, a search that the platform suggests with a post.",
    )
    scopes: list[str] = Field(
        default=["all", "delivery"],
        description="all: the posts of all platforms together; delivery: each collection (donor, query) by itself; "
        "account: each account with at least min_tags tags, without a map; only where it is asked for.",
    )
    min_tags: int = Field(
        default=30, ge=1, le=1_000_000, description="Distinct tags that an account needs for clusters of its own."
    )
    min_posts: int = Field(default=1, ge=1, le=1_000_000, description="Posts that a tag needs in its scope.")
    n_clusters: int = Field(default=10, ge=1, le=1000, description="Clusters where auto_clusters is off.")
    auto_clusters: bool = Field(
        default=False, description="Choose the number of clusters by silhouette among those that are stable."
    )
    method: Literal["kmeans", "reduced_kmeans", "hdbscan"] = Field(
        default="kmeans",
        description="kmeans: k-means of the vectors. reduced_kmeans: after a reduction to 5 dimensions, from 200 tags "
        "on. hdbscan: dense groups, the rest is in none.",
    )
    weights: Literal["posts", "log_posts", "equal"] = Field(
        default="posts",
        description="How heavy a tag is for k-means. posts: as many as it has, as if each were a row. log_posts: 1 and "
        "their logarithm, so that much used tags do not split rare subjects off. equal: all alike.",
    )
    size_min: int = Field(
        default=5,
        ge=1,
        le=1_000_000,
        description="Least tags of a cluster: for hdbscan, and preferred by auto_clusters.",
    )
    stop_tags: list[str] = Field(default=[], description="Further tags that do not count.")
    platform_tags: bool = Field(
        default=True, description="Leave out tags that say nothing of the subject, like fyp or viral."
    )
    map_method: Literal["tsne", "pacmap"] = Field(default="tsne", description="How maps are made; pacmap: faster.")
    delivery_pages: int = Field(
        default=10,
        ge=0,
        le=1000,
        description="Deliveries that get a page of their own, those with most tagged posts first; a page has 5 MB.",
    )
    seed: int = Field(default=42, ge=0, le=2**32 - 1, description="Seed of all that is drawn.")
    snapshots: Snapshots = snapshots_field()


def asset(lake: Lake, embedder: Embedder | None = None) -> dg.AssetsDefinition:
    """The asset over one lake.

    Args:
        lake: where its tables lie.
        embedder: takes the place of the configured model.
    """
    upstream = sorted({name for each in INPUTS for name in upstreams(input_file(each))})

    @dg.asset(pool="gpu", ins=ins(lake, TABLE, upstream), **one(lake, TABLE))
    def out_hashtag_clusters(
        context: dg.AssetExecutionContext, config: HashtagClustersConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        options = _options(config)
        asked = partition_days(list(context.partition_keys))
        days = chosen_days(window_days_of(lake, "core_posts", asked), config.snapshots, lake.days(TABLE))
        if not days:
            # Without a day no model is loaded.
            yield dg.Output(Rows(TABLES[TABLE].plain_schema.empty_table(), []))
            return
        footers: dict[date, dict[str, str]] = {}
        made = None
        with lake.workspace("hashtags") as folder, lake.connect() as con, noting_keys(lake, NOTES[TABLE]) as note:
            results, tags = Results(folder), pa.array([], pa.string())
            vectors = TextVectors(lake, lambda: embedder or configured(lake.settings), note, context.log.info)
            for day in days:
                context.log.info("Hashtags of %s", day)
                window = window_refs(refs.values(), day, lake.settings.window_days)
                made = snapshot(con, lake, window, day, options, vectors, context.log.info)
                results.add(TABLE, made.rows)
                footers[day] = records_metadata(made.records)
                tags = pc.unique(pa.concat_arrays([tags, *made.rows["tag"].chunks]))
                _stage(made, day, folder, config)
            dropped = drop_stale(lake, TABLE, days, keys_of(tags))
            assert made is not None, "there is a day"
            told = _told(made, days[-1], _drawn(made))
            told["vectors"] = dg.MetadataValue.json(vectors.told() | {"dropped_from_cache": dropped})
            # Only now: a day that fails leaves the pages of all days as their table has them.
            told |= _pages(lake, days, folder)
            rows = results.relation(con, TABLE)
            yield dg.Output(Rows(rows, days, metadata=told, file_metadata=lambda day: footers.get(day, {})))

    made: dg.AssetsDefinition = out_hashtag_clusters
    return made


def _options(config: Any) -> HashtagOptions:
    return HashtagOptions(
        list_name=config.list_name,
        countries=tuple(config.countries),
        keep_ads=config.keep_ads,
        units=tuple(config.units),
        scopes=tuple(config.scopes),
        min_tags=config.min_tags,
        min_posts=config.min_posts,
        stop=stop_tags(platforms=config.platform_tags, more=config.stop_tags),
        spec=spec_of(config.method, None if config.auto_clusters else config.n_clusters, config.size_min, config.seed),
        weights=config.weights,
        map_method=config.map_method,
    )


def _stage(made: Snapshot, day: date, folder: Path, config: Any) -> None:
    """Write the pages of a day aside."""
    from sm_assets.defs.hashtag_pages import write_pages  # loads the libraries of pages

    staged = folder / str(day)
    staged.mkdir()
    write_pages(made.scopes, made.without, day, staged, config.delivery_pages, config.seed)


def _drawn(made: Snapshot) -> str:
    """The picture of all hashtags."""
    from sm_assets.plots import cluster_map  # draws with matplotlib

    shown = next((scope for scope in made.scopes if scope.analysis == PICTURED), None)
    points = shown.rows if shown else made.rows.slice(0, 0)
    # Dagster keeps metadata for good: no tag that one account alone uses.
    return cluster_map.draw(points, tag_labels(points, min_accounts=2), noun="hashtag")


def _pages(lake: Lake, days: list[date], folder: Path) -> dict[str, Any]:
    from sm_assets.defs.hashtag_pages import publish_pages  # loads the libraries of pages

    paths = [publish_pages(lake, day, folder / str(day)) for day in days]
    return {"pages": dg.MetadataValue.path(lake.uri(paths[-1]))}


def _told(made: Snapshot, day: date, picture: str) -> dict[str, Any]:
    """What the page shows of one as-of day; Dagster keeps it for good: deliveries, which may be donors, are counted."""
    sizes = [
        {
            "clustering": scope.analysis,
            "tags": len(scope.rows),
            "clusters": int(scope.clusters.record.get("k_used", 0)),
            "tags_in_none": scope.rows["cluster_id"].null_count,
            "inertia": round(scope.clusters.k_table[0]["inertia"], 3) if len(scope.clusters.k_table) == 1 else "",
        }
        for scope in made.scopes
        if scope.kind == "all"
    ]
    deliveries = sum(scope.kind == "delivery" for scope in made.scopes)
    told: dict[str, Any] = {
        "as_of": str(day),
        "map": dg.MetadataValue.md(picture),
        "clusterings": small_table(sizes),
        "clusterings_of_deliveries": deliveries,
        "clusterings_of_accounts": len(made.records) - len(made.scopes),
        "scopes_without_tags": len(made.without),
    }
    if made.records:
        told["parameters"] = dg.MetadataValue.json(made.records[0].parameters)
    if made.notices:
        told["notices"] = "\n".join(made.notices[:_SHOWN])
    return told
