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
from typing import Any, Final

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
    """

    previous: date | None
    digests: Mapping[str, str | None]
    chain: str

    def told(self, table: str) -> Any:
        """What a file of `table` is made from."""
        return dict(self.digests) if table == LINKS else self.chain


Sources = Mapping[str, Mapping[date, Source]]
"""By name of the analysis and day; a file of members without record or digest is no snapshot."""


def cluster_sources(lake: Lake, con: duckdb.DuckDBPyConnection) -> Sources:
    """All snapshots of all analyses, as they are now."""
    return {each.name: _sources(lake, con, each) for each in ANALYSES}


def _sources(lake: Lake, con: duckdb.DuckDBPyConnection, analysis: Analysis) -> dict[date, Source]:
    found: dict[date, Source] = {}
    digest: dict[date, str] = {}
    last: date | None = None
    for day in lake.days(analysis.table):
        metadata = lake.metadata(analysis.table, day)
        if RECORD not in metadata or DIGEST not in metadata:
            continue
        digest[day] = metadata[DIGEST]
        filled = _has_clusters(lake, con, analysis, day)
        near = filled and last is not None and day - last <= timedelta(days=REACH_DAYS)
        previous = last if near else None
        digests = {
            "members": digest[day],
            "previous_day": str(previous) if previous else None,
            "previous_members": digest[previous] if previous else None,
        }
        behind = found[previous].chain if previous else ""
        text = json.dumps(digests, sort_keys=True) + behind
        found[day] = Source(previous, digests, hashlib.blake2b(text.encode(), digest_size=16).hexdigest())
        if filled:
            last = day
    return found


def _has_clusters(lake: Lake, con: duckdb.DuckDBPyConnection, analysis: Analysis, day: date) -> bool:
    refs = [lake.ref(name, [day]) for name in upstreams(analysis.members)]
    members = open_select(con, lake, analysis.members, refs, [day])
    return bool(members.filter("cluster_id >= 0").limit(1).fetchall())


def source_metadata(sources: Sources, table: str, day: date) -> dict[str, str]:
    """Metadata of a file of links or names of one day."""
    told = {name: days[day].told(table) for name, days in sources.items() if day in days}
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
