"""out_cluster_terms, _topics, _medoids: what the clusters of every analysis say, per as-of day.

Here: the asset and its parameters. Not here: the steps (`defs.cluster_summaries`), the methods (`sm_assets.analysis`).
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Literal

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from sm_assets.defs.assets.declare import common, ins, out
from sm_assets.defs.cluster_analyses import ANALYSES, is_pictured, snapshot_days
from sm_assets.defs.clustering_record import clustering_records, members_digest
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.windows import Results, snapshot_refs
from sm_assets.storage import Lake, TableRef

if TYPE_CHECKING:
    from sm_assets.defs.cluster_summaries import Summaries

TABLES = ("out_cluster_terms", "out_cluster_topics", "out_cluster_medoids")
TERMS, TOPICS, _ = TABLES


class ClusterSummariesConfig(dg.Config):
    """How clusters are told about."""

    tokenizer: Literal["social/1", "tweet/1"] = Field(
        default="social/1", description="How texts are taken apart. social/1: made for posts; tweet/1: NLTK's."
    )
    stop_word_languages: list[str] = Field(
        default=[],
        description="Languages (ISO 639-1) whose stop words do not count; empty: each that 1 % of the texts are in.",
    )
    n_terms: int = Field(default=15, ge=1, le=1000, description="Terms of a cluster at most.")
    min_accounts: int = Field(
        default=2, ge=1, le=1_000_000, description="Accounts that must use a term, unless no term has so many."
    )
    n_topic_words: int = Field(default=10, ge=1, le=1000, description="Words of a topic at most.")
    n_medoids: int = Field(default=3, ge=1, le=1000, description="Typical texts of a cluster.")
    seed: int = Field(default=42, ge=0, le=2**32 - 1, description="Seed of the topics.")


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The three tables as one asset over one lake."""

    @dg.multi_asset(
        name="summarise_clusters",
        outs={name: out(lake, name) for name in TABLES},
        ins=ins(lake, TERMS, sorted({name for each in ANALYSES for name in each.summary_reads})),
        **common(lake),
    )
    def cluster_summaries(
        context: dg.AssetExecutionContext, config: ClusterSummariesConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        from sm_assets.defs.cluster_summaries import (
            Summaries,
            SummaryOptions,
            file_metadata,
        )  # loads kernels

        values = config.model_dump()
        options = SummaryOptions(**values | {"stop_word_languages": tuple(sorted(set(config.stop_word_languages)))})
        days = snapshot_days(lake, partition_days(list(context.partition_keys)))
        told: dict[date, dict[str, Summaries]] = {day: {} for day in days}
        members: dict[date, dict[str, str]] = {}
        counts: Counter[str] = Counter()
        last: dict[str, Summaries] = {}
        with lake.workspace("summaries") as folder, lake.connect() as con:
            results = Results(folder)
            for day in days:
                counts.clear()
                window = snapshot_refs(refs.values(), day, lake.settings.window_days)
                members[day] = {each.table: members_digest(lake, each.table, day) for each in ANALYSES}
                for each in ANALYSES:
                    for analysis, record in clustering_records(lake, each.table, day).items():
                        found = each.summarise(con, lake, record, window, day, options, folder)
                        for name, rows in found.tables.items():
                            results.add(name, rows)
                        told[day][analysis] = last[analysis] = found
                        counts.update(_counted(analysis, found))
            shared = {"as_of": str(days[-1]) if days else "no snapshot", "counts": counts_table(counts, "what", "n")}
            pictured = {name: each for name, each in last.items() if is_pictured(name)}
            shared |= {f"made_by_{name}": dg.MetadataValue.json(each.record) for name, each in pictured.items()}
            figures = {TERMS: _figures({name: each.tables[TERMS] for name, each in pictured.items()})}
            for name in TABLES:
                rows = results.relation(con, name)
                metadata = figures.get(name, {}) | shared
                yield dg.Output(
                    Rows(
                        rows, days, metadata=metadata, file_metadata=lambda day: file_metadata(told[day], members[day])
                    ),
                    name,
                )

    made: dg.AssetsDefinition = cluster_summaries
    return made


def _counted(clustering: str, found: "Summaries") -> Counter[str]:
    """What went in; clusterings that have no pictures are counted together: some are named for accounts."""
    name = clustering if is_pictured(clustering) else f"{clustering.split(':', maxsplit=1)[0]}: other clusterings"
    counts = Counter({f"{name}: {what}": n for what, n in found.counts.items()})
    counts.update(f"{name}: topics {word}" for word in found.topics_status.values())
    return counts


def _figures(terms: dict[str, pa.Table]) -> dict[str, dg.MarkdownMetadataValue]:
    """Pictures of the last as-of day by analysis, without terms that one account alone uses.

    Dagster keeps metadata for good, and no purge reaches it.
    """
    from sm_assets.plots import cluster_terms  # draws with matplotlib

    shared = {name: rows.filter(pc.greater(rows["n_accounts"], 1)) for name, rows in terms.items()}
    return {f"terms_{name}": dg.MetadataValue.md(cluster_terms.draw(rows)) for name, rows in shared.items()}
