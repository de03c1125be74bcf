"""What profile clusters say, and their map, out of the biographies of the membership table.

Here: terms and typical biographies for the shared tables, and vectors for the map. Terms are weighed anew by the rules
in the record; where a text model compared the biographies, its vectors come from the cache. Not here: the shared assets
(`assets.cluster_summaries`, `assets.cluster_map`), weights (`sm_assets.analysis.profile_features`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.medoids import Medoids
from sm_assets.analysis.parameters import params_hash
from sm_assets.analysis.profile_clusters import Described, described
from sm_assets.analysis.profile_features import FeatureRules
from sm_assets.analysis.profile_words import bio_medoids, bio_terms
from sm_assets.defs.cluster_maps import ClusterMap, Items, MapOptions, place
from sm_assets.defs.cluster_summaries import MEDOIDS, TERMS, Summaries, SummaryOptions
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.defs.sql import input_file, open_select
from sm_assets.defs.text_vectors import stored_vectors
from sm_assets.defs.windows import with_constants
from sm_assets.storage import Lake, TableRef


def summarise_bios(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    record: ClusteringRecord,
    window: list[TableRef],
    day: date,
    options: SummaryOptions,
    _: Path,
) -> Summaries:
    """Terms and typical biographies of the clusters of one model; of topics there are none.

    Args:
        con: an open connection.
        lake: the data root.
        record: what stands behind the clusters.
        window: references cut to the snapshot.
        day: the as-of day.
        options: parameters; tokenizer and stop words are those of the record.
    """
    found = _described(con, lake, record, window, day)
    chosen = found.accounts.take(pa.array(found.rows))
    labels = pc.fill_null(chosen["cluster_id"], -1).to_numpy().astype(np.int64)
    vocabulary = found.features.vocabulary
    terms = bio_terms(found.matrix, vocabulary, labels, n_terms=options.n_terms, min_accounts=options.min_accounts)
    typical = bio_medoids(found.compared, chosen["bio"].to_pylist(), labels, options.n_medoids)
    told = found.features.record
    made_by: dict[str, Any] = {
        "of": record.params_hash,
        "n_terms": options.n_terms,
        "min_accounts": options.min_accounts,
        "n_medoids": options.n_medoids,
        "stop_words": told["stop_words"],
    }
    common = {"analysis": record.analysis, "params_hash": params_hash(made_by), "day": day}
    tables = {TERMS: with_constants(terms, **common), MEDOIDS: with_constants(_typical(chosen, typical), **common)}
    counts = {
        "biographies": len(chosen),
        "clusters_without_terms": len(typical) - len(pc.unique(terms["cluster_id"])),
    }
    return Summaries(tables, made_by | {"languages": told["languages"]}, {}, counts)


def place_bios(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    records: Sequence[ClusteringRecord],
    window: list[TableRef],
    day: date,
    options: MapOptions,
) -> dict[str, ClusterMap]:
    """Maps of accounts by what the models compared, the terms or vectors of their biographies; one for both models.

    Args:
        con: an open connection.
        lake: the data root.
        records: what stands behind the models.
        window: references cut to the snapshot.
        day: the as-of day.
        options: parameters.
    """
    members = open_select(con, lake, input_file("profiles_names"), window, []).to_arrow_table()
    found = _described(con, lake, records[0], window, day)
    chosen = found.accounts.take(pa.array(found.rows))
    items = Items(chosen["platform"], chosen["account_id"], found.compared)
    return place(lake, records, day, options, members, items)


def _described(
    con: duckdb.DuckDBPyConnection, lake: Lake, record: ClusteringRecord, window: list[TableRef], day: date
) -> Described:
    """Biographies of one model with their terms, weighed as they were for the clusters, and with their vectors."""
    bios = open_select(con, lake, input_file("profiles_bios"), window, [])
    table = bios.filter(f"analysis = '{record.analysis}'").to_arrow_table()
    encode = None
    if record.embedder_id:
        remedy = f"Materialise out_profile_clusters for {day} again."
        encode = stored_vectors(lake, record.embedder_id, remedy)
    return described(table, FeatureRules.of(record.parameters["features"]), encode=encode)


def _typical(chosen: pa.Table, typical: dict[int, Medoids]) -> pa.Table:
    """Rows of out_cluster_medoids without what all rows share."""
    rows = np.concatenate([np.empty(0, np.int64), *(best.row for best in typical.values())])
    numbers = [number for number, best in typical.items() for _ in best.row]
    ranks = [rank for best in typical.values() for rank in range(1, len(best.row) + 1)]
    picked = chosen.take(pa.array(rows))
    distances = np.concatenate([np.empty(0), *(best.mean_distance for best in typical.values())])
    return pa.table(
        {
            "cluster_id": pa.array(numbers, pa.int64()),
            "rank": pa.array(ranks, pa.int64()),
            "platform": picked["platform"],
            "post_id": pa.nulls(len(rows), pa.string()),
            "account_id": picked["account_id"],
            "text": picked["bio"],
            "mean_distance": pa.array(distances, pa.float64()),
        }
    )
