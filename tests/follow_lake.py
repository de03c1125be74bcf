"""A lake with follows, and runs of the audience tables over it.

Here: helpers for tests of audiences. Not here: any fact about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pyarrow as pa
from forgetful import forgetful

from sm_assets.contracts import TABLES
from sm_assets.defs.run import materialise_range
from sm_assets.storage import Lake

START = date(2024, 3, 1)
FEATURES = ("feat_follow_keys", "feat_audience_sketches", "feat_audience_sizes", "feat_audiences")
_FIXED: dict[str, Any] = {
    "source": "edges",
    "source_file": "landing/edges/file.csv",
    "source_sha256": "f" * 64,
    "source_row": 1,
    "source_item": 0,
    "is_snapshot": True,
    "is_context": False,
    "revision": "1",
    "time_source": "observed",
}


def day_number(n: int) -> date:
    """The n-th day."""
    return date.fromordinal(START.toordinal() + n)


def publish_follows(lake: Lake, follows: Mapping[date, Iterable[tuple[str, str, str]]]) -> None:
    """Publish days of core_follows out of (platform, follower, followed)."""
    contract = TABLES["core_follows"]
    rows = []
    for day, edges in follows.items():
        for platform, follower, followed in edges:
            rows.append(
                _FIXED
                | {
                    "platform": platform,
                    "follower_account_id": follower,
                    "followed_account_id": followed,
                    "follow_id": f"{follower}>{followed}",
                    "followed_at": None,
                    "observed_at": datetime.combine(day, time(12)),
                    "day": day,
                }
            )
    full = [{name: row.get(name) for name in contract.column_names} for row in rows]
    lake.publish(contract, pa.Table.from_pylist(full, contract.plain_schema), list(follows))


def run(lake: Lake, first: date, last: date, tables: Sequence[str] = FEATURES, **config: Mapping[str, Any]) -> bool:
    """Materialise tables over a range; `config` by step."""
    return materialise_range(
        lake.settings,
        first,
        last,
        tables=tables,
        run_config={"ops": {step: {"config": dict(values)} for step, values in config.items()}},
        instance=forgetful(),
        raise_on_error=True,
        log_level="ERROR",
    )


def read(lake: Lake, table: str, day: date) -> pa.Table:
    """All rows of one day."""
    import pyarrow.parquet as pq

    with lake.fs.open(lake.file(table, day), "rb") as source:
        return pq.read_table(source)


def matrix(table: pa.Table) -> np.ndarray:
    """uint32[n, k] of the signatures."""
    column = table.column("signature").combine_chunks()
    return column.flatten().to_numpy().reshape(len(table), -1)
