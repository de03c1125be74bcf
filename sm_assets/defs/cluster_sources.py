"""What links and names of clusters are made from, kept in the footer of their files.

Here: which snapshot a snapshot is linked with, digests of the snapshots, days whose files are older than these. Not
here: links and names (`sm_assets.defs.cluster_history`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

import duckdb

from sm_assets.analysis.cluster_identity import REACH_DAYS
from sm_assets.contracts.sketches import MADE_FROM
from sm_assets.defs.cluster_analyses import ANALYSES, Analysis
from sm_assets.defs.clustering_record import RECORD
from sm_assets.defs.sql import open_select, upstreams
from sm_assets.storage import DIGEST, Lake

LINKS: Final = "out_cluster_links"
IDS: Final = "out_cluster_ids"


@dataclass(frozen=True, slots=True)
class Source:
    """What one analysis has on one day.

    Attributes:
        previous: the snapshot that this one is linked with: the latest earlier one with clusters, at most `REACH_DAYS`
            before. None: there is none, or this one has no clusters.
        digests: of this membership file and the previous one, with its day: what the links are made from.
        chain: digest over the digests of this and every snapshot that it goes back to: what the names are made from.
        params_hash: of this snapshot.
    """

    previous: date | None
    digests: Mapping[str, str | None]
    chain: str
    params_hash: str

    def told(self, table: str) -> Any:
        """What a file of `table` is made from."""
        return dict(self.digests) if table == LINKS else self.chain


class Snapshots(NamedTuple):
    """All snapshots of one clustering, as they are now.

    Attributes:
        analysis: whose membership table they lie in.
        by_day: ascending; a file of members without record or digest is no snapshot.
    """

    analysis: Analysis
    by_day: dict[date, Source]


Sources = Mapping[str, Snapshots]
"""By name of the clustering."""


def cluster_sources(lake: Lake, con: duckdb.DuckDBPyConnection) -> Sources:
    """All snapshots of all analyses, as they are now."""
    return {name: found for each in ANALYSES for name, found in _sources(lake, con, each).items()}


def _sources(lake: Lake, con: duckdb.DuckDBPyConnection, analysis: Analysis) -> dict[str, Snapshots]:
    found: dict[str, Snapshots] = {}
    digest: dict[date, str] = {}
    last: dict[str, date] = {}
    for day in lake.days(analysis.table):
        metadata = lake.metadata(analysis.table, day)
        if RECORD not in metadata or DIGEST not in metadata:
            continue
        digest[day] = metadata[DIGEST]
        filled = _with_clusters(lake, con, analysis, day)
        for name, record in json.loads(metadata[RECORD]).items():
            before = last.get(name)
            near = name in filled and before is not None and day - before <= timedelta(days=REACH_DAYS)
            previous = before if near else None
            digests = {
                "members": digest[day],
                "previous_day": str(previous) if previous else None,
                "previous_members": digest[previous] if previous else None,
            }
            own = found.setdefault(name, Snapshots(analysis, {})).by_day
            behind = own[previous].chain if previous else ""
            text = json.dumps(digests, sort_keys=True) + behind
            chain = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
            own[day] = Source(previous, digests, chain, record["params_hash"])
            if name in filled:
                last[name] = day
    return found


def _with_clusters(lake: Lake, con: duckdb.DuckDBPyConnection, analysis: Analysis, day: date) -> set[str]:
    """Clusterings of a snapshot that have a cluster."""
    refs = [lake.ref(name, [day]) for name in upstreams(analysis.members)]
    members = open_select(con, lake, analysis.members, refs, [day])
    return {name for (name,) in members.filter("cluster_id >= 0").project("analysis").distinct().fetchall()}


def source_metadata(sources: Sources, table: str, day: date) -> dict[str, str]:
    """Metadata of a file of links or names of one day."""
    told = {name: found.by_day[day].told(table) for name, found in sources.items() if day in found.by_day}
    return {MADE_FROM: json.dumps(told, sort_keys=True)}


def made_from(lake: Lake, table: str, day: date) -> dict[str, Any]:
    """What a published file says it is made from, by analysis; empty: it does not say."""
    told: dict[str, Any] = json.loads(lake.metadata(table, day).get(MADE_FROM, "{}"))
    return told


def stale_days(lake: Lake, sources: Sources) -> list[date]:
    """Days whose links or names were made from other snapshots than there are now; made again they fit."""
    return sorted(
        {
            day
            for table in (LINKS, IDS)
            for day in lake.days(table)
            if lake.metadata(table, day).get(MADE_FROM) != source_metadata(sources, table, day)[MADE_FROM]
        }
    )
