"""What clusters of hashtags say: their most used tags.

Here: rows of out_cluster_terms. Not here: topics and typical texts; tags have neither.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.hashtag_clusters import tag_terms
from sm_assets.analysis.parameters import params_hash
from sm_assets.defs.cluster_summaries import TERMS, Summaries, SummaryOptions
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.defs.sql import open_select
from sm_assets.defs.windows import with_constants
from sm_assets.storage import Lake, TableRef


def summarise_tags(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    record: ClusteringRecord,
    window: list[TableRef],
    day: date,
    options: SummaryOptions,
    folder: Path,
    *,
    tags: Path,
) -> Summaries:
    """The most used tags of each cluster of one clustering; see `cluster_summaries.summarise_posts`.

    Args:
        con: an open connection.
        lake: the data root.
        record: what stands behind its clusters.
        window: references cut to the snapshot.
        day: the as-of day.
        options: parameters; of these n_terms.
        folder: private to the run; the tags of a day are kept there for all clusterings of the day.
        tags: SELECT of analysis, cluster_id, tag, n_posts, n_accounts of the snapshot.
    """
    kept = folder / f"{tags.stem}-{day}.arrow"
    if not kept.exists():
        rows = open_select(con, lake, tags, window, [day]).to_arrow_table()
        with pa.OSFile(str(kept), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as file:
            file.write_table(rows)
    with pa.memory_map(str(kept)) as source:
        every = pa.ipc.open_file(source).read_all()
        members = every.filter(pc.equal(every["analysis"], record.analysis))
    made_by = {"n_terms": options.n_terms, "of": record.params_hash}
    terms = tag_terms(members, options.n_terms)
    common = {"analysis": record.analysis, "params_hash": params_hash(made_by), "day": day}
    return Summaries({TERMS: with_constants(terms, **common)}, made_by, {}, {"tags in clusters": len(members)})
