"""What the clusters of one snapshot say: terms, topics, typical texts.

Here: from the posts of members to the three tables. Not here: the asset (`assets.cluster_summaries`), the methods
(`sm_assets.analysis`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from sm_assets.analysis.cluster_words import ClusterWords, cluster_words, first_of_content
from sm_assets.analysis.medoids import medoids
from sm_assets.analysis.parameters import params_hash
from sm_assets.contracts import TABLES
from sm_assets.defs.cluster_analyses import Analysis
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.defs.sql import open_select
from sm_assets.defs.text_rules import register
from sm_assets.defs.windows import with_constants
from sm_assets.storage import Lake, TableRef, parquet_sql

TERMS: Final = "out_cluster_terms"
TOPICS: Final = "out_cluster_topics"
MEDOIDS: Final = "out_cluster_medoids"
STATUS: Final = "sm.topics_status"
_SHOWN: Final = ("platform", "post_id", "account_id", "text")


@dataclass(frozen=True, slots=True)
class SummaryOptions:
    """How clusters are told about.

    Attributes:
        tokenizer: takes texts apart.
        stop_word_languages: none: every language that at least 1 % of the texts are in.
        n_terms, min_accounts: see `cluster_terms`.
        n_topic_words, seed: see `cluster_topics`.
        n_medoids: typical texts of a cluster.
    """

    tokenizer: str
    stop_word_languages: tuple[str, ...]
    n_terms: int
    min_accounts: int
    n_topic_words: int
    n_medoids: int
    seed: int


@dataclass(frozen=True, slots=True)
class Summaries:
    """Of one analysis and snapshot.

    Attributes:
        tables: rows by table.
        topics_status: for each cluster that has a text.
        counts: what went in.
    """

    tables: dict[str, pa.Table]
    topics_status: dict[int, str]
    counts: dict[str, int] = field(default_factory=dict)


def summarise(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    analysis: Analysis,
    record: ClusteringRecord,
    window: list[TableRef],
    day: date,
    options: SummaryOptions,
    folder: Path,
) -> Summaries:
    """The three tables of one analysis.

    Args:
        con: an open connection.
        lake: the data root.
        analysis: which one.
        record: what stands behind its clusters.
        window: references cut to the snapshot.
        day: the as-of day.
        options: parameters.
        folder: an empty folder in a workspace: the texts lie there, so that vectors are in memory cluster by cluster.
    """
    register(con, record.rules)
    path = folder / f"{analysis.name.replace(':', '-')}-{day}.parquet"
    open_select(con, lake, analysis.texts, window, []).order("cluster_id").write_parquet(str(path))
    texts = con.sql(parquet_sql([str(path)], day_from_folder=False))
    told = cluster_words(
        texts.project("* exclude (embedding)").to_arrow_table(),
        languages=options.stop_word_languages,
        tokenizer=options.tokenizer,
        n_terms=options.n_terms,
        min_accounts=options.min_accounts,
        n_topic_words=options.n_topic_words,
        seed=options.seed,
        threads=lake.settings.threads,
    )
    own = {TERMS: told.terms, TOPICS: told.topics, MEDOIDS: _medoids(texts, sorted(told.topics_status), options)}
    path.unlink()
    common = {"analysis": analysis.name, "params_hash": _hash(record, options, told), "day": day}
    tables = {name: with_constants(rows, **common) for name, rows in own.items()}
    return Summaries(tables, told.topics_status, told.counts)


def _medoids(texts: duckdb.DuckDBPyRelation, clusters: list[int], options: SummaryOptions) -> pa.Table:
    """Rows of out_cluster_medoids without what all rows share."""
    found = []
    for number in clusters:
        rows = first_of_content(texts.filter(f"cluster_id = {number}").to_arrow_table())
        vectors = np.concatenate([chunk.flatten().to_numpy() for chunk in rows["embedding"].chunks])
        best = medoids(vectors.reshape(len(rows), -1), options.n_medoids)
        shown = rows.select(_SHOWN).take(pa.array(best.row)).to_pylist()
        for rank, (row, distance) in enumerate(zip(shown, best.mean_distance, strict=True), 1):
            found.append(row | {"cluster_id": number, "rank": rank, "mean_distance": float(distance)})
    names = ("cluster_id", "rank", *_SHOWN, "mean_distance")
    return pa.Table.from_pylist(found, pa.schema([TABLES[MEDOIDS].plain_schema.field(name) for name in names]))


def _hash(record: ClusteringRecord, options: SummaryOptions, told: ClusterWords) -> str:
    own = {name: getattr(options, name) for name in options.__slots__}
    return params_hash(own | {"of": record.params_hash, "stop_words": told.stop_words})


def status_metadata(found: Mapping[str, Mapping[int, str]]) -> dict[str, str]:
    """Metadata of a day's file of topics: status by analysis and cluster."""
    return {STATUS: json.dumps(found, sort_keys=True)}


def topics_status(lake: Lake, analysis: str, day: date) -> dict[int, str]:
    """ok, too_few_texts or no_terms for each cluster of a snapshot that has a text; a cluster without has none."""
    if not lake.ref(TOPICS, [day]).days:
        return {}
    found = json.loads(lake.metadata(TOPICS, day).get(STATUS, "{}"))
    return {int(number): status for number, status in found.get(analysis, {}).items()}
