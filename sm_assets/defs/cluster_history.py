"""The snapshots of one analysis in their order: links between neighbours, names over all of them.

Here: which snapshot a snapshot is linked with, reading members and links. Not here: what goes on and what is new
(`sm_assets.analysis.cluster_identity`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.analysis.cluster_identity import REACH_DAYS, Members, cluster_ids, cluster_links
from sm_assets.analysis.pair_keys import pair_keys
from sm_assets.contracts import TABLES
from sm_assets.defs.cluster_analyses import Analysis
from sm_assets.defs.clustering_record import clustering_record
from sm_assets.defs.sql import open_select, upstreams
from sm_assets.defs.windows import with_constants
from sm_assets.storage import Lake

LINKS: Final = "out_cluster_links"
IDS: Final = "out_cluster_ids"
_SHOWN_DAYS: Final = 60


class History:
    """Snapshots of one analysis, those made in this run and those before."""

    def __init__(self, lake: Lake, con: duckdb.DuckDBPyConnection, analysis: Analysis, days: Sequence[date]) -> None:
        """Make the links of `days` anew; those of other days are read where they are published."""
        self._lake, self._con, self._analysis = lake, con, analysis
        self._snapshots = lake.days(analysis.table)
        self._anew, self._published = set(days), set(lake.days(LINKS))
        self._links: dict[date, pa.Table | None] = {}
        self._ids: dict[date, pa.Table] = {}
        self._members: tuple[date, Members] | None = None

    def links(self, day: date) -> pa.Table | None:
        """Rows of out_cluster_links of a day; None: there is no snapshot, or none before it."""
        if day not in self._links:
            read = day in self._published and day not in self._anew
            self._links[day] = self._read(LINKS, day) if read else self._linked(day)
        return self._links[day]

    def ids(self, day: date) -> pa.Table | None:
        """Rows of out_cluster_ids of a day; None: there is no snapshot."""
        name, params_hash = self._analysis.name, self._params_hash(day)
        if params_hash is None:
            return None
        clusters = [int(number) for number in set(self._of(day).cluster.tolist())]
        found = _told(cluster_ids(name, day, clusters, self.links), IDS, name, params_hash, day)
        self._ids[day] = found
        return found

    @property
    def named(self) -> bool:
        """Whether any day that was asked for has a snapshot."""
        return bool(self._ids)

    def picture(self) -> str:
        """Figure of the names up to the last day that was asked for; there must be one."""
        from sm_assets.plots import cluster_lives  # draws with matplotlib

        last = max(self._ids)
        first = last - timedelta(days=_SHOWN_DAYS - 1)
        earlier = [day for day in self._lake.days(IDS) if first <= day <= last and day not in self._ids]
        made = [rows for day, rows in self._ids.items() if day >= first]
        picture: str = cluster_lives.draw(pa.concat_tables([*made, *(self._read(IDS, day) for day in earlier)]))
        return picture

    def _linked(self, day: date) -> pa.Table | None:
        reach = [at for at in self._snapshots if day - timedelta(days=REACH_DAYS) <= at < day]
        params_hash = self._params_hash(day)
        if params_hash is None or not reach:
            return None
        changed = self._params_hash(reach[-1]) != params_hash
        before = self._of(reach[-1])
        found = cluster_links(before, self._of(day), previous_day=reach[-1], params_changed=changed)
        return _told(found, LINKS, self._analysis.name, params_hash, day)

    def _params_hash(self, day: date) -> str | None:
        record = clustering_record(self._lake, self._analysis.table, day)
        return None if record is None else record.params_hash

    def _of(self, day: date) -> Members:
        """Members of a snapshot; the last one read is kept, as it is the one before the next."""
        if self._members is None or self._members[0] != day:
            path = self._analysis.members
            refs = [self._lake.ref(name, [day]) for name in upstreams(path)]
            rows = open_select(self._con, self._lake, path, refs, [day]).to_arrow_table().drop_null()
            keys = pair_keys(rows["platform"], rows["item_id"])
            self._members = (day, Members(keys, rows["cluster_id"].to_numpy()))
        return self._members[1]

    def _read(self, table: str, day: date) -> pa.Table:
        """Published rows of this analysis on one day."""
        chosen = [("analysis", "=", self._analysis.name)]
        with self._lake.fs.open(self._lake.file(table, day), "rb") as source:
            rows = pq.read_table(source, filters=chosen)
        contract = TABLES[table]
        if "day" not in rows.column_names:
            rows = with_constants(rows, day=day)
        return rows.select(contract.column_names).cast(contract.plain_schema)


def _told(rows: pa.Table, table: str, analysis: str, params_hash: str, day: date) -> pa.Table:
    """The rows with the columns that tell whose they are, in the contract's types."""
    contract = TABLES[table]
    rows = with_constants(rows, analysis=analysis, params_hash=params_hash, day=day)
    return rows.select(contract.column_names).cast(contract.plain_schema)
