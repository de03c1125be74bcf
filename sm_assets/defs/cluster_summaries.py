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
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.cluster_words import ClusterWords, cluster_words
from sm_assets.analysis.medoids import medoids
from sm_assets.analysis.parameters import params_hash
from sm_assets.defs.clustering_record import ClusteringRecord, members_metadata
from sm_assets.defs.one_embedder import check_one_embedder
from sm_assets.defs.sql import open_select
from sm_assets.defs.text_rules import register
from sm_assets.defs.windows import with_constants
from sm_assets.storage import Lake, TableRef, parquet_sql

TERMS: Final = "out_cluster_terms"
TOPICS: Final = "out_cluster_topics"
MEDOIDS: Final = "out_cluster_medoids"
STATUS: Final = "sm.topics_status"
SUMMARIES: Final = "sm.summaries"
_VECTORS: Final = "feat_post_embeddings"
_BATCH: Final = 16_384
# Of posts with one content in a cluster the first stands for all; vectors come last, for these posts only.
_FIRST_POSTS: Final = """
    create or replace temp table first_posts as
    select cluster_id, platform, post_id, account_id, text, day,
        row_number() over (partition by cluster_id order by posted_at, platform, post_id) - 1 as place
    from (
        from cluster_texts
        qualify row_number() over (partition by cluster_id, text_key order by posted_at, platform, post_id) = 1
    )
"""
_VECTORS_OF_FIRST_POSTS: Final = f"""
    select cluster_id, place, embedding
    from first_posts
    inner join {_VECTORS} using (platform, post_id, day)
    order by cluster_id
"""
_TYPICAL: Final = """
    select cluster_id, rank, platform, post_id, account_id, text, mean_distance
    from nearest inner join first_posts using (cluster_id, place)
    order by cluster_id, rank
"""


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
    """Of one clustering of a snapshot.

    Attributes:
        tables: rows by table; one without rows may be left out.
        record: how they were made: tokenizer, lists of stop words, languages, options, clusters they are of.
        topics_status: for each cluster that has a text.
        counts: what went in.
    """

    tables: dict[str, pa.Table]
    record: dict[str, Any]
    topics_status: dict[int, str]
    counts: dict[str, int] = field(default_factory=dict)


def summarise_posts(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    record: ClusteringRecord,
    window: list[TableRef],
    day: date,
    options: SummaryOptions,
    folder: Path,
    *,
    texts: Path,
) -> Summaries:
    """The three tables of one clustering whose members write posts.

    Args:
        con: an open connection.
        lake: the data root.
        record: what stands behind its clusters.
        window: references cut to the snapshot.
        day: the as-of day.
        options: parameters.
        folder: an empty folder in a workspace: vectors lie there, so that they are in memory cluster by cluster.
        texts: SELECT of the members' texts in the window: platform, post_id, account_id, cluster_id, text, text_key,
            posted_at, lang, day; each with a row in feat_post_embeddings.

    Raises:
        MixedVectors: the window holds vectors of another embedder than that of the clusters.
    """
    check_one_embedder(con, lake, next(ref for ref in window if ref.table == _VECTORS), record.embedder_id)
    register(con, record.rules)
    rows = open_select(con, lake, texts, window, [])
    con.execute(f"create or replace temp table cluster_texts as {rows.sql_query()}")
    told = cluster_words(
        con.table("cluster_texts").to_arrow_table(),
        languages=options.stop_word_languages,
        tokenizer=options.tokenizer,
        n_terms=options.n_terms,
        min_accounts=options.min_accounts,
        n_topic_words=options.n_topic_words,
        seed=options.seed,
        threads=lake.settings.threads,
    )
    own = {TERMS: told.terms, TOPICS: told.topics, MEDOIDS: _medoids(con, options.n_medoids, folder)}
    made_by = _record(record, options, told)
    common = {"analysis": record.analysis, "params_hash": params_hash(made_by), "day": day}
    tables = {name: with_constants(rows, **common) for name, rows in own.items()}
    return Summaries(tables, made_by | {"languages": told.languages}, told.topics_status, told.counts)


def _medoids(con: duckdb.DuckDBPyConnection, n: int, folder: Path) -> pa.Table:
    """Rows of out_cluster_medoids without what all rows share, out of `cluster_texts`."""
    con.execute(_FIRST_POSTS)
    path = folder / "vectors.parquet"
    con.sql(_VECTORS_OF_FIRST_POSTS).write_parquet(str(path))
    vectors = con.sql(parquet_sql([str(path)], day_from_folder=False))
    sizes = con.sql("select cluster_id, count(*) from first_posts group by all order by all").fetchall()
    found = []
    for number, size in sizes:
        rows = vectors.filter(f"cluster_id = {number}").project("place, embedding").to_arrow_reader(_BATCH)
        best = medoids(_matrix(rows, size), n)
        found += [
            {"cluster_id": number, "rank": rank, "place": int(place), "mean_distance": float(distance)}
            for rank, (place, distance) in enumerate(zip(best.row, best.mean_distance, strict=True), 1)
        ]
    path.unlink()
    kinds = {"cluster_id": pa.int64(), "rank": pa.int64(), "place": pa.int64(), "mean_distance": pa.float64()}
    con.register("nearest", pa.Table.from_pylist(found, pa.schema(kinds)))
    return con.sql(_TYPICAL).to_arrow_table()


def _matrix(batches: pa.RecordBatchReader, n: int) -> npt.NDArray[np.float32]:
    """float32[n, d] out of batches of place and embedding; offsets of lists count inside a batch only."""
    matrix = np.zeros((n, 0), np.float32)
    for batch in batches:
        if batch.num_rows:
            block = batch["embedding"].flatten().to_numpy().reshape(batch.num_rows, -1)
            if not matrix.shape[1]:
                matrix = np.empty((n, block.shape[1]), np.float32)
            matrix[batch["place"].to_numpy()] = block
    return matrix


def _record(record: ClusteringRecord, options: SummaryOptions, told: ClusterWords) -> dict[str, Any]:
    own = {name: getattr(options, name) for name in options.__slots__}
    return own | {"of": record.params_hash, "stop_words": told.stop_words}


def file_metadata(found: Mapping[str, Summaries], members: Mapping[str, str]) -> dict[str, str]:
    """Metadata of a day's files.

    Args:
        found: summaries by analysis: how the rows were made, and the status of topics by cluster.
        members: digests of the membership files by table.
    """
    return {
        SUMMARIES: json.dumps({name: each.record for name, each in found.items()}, sort_keys=True),
        STATUS: json.dumps({name: each.topics_status for name, each in found.items()}, sort_keys=True),
        **members_metadata(members),
    }


def topics_status(lake: Lake, analysis: str, day: date) -> dict[int, str]:
    """ok, too_few_texts or no_terms for each cluster of a snapshot that has a text; a cluster without has none."""
    if not lake.ref(TOPICS, [day]).days:
        return {}
    found = json.loads(lake.metadata(TOPICS, day).get(STATUS, "{}"))
    return {int(number): status for number, status in found.get(analysis, {}).items()}
