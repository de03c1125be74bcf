"""Tables with many clusterings a day, read once: each file is kept on disk by clustering and looked up from there.

Here: members, published links and names by clustering. Not here: what they mean (`sm_assets.defs.cluster_history`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sm_assets.analysis.cluster_identity import Members
from sm_assets.analysis.pair_keys import pair_keys
from sm_assets.contracts import TABLES
from sm_assets.defs.cluster_analyses import Analysis
from sm_assets.defs.cluster_sources import Sources, made_from
from sm_assets.defs.sql import open_select, upstreams
from sm_assets.defs.windows import with_constants
from sm_assets.storage import Lake


class Shelf:
    """Tables that are made once, and of which one clustering is wanted at a time.

    Args:
        folder: private to the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[tuple[str, date], tuple[pa.Table, dict[str, tuple[int, int]]]] = {}

    def rows(self, name: str, day: date, analysis: str, make: Callable[[], pa.Table]) -> pa.Table:
        """Rows of one clustering in the order of the table.

        Args:
            name: of the table; with `day` it says which one.
            day: the as-of day.
            analysis: the clustering.
            make: gives the whole table, with a column `analysis` (never null); called once.
        """
        if (name, day) not in self._kept:
            self._kept[name, day] = self._laid_down(self._folder / f"shelf-{name}-{day}.arrow", make())
        table, places = self._kept[name, day]
        return table.slice(*places.get(analysis, (0, 0)))

    @staticmethod
    def _laid_down(path: Path, rows: pa.Table) -> tuple[pa.Table, dict[str, tuple[int, int]]]:
        """The rows by clustering, in a file that memory is mapped to; where each clustering begins, its rows."""
        names = pc.dictionary_encode(rows["analysis"].combine_chunks())
        codes = names.indices.to_numpy(zero_copy_only=False)
        order = np.argsort(codes, kind="stable")
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as file:
            file.write_table(rows.take(pa.array(order)))
        sizes = np.bincount(codes, minlength=len(names.dictionary))
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        places = {
            name: (int(start), int(size))
            for name, start, size in zip(names.dictionary.to_pylist(), starts, sizes, strict=False)
        }
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all(), places


class ClusterFiles:
    """Members, links and names of all clusterings on any day; each file is read once in a run.

    Args:
        lake: where they lie.
        con: an open connection.
        folder: private to the run.
        sources: snapshots as they are now.
    """

    def __init__(self, lake: Lake, con: duckdb.DuckDBPyConnection, folder: Path, sources: Sources) -> None:
        self._lake, self._con, self._sources = lake, con, sources
        self._shelf = Shelf(folder)
        self._current: dict[tuple[str, date], frozenset[str]] = {}

    def members(self, analysis: Analysis, day: date, name: str) -> Members:
        """Members of one clustering of a snapshot."""

        def read() -> pa.Table:
            refs = [self._lake.ref(table, [day]) for table in upstreams(analysis.members)]
            rows = open_select(self._con, self._lake, analysis.members, refs, [day]).to_arrow_table().drop_null()
            keys = pair_keys(rows["platform"], rows["item_id"])
            return pa.table({"analysis": rows["analysis"], "key": keys, "cluster_id": rows["cluster_id"]})

        rows = self._shelf.rows(analysis.table, day, name, read)
        keys = rows["key"].combine_chunks()
        return Members(keys if len(rows) else pa.array([], pa.string()), rows["cluster_id"].to_numpy())

    def published(self, table: str, day: date, name: str) -> pa.Table:
        """Published rows of one clustering on one day."""
        contract = TABLES[table]

        def read() -> pa.Table:
            with self._lake.fs.open(self._lake.file(table, day), "rb") as source:
                rows = pq.read_table(source)
            if "day" not in rows.column_names:
                rows = with_constants(rows, day=day)
            return rows.select(contract.column_names).cast(contract.plain_schema)

        return self._shelf.rows(table, day, name, read)

    def is_current(self, table: str, day: date, name: str) -> bool:
        """Whether the published rows of a clustering are made from the snapshots that are there now."""
        if (table, day) not in self._current:
            told = made_from(self._lake, table, day)
            self._current[table, day] = frozenset(
                each
                for each, snapshots in self._sources.items()
                if day in snapshots.by_day and told.get(each) == snapshots.by_day[day].told(table)
            )
        return name in self._current[table, day]
