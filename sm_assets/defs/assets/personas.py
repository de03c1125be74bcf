"""out_personas: into which kinds the accounts of a window fall, by what they write.

Here: the asset and its parameters. Not here: the steps (`sm_assets.analysis`), what each persona says and does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import dagster as dg
import duckdb
import pyarrow as pa
from pydantic import Field

from sm_assets.analysis.parameters import params_hash
from sm_assets.defs.account_vectors import TABLE as SUMS
from sm_assets.defs.account_vectors import VectorRules, rules_of, window_vectors
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.clustering_record import PERSONAS, ClusteringRecord
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import input_file, open_select, upstreams
from sm_assets.defs.text_rules import register
from sm_assets.defs.windows import (
    Results,
    Snapshots,
    chosen_days,
    snapshots_field,
    window_days_of,
    window_refs,
    with_constants,
)
from sm_assets.storage import Lake, TableRef

NAME = PERSONAS
ANALYSIS = "personas"


class PersonasConfig(dg.Config):
    """Who is compared, and how personas are found."""

    platforms: list[str] = Field(default=[], description="Platforms whose accounts are clustered together; empty: all.")
    min_texts: int = Field(default=2, ge=1, le=100_000, description="Texts in the window that an account needs.")
    method: Literal["reduced_kmeans", "kmeans", "hdbscan", "constrained"] = Field(
        default="reduced_kmeans",
        description="reduced_kmeans: k-means after a reduction to 5 dimensions. kmeans: without it. hdbscan: dense "
        "groups, the rest is noise. constrained: k-means that keeps to size_min and size_max.",
    )
    reduce: Literal["by_method", "umap", "pacmap", "svd", "none"] = Field(
        default="by_method",
        description="Reduction to 5 dimensions before the clusters; below 200 accounts there is none. by_method: umap "
        "for reduced_kmeans and hdbscan, none for the others.",
    )
    auto_clusters: bool = Field(
        default=True, description="Choose the number of personas by silhouette among those that are stable."
    )
    n_clusters: int = Field(
        default=10, ge=1, le=1000, description="Number of personas where auto_clusters is off; not for hdbscan."
    )
    size_min: int = Field(
        default=10,
        ge=1,
        le=1_000_000,
        description="Least accounts: kept exactly by constrained, preferred where the number is chosen; hdbscan finds "
        "no smaller persona. There are none at all below twice as many accounts.",
    )
    size_max: int | None = Field(default=None, ge=1, description="Most accounts of a persona; for constrained only.")
    seed: int = Field(default=42, ge=0, le=2**32 - 1, description="Seed of all that is drawn.")
    snapshots: Snapshots = snapshots_field()


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    upstream = sorted({*upstreams(input_file("out_personas_accounts")), SUMS})

    @dg.asset(ins=ins(lake, NAME, upstream), **one(lake, NAME))
    def out_personas(
        context: dg.AssetExecutionContext, config: PersonasConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        asked = partition_days(list(context.partition_keys))
        days = chosen_days(window_days_of(lake, SUMS, asked), config.snapshots, lake.days(NAME))
        records: dict[date, ClusteringRecord] = {}
        with lake.workspace("personas") as folder, lake.connect() as con:
            results, made = Results(folder), None
            for day in days:
                context.log.info("Personas of %s", day)
                made = _snapshot(con, lake, list(refs.values()), day, config, context.log.info)
                results.add(NAME, made.rows)
                records[day] = made.record
            yield dg.Output(
                Rows(
                    results.relation(con, NAME),
                    days,
                    metadata={} if made is None else _told(made, days[-1]),
                    file_metadata=lambda day: records[day].metadata() if day in records else {},
                )
            )

    made: dg.AssetsDefinition = out_personas
    return made


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Of one as-of day: its rows, the record behind them, and what is to be known of them."""

    rows: pa.Table
    record: ClusteringRecord
    notices: Sequence[str]


def _snapshot(
    con: duckdb.DuckDBPyConnection, lake: Lake, refs: list[TableRef], day: date, config: Any, log: Any
) -> _Snapshot:
    from sm_assets.analysis.personas import comparable, geometry, nearness, personas_table
    from sm_assets.analysis.vector_clusters import cluster

    window = window_refs(refs, day, lake.settings.window_days)
    days = next(ref.days for ref in window if ref.table == SUMS)
    made_by = rules_of(lake, days)
    record = _record(made_by, config)
    register(con, record.rules)
    accounts = open_select(con, lake, input_file("out_personas_accounts"), window, []).to_arrow_table()
    sums = window_vectors(lake, con, days)
    found = comparable(accounts, sums.platform, sums.account_id, sums.n_texts, sums.total, config.min_texts)
    labels = near = None
    notices = []
    needed = 2 * config.size_min
    if config.method == "constrained" and not config.auto_clusters:
        needed = max(needed, config.n_clusters * config.size_min)
    if len(found.rows) < needed:
        notices.append(f"{len(found.rows)} accounts can be compared; personas need {needed}.")
    else:
        clusters = cluster(found.vectors, found.keys, _spec(config), log=log, threads=lake.settings.threads)
        notices += clusters.notices
        labels, near = clusters.labels, nearness(found.vectors, clusters.labels)
        told_of = clusters.record | {"personas": geometry(near, labels)}
        record = replace(record, k_table=clusters.k_table, record=told_of)
    table = personas_table(
        found, labels, near, {"embedder_id": record.embedder_id or None, "params_hash": record.params_hash}
    )
    return _Snapshot(with_constants(table, day=day), record, notices)


def _told(made: _Snapshot, day: date) -> dict[str, Any]:
    """What the page shows of the latest as-of day."""
    from sm_assets.analysis.personas import counts_by_status, sizes
    from sm_assets.plots import cluster_sizes  # draws with matplotlib

    members, others = sizes(made.rows)
    record = made.record
    told: dict[str, Any] = {
        "as_of": str(day),
        "sizes": dg.MetadataValue.md(cluster_sizes.draw(members, {}, others)),
        "accounts": counts_table(counts_by_status(made.rows), "status", "accounts"),
        "parameters": dg.MetadataValue.json(record.parameters | {"rules": record.rules.told()}),
        "clustering": dg.MetadataValue.json(record.record),
    }
    return told | ({"notices": "\n".join(made.notices)} if made.notices else {})


def _record(made_by: VectorRules, config: Any) -> ClusteringRecord:
    parameters = {name: value for name, value in config.model_dump().items() if name not in ("snapshots", "platforms")}
    rules = replace(made_by.rules, platforms=tuple(config.platforms))
    told = parameters | {"rules": rules.told(), "embedder_id": made_by.embedder_id, "sums": made_by.params_hash}
    return ClusteringRecord(ANALYSIS, params_hash(told), made_by.embedder_id, rules, parameters)


def _spec(config: Any) -> Any:
    from sm_assets.analysis.cluster_spec import AUTO, ClusterSpec

    return ClusterSpec(
        preset=config.method,
        k=AUTO if config.auto_clusters else config.n_clusters,
        reduce=None if config.reduce == "by_method" else config.reduce,
        size_min=config.size_min,
        size_max=config.size_max,
        seed=config.seed,
    )
