"""Vectors of accounts over a window: sums of what each wrote on each day.

Here: reading the daily sums, and holding a window to one embedder and one rule. Not here: which accounts are compared,
vectors of texts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.pair_keys import pair_keys
from sm_assets.analysis.text_rules import TextRules
from sm_assets.errors import MissingRecord, MixedVectors
from sm_assets.kernels.arrow import string_column
from sm_assets.storage import Lake, stream

TABLE: Final = "feat_account_embeddings"
RULES: Final = "sm.text_rules"
MADE_BY: Final = "sm.made_by"
"""In the files of languages and vectors of posts: the parameters that decide which posts count."""
_BATCH: Final = 16_384
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class VectorRules:
    """What the vectors of a day were made by.

    Attributes:
        embedder_id: of the vectors; empty: the day has none.
        params_hash: over the rules.
        rules: by which texts count.
    """

    embedder_id: str
    params_hash: str
    rules: TextRules

    def metadata(self) -> dict[str, str]:
        """As metadata of a day's file."""
        told = {"embedder_id": self.embedder_id, "params_hash": self.params_hash, "rules": self.rules.told()}
        return {RULES: json.dumps(told, sort_keys=True)}


class WindowVectors(NamedTuple):
    """Accounts of a window, sorted by platform and account_id.

    Attributes:
        platform: string[n].
        account_id: string[n].
        n_texts: int64[n].
        total: float64[n, d], sum of the vectors of the texts; d is 0 where no day has any.
    """

    platform: pa.Array
    account_id: pa.Array
    n_texts: npt.NDArray[np.int64]
    total: npt.NDArray[np.float64]


def rules_of(lake: Lake, days: Sequence[date]) -> VectorRules:
    """The rules that all days of a window, at least one, agree in.

    Raises:
        MissingRecord: no day tells any.
        MixedVectors: days differ in embedder or rules; names those to materialise again.
    """
    found: dict[date, dict[str, Any]] = {}
    for day in days:
        told = json.loads(lake.metadata(TABLE, day).get(RULES, "null"))
        if told is not None:
            found[day] = told
    if not found:
        raise MissingRecord(
            f"No file of {TABLE} of {min(days)} to {max(days)} tells by which rules texts count: materialise {TABLE} "
            "for these days again."
        )
    # A day without vectors does not say which embedder it would have had.
    spoken = {day: told for day, told in found.items() if told["embedder_id"]} or found
    kinds: dict[tuple[str, str], list[date]] = {}
    for day, told in spoken.items():
        kinds.setdefault((told["embedder_id"], told["params_hash"]), []).append(day)
    # The kind of most days stays; of equally many the one of the latest day.
    stays = max(kinds, key=lambda kind: (len(kinds[kind]), max(kinds[kind])))
    strange = sorted(day for kind, on in kinds.items() if kind != stays for day in on)
    if strange:
        shown = ", ".join(map(str, strange[:_SHOWN])) + (
            f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        )
        raise MixedVectors(
            f"The window of {min(days)} to {max(days)} holds vectors of {len(kinds)} embedders or rules; most have "
            f"embedder {stays[0]} and rules {stays[1]}. Materialise feat_post_embeddings and {TABLE} again with one "
            f"config for {shown}."
        )
    told = spoken[kinds[stays][0]]
    return VectorRules(told["embedder_id"], told["params_hash"], TextRules.of(told["rules"]))


def window_vectors(lake: Lake, con: duckdb.DuckDBPyConnection, days: Sequence[date]) -> WindowVectors:
    """Sums over the days, in the order of the days.

    Args:
        lake: where the table lies.
        con: an open connection.
        days: published days of a window.
    """
    ref = lake.ref(TABLE, days)
    lake.register(con, ref)
    accounts = con.sql(f"select distinct platform, account_id from {TABLE} order by all").to_arrow_table()
    names = pair_keys(accounts["platform"], accounts["account_id"])
    total, n_texts = np.empty((len(names), 0)), np.zeros(len(names), np.int64)
    for _, batch in stream(
        lake, TABLE, ref.days, ["platform", "account_id", "n_texts", "embedding_sum"], batch_rows=_BATCH
    ):
        if not batch.num_rows:
            continue
        sums = batch["embedding_sum"].flatten().to_numpy().reshape(batch.num_rows, -1)
        if not total.shape[1]:
            total = np.zeros((len(names), sums.shape[1]))
        place = pc.index_in(pair_keys(batch["platform"], batch["account_id"]), value_set=names).to_numpy()
        # An account has one row a day, and a batch lies inside a day: no place occurs twice.
        total[place] += sums
        n_texts[place] += batch["n_texts"].to_numpy()
    return WindowVectors(string_column(accounts["platform"]), string_column(accounts["account_id"]), n_texts, total)
