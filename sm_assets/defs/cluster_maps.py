"""The map of one snapshot's clusters: places, a picture, a page.

Here: from vectors to out_map_points and the HTML file. Not here: whose vectors (`account_maps` and others), the asset
(`assets.cluster_map`), the methods (`sm_assets.analysis.layout`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.layout import Layout, Method, layout, sample
from sm_assets.analysis.pair_keys import pair_keys
from sm_assets.analysis.parameters import params_hash
from sm_assets.analysis.terms import LABEL_TERMS, shared_terms
from sm_assets.contracts import TABLES
from sm_assets.defs.clustering_record import ClusteringRecord, are_of_members
from sm_assets.defs.windows import with_constants
from sm_assets.storage import Lake

POINTS: Final = "out_map_points"
TERMS: Final = "out_cluster_terms"
FOLDER: Final = ("exports", "maps")
PAGE: Final = "map.html"


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
        record: what the layout tells of itself, and what had no vector.
    """

    points: pa.Table
    drawn: pa.Table
    record: dict[str, Any]


class Items(NamedTuple):
    """Items with their vectors.

    Attributes:
        platform: string[n].
        item_id: string[n].
        vector: float64[n, d] or CSR, of any length.
    """

    platform: pa.Array
    item_id: pa.Array
    vector: Any


class _Spots(NamedTuple):
    """Where items lie.

    Attributes:
        key: binary[n] or string[n], distinct, of platform and item.
        places: of these.
    """

    key: pa.Array
    places: Layout

    def of(self, members: pa.Table, common: dict[str, Any]) -> pa.Table:
        """Rows of out_map_points of the members, in the order of the places."""
        at = pc.index_in(self.key, value_set=pair_keys(members["platform"], members["item_id"]))
        rows = members.take(at).rename_columns({"name": "text"}).drop_columns("analysis")
        for name, values in (("x", self.places.x), ("y", self.places.y)):
            rows = rows.append_column(name, pa.array(values))
        return with_constants(rows, **common).select(TABLES[POINTS].column_names)


def place(
    lake: Lake,
    records: Sequence[ClusteringRecord],
    day: date,
    options: MapOptions,
    members: pa.Table,
    items: Items,
) -> dict[str, ClusterMap]:
    """Places of the items of one snapshot of one analysis; its clusterings share them.

    Args:
        lake: the data root.
        records: what stands behind the clusterings, at least one; all are of the same items.
        day: the as-of day.
        options: parameters.
        members: analysis, platform, item_id, cluster_id (null: in none), name; one row per item and clustering.
        items: what the map places; items without a row among the members are left out.

    Returns:
        The maps by name of the clustering.
    """
    keys = pair_keys(items.platform, items.item_id)
    by_name = {each.analysis: members.filter(pc.equal(members["analysis"], each.analysis)) for each in records}
    first = by_name[records[0].analysis]
    at = pc.index_in(pair_keys(first["platform"], first["item_id"]), value_set=keys)
    known = first.filter(at.is_valid())
    rows = at.drop_null()
    groups = pc.fill_null(known["cluster_id"], -1).to_numpy().astype(np.int64)
    vectors = items.vector[rows.to_numpy(zero_copy_only=False)]
    places = layout(
        vectors, keys.take(rows).to_pylist(), method=options.method, groups=groups, seed=options.seed,
        threads=lake.settings.threads,
    )  # fmt: skip
    placed = known.take(pa.array(places.row))
    spots = _Spots(pair_keys(placed["platform"], placed["item_id"]), places)
    shown = sample(groups[places.row], len(placed), options.max_points, options.seed)
    told = places.record | {"n_without_vector": len(first) - len(known), "n_shown": len(shown)}
    maps = {}
    for record in records:
        own = {"method": options.method, "seed": options.seed, "of": record.params_hash}
        common = {"analysis": record.analysis, "params_hash": params_hash(own), "day": day}
        points = spots.of(by_name[record.analysis], common)
        maps[record.analysis] = ClusterMap(points, points.take(shown), told)
    return maps


def page_path(lake: Lake, name: str, day: date) -> str:
    """Where the page of one clustering and as-of day is published."""
    return lake.path(*FOLDER, _folder_name(name), f"day={day}", PAGE)


def write_page(name: str, found: ClusterMap, labels: Mapping[int, str], day: date, folder: Path) -> None:
    """Write the page of one map aside, for `publish_pages`.

    Args:
        name: of the clustering.
        found: its map.
        labels: first terms of each cluster.
        day: the as-of day.
        folder: in a workspace of the lake.
    """
    from sm_assets.plots import cluster_map  # loads plotly

    staged = folder / str(day) / _folder_name(name) / PAGE
    staged.parent.mkdir(parents=True)
    text = cluster_map.page(found.drawn, labels, f"{name} on {day}", about=said(found.record))
    staged.write_text(text, encoding="utf-8")


def publish_pages(lake: Lake, days: Iterable[date], folder: Path) -> None:
    """Move pages in from where `write_page` wrote them; pages of clusterings that have none on these days go."""
    root = lake.path(*FOLDER)
    present = lake.fs.ls(root, detail=False, refresh=True) if lake.fs.isdir(root) else []
    known = {str(path).rstrip("/").rsplit("/", 1)[-1] for path in present}
    for day in days:
        staged = {path.parent.name: path for path in (folder / str(day)).glob(f"*/{PAGE}")}
        for name in sorted(staged):
            lake.replace(staged[name], page_path(lake, name, day))
        for name in sorted(known - staged.keys()):
            if lake.fs.exists(old := page_path(lake, name, day)):
                lake.fs.rm(old)


def _folder_name(clustering: str) -> str:
    return clustering.replace(":", "-")


def said(record: dict[str, Any]) -> str:
    """How the points came about, in a sentence or two."""
    ways = {
        "tsne": "t-SNE",
        "pacmap": "PaCMAP",
        "plane": "the plane of the largest variance",
        "distances": "their distances",
    }
    missing = record["n_without_vector"] + record["n_without_direction"]
    text = f"Placed by {ways[record['method']]}."
    if record["n_shown"] < record["n_rows"] - record["n_without_direction"]:
        text += f" Shown: a sample of {record['n_shown']:,} out of {record['n_rows']:,}."
    return text + (f" Without a vector: {missing:,}." if missing else "")


def labels(con: duckdb.DuckDBPyConnection, lake: Lake, table: str, day: date) -> dict[str, dict[int, str]] | None:
    """First terms of each cluster by clustering, without those that one account alone uses: pictures stay for good.

    Args:
        con: an open connection.
        lake: the data root.
        table: the membership table.
        day: the as-of day.

    Returns:
        None: out_cluster_terms has no terms of these members; its numbers are those of other clusters, if any.
    """
    if not are_of_members(lake, TERMS, table, day):
        return None
    terms = lake.register(con, lake.ref(TERMS, [day])).to_arrow_table()
    return {
        name: {
            number: ", ".join(words)
            for number, words in shared_terms(terms.filter(pc.equal(terms["analysis"], name)), LABEL_TERMS).items()
        }
        for name in pc.unique(terms["analysis"]).to_pylist()
    }
