"""Overlaps and communities of one as-of day: the steps in their order, the figures, the files for other programs.

Here: handing one snapshot through the analyses. Not here: the analyses (`sm_assets.analysis`), the assets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sm_assets.analysis.audience_tables import community_tables, kept_id_share
from sm_assets.analysis.communities import SWEEP, Communities, find_communities
from sm_assets.analysis.gexf import gexf
from sm_assets.analysis.graph_layout import layout
from sm_assets.analysis.overlap_pairs import MAX_RERANK, OverlapOptions, find_overlaps
from sm_assets.analysis.overlap_tables import PAIRS, overlap_table, pair_table
from sm_assets.contracts import TABLES
from sm_assets.defs.audience_reading import AudienceSnapshot
from sm_assets.defs.metadata import counts_table, small_table
from sm_assets.storage import Lake

OVERLAP, COMMUNITIES, MEMBERS = "out_audience_overlap", "out_audience_communities", "out_audience_members"
_MAX_MAPPED = 20_000


@dataclass(frozen=True, slots=True)
class Found:
    """What one as-of day gave.

    Attributes:
        tables: rows by table.
        pairs: significant pairs: platform, account_id_a, account_id_b, jaccard, n_shared.
        communities: by platform.
        counts: by platform, what the search for pairs tells; under "" of all platforms together.
    """

    tables: Mapping[str, pa.Table]
    pairs: pa.Table
    communities: Mapping[str, Communities]
    counts: Mapping[str, Mapping[str, Any]]


def find(
    snapshot: AudienceSnapshot,
    options: OverlapOptions,
    *,
    resolution: float,
    n_runs: int,
    min_community_size: int,
    sweep: bool,
    log: Callable[[str], None],
) -> Found:
    """All tables of one as-of day."""
    overlaps, pairs, communities = [TABLES[OVERLAP].plain_schema.empty_table()], [PAIRS.empty_table()], {}
    counts: dict[str, Mapping[str, Any]] = {}
    for platform in snapshot.platforms:
        accounts = snapshot.of(platform)
        ids = accounts.column("account_id").combine_chunks()
        total = int(accounts.column("n_followers").to_numpy().sum())
        with_sets = options.exact_rerank != "never" and (options.exact_rerank == "always" or total <= MAX_RERANK)
        audiences = snapshot.audiences(platform, with_sets=with_sets or options.candidates == "exact")
        found = find_overlaps(audiences, options, report=log)
        edges = found.significant
        communities[platform] = find_communities(
            len(accounts),
            edges.i,
            edges.j,
            edges.weight,
            resolution=resolution,
            n_runs=n_runs,
            min_community_size=min_community_size,
            sweep=SWEEP if sweep else (),
        )
        overlaps.append(overlap_table(platform, ids, audiences.sizes, found, snapshot.day))
        pairs.append(pair_table(platform, ids, edges))
        counts[platform] = found.counts
        alone = "" if len(edges.i) else ": nobody shares more than chance explains, so all are isolated"
        log(f"{platform}: {len(accounts):,} influencers, {len(edges.i):,} significant pairs{alone}")
    told = community_tables(snapshot.accounts, communities, day=snapshot.day)
    tables = {OVERLAP: pa.concat_tables(overlaps), COMMUNITIES: told.communities, MEMBERS: told.members}
    return Found(tables, pa.concat_tables(pairs), communities, counts | {"": told.counts})


def metadata(found: Found, kept: float | None) -> dict[str, dict[str, Any]]:
    """What the page of each table tells about the last as-of day."""
    accounts = {"accounts": counts_table(dict(found.counts[""]), "what", "number")}
    runs: dict[str, Any] = {}
    for platform, communities in found.communities.items():
        told = {name: value for name, value in communities.metadata.items() if name != "sweep"}
        runs[f"runs_{platform}"] = _two_columns(told)
        sweep = [
            {name: _short(value) for name, value in row.items()} for row in communities.metadata.get("sweep") or ()
        ]
        if sweep:
            runs[f"resolutions_{platform}"] = small_table(sweep)
    same = {} if kept is None else {"members_that_kept_their_id": f"{100 * kept:.1f} % since the snapshot before"}
    return {
        OVERLAP: {f"pairs_{platform}": _two_columns(found.counts[platform]) for platform in found.communities},
        COMMUNITIES: accounts | same | runs,
        MEMBERS: accounts | same,
    }


def _two_columns(values: Mapping[str, Any]) -> dg.MetadataValue:
    return small_table([{"what": name, "found": _short(value)} for name, value in values.items()])


def kept_share(before: pa.Table | None, found: Found) -> float | None:
    """Share of the members that kept their community's id since the snapshot before; None: there was none."""
    return None if before is None else kept_id_share(before, found.tables[MEMBERS])


