"""Maps of accounts by the vectors of what they wrote.

Here: who is placed and by which vectors. Not here: places and pages (`cluster_maps`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb

from sm_assets.defs.account_vectors import TABLE, window_vectors
from sm_assets.defs.cluster_maps import ClusterMap, Items, MapOptions, place
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.defs.one_embedder import check_one_embedder
from sm_assets.defs.sql import open_select
from sm_assets.storage import Lake, TableRef


def place_accounts(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    records: Sequence[ClusteringRecord],
    window: list[TableRef],
    day: date,
    options: MapOptions,
    *,
    names: Path,
) -> dict[str, ClusterMap]:
    """Maps of members, placed by the mean vectors of their texts.

    Args:
        con: an open connection.
        lake: the data root.
        records: what stands behind the clusterings.
        window: references cut to the snapshot.
        day: the as-of day.
        options: parameters.
        names: SELECT of the members with their names.

    Raises:
        MixedVectors: the window holds vectors of another embedder than that of the clusters.
    """
    source = next(ref for ref in window if ref.table == TABLE)
    for record in records:
        check_one_embedder(con, lake, source, record.embedder_id)
    members = open_select(con, lake, names, window, []).to_arrow_table()
    found = window_vectors(lake, con, source.days)
    items = Items(found.platform, found.account_id, found.total)
    return place(lake, records, day, options, members, items)
