"""The analyses whose clusters share tables of words, topics, medoids, ids and maps.

Here: their names, and where members, texts and vectors come from. To add one: its membership table, three SELECTs, its
vectors, one line here. Not here: how members come about, what is made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.defs.account_vectors import window_vectors
from sm_assets.defs.clustering_record import PERSONAS
from sm_assets.defs.sql import input_file, upstreams
from sm_assets.storage import Lake


class Vectors(NamedTuple):
    """Items with their vectors: platform string[n], item_id string[n], vector float64[n, d] of any length."""

    platform: pa.Array
    item_id: pa.Array
    vector: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis.

    Attributes:
        name: as the shared tables call it.
        table: its membership table.
        vector_table: the event table that vectors come from.
        vectors: (lake, connection, published days of `vector_table` in the window) -> what the map places; members
            without a vector are not among them, others than members may be.
    """

    name: str
    table: str
    vector_table: str
    vectors: Callable[[Lake, duckdb.DuckDBPyConnection, Sequence[date]], Vectors]

    @property
    def members(self) -> Path:
        """SELECT of platform, item_id, cluster_id (null: in none) over one as-of day of the membership table."""
        return input_file(f"{self.name}_members")

    @property
    def texts(self) -> Path:
        """SELECT of the members' texts in the window.

        platform, post_id, account_id, cluster_id, text, text_key, posted_at, lang, day; each with a row in
        feat_post_embeddings.
        """
        return input_file(f"{self.name}_texts")

    @property
    def names(self) -> Path:
        """SELECT of platform, item_id, cluster_id, name over one as-of day, sorted by platform and item_id.

        What the map shows, one row per member.
        """
        return input_file(f"{self.name}_names")


def _account_vectors(lake: Lake, con: duckdb.DuckDBPyConnection, days: Sequence[date]) -> Vectors:
    found = window_vectors(lake, con, days)
    return Vectors(found.platform, found.account_id, found.total)


ANALYSES: Final = (Analysis("personas", PERSONAS, "feat_account_embeddings", _account_vectors),)


def inputs_of(*selects: str) -> list[str]:
    """Every table that the named SELECTs (members, texts, names) of all analyses read."""
    return sorted({name for each in ANALYSES for select in selects for name in upstreams(getattr(each, select))})


def snapshot_days(lake: Lake, asked: Iterable[date]) -> list[date]:
    """Those of the days on which at least one analysis has a snapshot."""
    present = {day for each in ANALYSES for day in lake.days(each.table)}
    return sorted(set(asked) & present)
