"""The snapshots of one clustering in their order: links between neighbours, names over all of them.

Here: making links and names that are not there or not current. Not here: reading files (`defs.cluster_files`), which
snapshots belong together (`defs.cluster_sources`), what goes on and what is new (`analysis.cluster_identity`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from sm_assets.analysis.cluster_identity import Members, cluster_ids, cluster_links
from sm_assets.contracts import TABLES
from sm_assets.defs.cluster_files import ClusterFiles
from sm_assets.defs.cluster_sources import IDS, LINKS, Snapshots
from sm_assets.defs.windows import with_constants
from sm_assets.storage import Lake

_SHOWN_DAYS: Final = 60


class History:
    """Snapshots of one clustering, those made in this run and those before."""

    def __init__(
        self,
        lake: Lake,
        files: ClusterFiles,
        name: str,
        snapshots: Snapshots,
        days: Sequence[date],
    ) -> None:
        """Make the links of `days` anew; those of other days are read where they are made from what is there now."""
        self._files, self._name = files, name
        self._analysis, self._sources = snapshots
        self._anew = set(days)
        self._published = {table: set(lake.days(table)) - self._anew for table in (LINKS, IDS)}
        self._links: dict[date, pa.Table] = {}
        self._ids: dict[date, pa.Table] = {}
        self._members: tuple[date, Members] | None = None

    def links(self, day: date) -> pa.Table | None:
        """Rows of out_cluster_links of a day; None: there is no snapshot, or none before it."""
        if day not in self._sources or self._sources[day].previous is None:
            return None
        if day not in self._links:
            self._links[day] = (
                self._files.published(LINKS, day, self._name) if self._is_current(LINKS, day) else self._linked(day)
            )
        return self._links[day]

    def ids(self, day: date) -> pa.Table | None:
        """Rows of out_cluster_ids of a day; None: there is no snapshot."""
        if day not in self._sources:
            return None
        self._ids[day] = self._named(day)
        return self._ids[day]

    @property
    def named(self) -> bool:
        """Whether any day that was asked for has a snapshot."""
        return bool(self._ids)

    def picture(self) -> str:
        """Figure of the names up to the last day that was asked for; there must be one."""
        from sm_assets.plots import cluster_lives  # draws with matplotlib

        last = max(self._ids)
        first = last - timedelta(days=_SHOWN_DAYS - 1)
        shown = [self._shown(day) for day in self._sources if first <= day <= last]
        picture: str = cluster_lives.draw(pa.concat_tables(rows for rows in shown if rows is not None))
        return picture

    def _shown(self, day: date) -> pa.Table | None:
        """Names of a day as they are or would be now; None: none were made yet."""
        if day in self._ids:
            return self._ids[day]
        if day not in self._published[IDS]:
            return None
        return self._files.published(IDS, day, self._name) if self._is_current(IDS, day) else self._named(day)

    def _is_current(self, table: str, day: date) -> bool:
        return day in self._published[table] and self._files.is_current(table, day, self._name)

    def _named(self, day: date) -> pa.Table:
        name = self._name
        clusters = [int(number) for number in np.unique(self._of(day).cluster) if number >= 0]
        return _told(cluster_ids(name, day, clusters, self.links), IDS, name, self._params_hash(day), day)

    def _linked(self, day: date) -> pa.Table:
        previous_day, params_hash = self._sources[day].previous, self._params_hash(day)
        assert previous_day is not None
        changed = self._params_hash(previous_day) != params_hash
        before = self._of(previous_day)
        found = cluster_links(before, self._of(day), previous_day=previous_day, params_changed=changed)
        return _told(found, LINKS, self._name, params_hash, day)

    def _params_hash(self, day: date) -> str:
        return self._sources[day].params_hash

    def _of(self, day: date) -> Members:
        """Members of a snapshot; the last ones read are kept, as they are those before the next."""
        if self._members is None or self._members[0] != day:
            self._members = (day, self._files.members(self._analysis, day, self._name))
        return self._members[1]


def _told(rows: pa.Table, table: str, analysis: str, params_hash: str, day: date) -> pa.Table:
    """The rows with the columns that tell whose they are, in the contract's types."""
    contract = TABLES[table]
    rows = with_constants(rows, analysis=analysis, params_hash=params_hash, day=day)
    return rows.select(contract.column_names).cast(contract.plain_schema)