def _short(value: Any) -> str:
    """A number or the range of several, in few digits."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, list | tuple | np.ndarray) and len(value):
        low, high = _short(min(value)), _short(max(value))
        return low if low == high else f"{low} to {high}"
    return str(value)


def places(found: Found) -> pa.Table:
    """platform, account_id, x, y of every influencer; none where they are too many for a map."""
    members = found.tables[MEMBERS]
    if len(members) > _MAX_MAPPED:
        members = members.slice(0, 0)
    parts = []
    for platform in sorted(pc.unique(members.column("platform")).to_pylist()):
        own, edges = _of(members, platform), _of(found.pairs, platform)
        ids = own.column("account_id").combine_chunks()
        first, second = (
            pc.index_in(edges.column(f"account_id_{end}"), value_set=ids).to_numpy().astype(np.int64) for end in "ab"
        )
        homes = own.column("community_id").combine_chunks().dictionary_encode()
        spots = layout(
            len(ids),
            first,
            second,
            edges.column("jaccard").to_numpy(),
            pc.fill_null(homes.indices, -1).to_numpy().astype(np.int64),
        )
        parts.append(
            pa.table({"platform": [platform] * len(ids), "account_id": ids, "x": spots[:, 0], "y": spots[:, 1]})
        )
    schema = pa.schema(
        [("platform", pa.string()), ("account_id", pa.string()), ("x", pa.float64()), ("y", pa.float64())]
    )
    return pa.concat_tables(part.cast(schema) for part in parts) if parts else schema.empty_table()


def _of(table: pa.Table, platform: str) -> pa.Table:
    return table.filter(pc.equal(table.column("platform"), platform))


def figures(found: Found, spots: pa.Table) -> dict[str, dict[str, Any]]:
    """Pictures of one as-of day by table."""
    from sm_assets.plots import audience_graph, audience_map, community_sizes  # draw with matplotlib

    members = found.tables[MEMBERS]
    sizes = dg.MetadataValue.md(community_sizes.draw(found.tables[COMMUNITIES]))
    return {
        OVERLAP: {},
        COMMUNITIES: {
            "audience_graph": dg.MetadataValue.md(audience_graph.draw(members, found.pairs)),
            "community_sizes": sizes,
        },
        MEMBERS: {"audience_map": dg.MetadataValue.md(audience_map.draw(members, spots))},
    }


def export(lake: Lake, found: Found, spots: pa.Table, day: date, folder: Path) -> list[str]:
    """Write exports/audiences/<platform>/day=.../{graph.gexf,nodes.parquet,edges.parquet}; their paths."""
    nodes = (
        found.tables[MEMBERS]
        .join(spots, ["platform", "account_id"])
        .sort_by([("platform", "ascending"), ("account_id", "ascending")])
    )
    written = []
    for platform in found.communities:
        own, edges = _of(nodes, platform), _of(found.pairs, platform)
        files = {name: folder / f"{platform}-{name}" for name in ("graph.gexf", "nodes.parquet", "edges.parquet")}
        files["graph.gexf"].write_bytes(gexf(own, edges))
        pq.write_table(own, files["nodes.parquet"])
        pq.write_table(edges, files["edges.parquet"])
        for name, path in files.items():
            target = lake.path("exports", "audiences", platform, f"day={day}", name)
            lake.replace(path, target)
            written.append(target)
    return written
