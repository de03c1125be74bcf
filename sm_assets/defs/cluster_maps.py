"""The map of one snapshot's clusters: places, a picture, a page.

Here: from vectors to out_map_points and the HTML file. Not here: the asset (`assets.cluster_map`), the methods
(`sm_assets.analysis.layout`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.layout import Layout, Method, layout, sample
from sm_assets.analysis.pair_keys import pair_keys
from sm_assets.analysis.parameters import params_hash
from sm_assets.contracts import TABLES
from sm_assets.defs.cluster_analyses import Analysis
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.defs.one_embedder import check_one_embedder
from sm_assets.defs.sql import open_select
from sm_assets.defs.windows import with_constants
from sm_assets.storage import Lake, TableRef

POINTS: Final = "out_map_points"
TERMS: Final = "out_cluster_terms"
PAGE: Final = "map.html"
_LABEL_TERMS: Final = 3


@dataclass(frozen=True, slots=True)
class MapOptions:
    """How maps are made.

    Attributes:
        method: see `layout`.
        max_points: points of the picture and the page at most; the table has all that are placed.
        seed: of the sample and the method.
    """

    method: Method
    max_points: int
    seed: int


@dataclass(frozen=True, slots=True)
class ClusterMap:
    """Of one analysis and snapshot.

    Attributes:
        points: rows of out_map_points.
        drawn: those of the picture and the page.
        labels: first terms of each cluster.
        record: what the layout tells of itself, and what had no vector.
    """

    points: pa.Table
    drawn: pa.Table
    labels: dict[int, str]
    record: dict[str, Any]


def place(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    analysis: Analysis,
    record: ClusteringRecord,
    window: list[TableRef],
    day: date,
    options: MapOptions,
) -> ClusterMap:
    """Places of the members of one snapshot of one analysis.

    Args:
        con: an open connection.
        lake: the data root.
        analysis: which one.
        record: what stands behind its clusters.
        window: references cut to the snapshot.
        day: the as-of day.
        options: parameters.

    Raises:
        MixedVectors: the window holds vectors of another embedder than that of the clusters.
    """
    members = open_select(con, lake, analysis.names, window, []).to_arrow_table()
    source = next(ref for ref in window if ref.table == analysis.vector_table)
    check_one_embedder(con, lake, source, record.embedder_id)
    found = analysis.vectors(lake, con, source.days)
    keys = pair_keys(found.platform, found.item_id)
    at = pc.index_in(pair_keys(members["platform"], members["item_id"]), value_set=keys)
    known = members.filter(at.is_valid())
    vectors = found.vector[at.drop_null().to_numpy(zero_copy_only=False)]
    cluster = pc.fill_null(known["cluster_id"], -1).to_numpy().astype(np.int64)
    places = layout(
        vectors, keys.take(at.drop_null()).to_pylist(), method=options.method, groups=cluster, seed=options.seed
    )
    own = {"method": options.method, "seed": options.seed, "of": record.params_hash}
    points = _rows(known, places, {"analysis": analysis.name, "params_hash": params_hash(own), "day": day})
    shown = sample(cluster[places.row], len(points), options.max_points, options.seed)
    terms = lake.register(con, next(ref for ref in window if ref.table == TERMS))
    told = places.record | {"n_without_vector": len(members) - len(known), "n_shown": len(shown)}
    return ClusterMap(points, points.take(pa.array(shown)), _labels(terms.to_arrow_table(), analysis.name), told)


def write_page(lake: Lake, name: str, found: ClusterMap, day: date, folder: Path) -> str:
    """Write exports/maps/<analysis>/day=.../map.html aside and move it in; its path."""
    from sm_assets.plots import cluster_map  # loads plotly

    staged = folder / PAGE
    staged.write_text(
        cluster_map.page(found.drawn, found.labels, f"{name} on {day}", about=said(found.record)), encoding="utf-8"
    )
    target = lake.path("exports", "maps", name.replace(":", "-"), f"day={day}", PAGE)
    lake.replace(staged, target)
    return target


def said(record: dict[str, Any]) -> str:
    """How the points came about, in a sentence or two."""
    ways = {"tsne": "t-SNE", "pacmap": "PaCMAP", "plane": "the plane of the largest variance"}
    missing = record["n_without_vector"] + record["n_without_direction"]
    text = f"Placed by {ways[record['method']]}."
    if record["n_shown"] < record["n_rows"] - record["n_without_direction"]:
        text += f" Shown: a sample of {record['n_shown']:,} out of {record['n_rows']:,}."
    return text + (f" Without a vector: {missing:,}." if missing else "")


def _rows(members: pa.Table, places: Layout, common: dict[str, Any]) -> pa.Table:
    rows = members.take(pa.array(places.row)).rename_columns({"name": "text"})
    for name, values in (("x", places.x), ("y", places.y)):
        rows = rows.append_column(name, pa.array(values))
    return with_constants(rows, **common).select(TABLES[POINTS].column_names)


def _labels(terms: pa.Table, analysis: str) -> dict[int, str]:
    """First terms of each cluster, without those that one account alone uses: the picture goes into metadata."""
    rows: Sequence[dict[str, Any]] = (
        terms.filter(pc.equal(terms["analysis"], analysis)).sort_by(
            [("cluster_id", "ascending"), ("rank", "ascending")]
        )
    ).to_pylist()
    found: dict[int, list[str]] = {}
    for row in rows:
        if row["rank"] <= _LABEL_TERMS and row["n_accounts"] > 1:
            found.setdefault(row["cluster_id"], []).append(row["term"])
    return {number: ", ".join(words) for number, words in found.items()}
