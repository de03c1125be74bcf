"""Staged rows written by hand, and the tables of core made of them.

Here: helpers for tests of the rules of core. Not here: any fact about a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.defs.sql import counts, open_table, table_upstreams
from sm_assets.storage import Lake, Published

DAY = date(2024, 3, 1)
_DEFAULTS: dict[str, Any] = {
    "source_sha256": "f" * 64,
    "source_item": 0,
    "is_context": False,
    "operation": "create",
    "time_source": "client",
    "post_kind": "post",
    "text_is_truncated": False,
    "media_kind": "none",
    "delivery": "file",
    "account_kind": "account",
    "is_snapshot": False,
    "action": "purge",
    "reason": "deleted",
}
_TIMES = {"posts": "posted_at", "interactions": "interacted_at", "follows": "followed_at", "tombstones": "deleted_at"}


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    """A time on a day."""
    return datetime(day.year, day.month, day.day, hour, minute)


def stage(lake: Lake, table: str, rows: Iterable[Mapping[str, Any]], days: Iterable[date] = ()) -> None:
    """Publish staged rows; what they leave out is null or a plain default. `days`: days without rows as well."""
    contract = TABLES[table]
    source, entity = table.removeprefix("stg_").split("__")
    full = []
    for number, row in enumerate(rows, 1):
        day = row.get("day", DAY)
        made = {
            "source": source,
            "platform": {"crowdtangle": "facebook", "edges": "other"}.get(source, source),
            "source_file": f"landing/{source}/file",
            "source_row": number,
            "observed_at": at(day),
            "day": day,
        }
        if entity in _TIMES:
            made[_TIMES[entity]] = at(day)
        full.append({name: (_DEFAULTS | made | dict(row)).get(name) for name in contract.column_names})
    data = pa.Table.from_pylist(full, contract.plain_schema)
    lake.publish(contract, data, {*days, *(row["day"] for row in full)})


def make(lake: Lake, table: str, days: Iterable[date]) -> tuple[Published, dict[str, int]]:
    """Make one table for days as its asset does; (what was published, rows by disposition)."""
    asked = sorted(set(days))
    with lake.connect() as con:
        refs = [lake.ref(name, asked) for name in table_upstreams(table)]
        data = open_table(con, lake, table, refs, asked)
        found = counts(con, table)
        expected = 2 * found["rows_in"] - sum(found.values()) if found else None
        return lake.publish(TABLES[table], data, asked, expected_rows=expected), found


def rows(lake: Lake, table: str, columns: str, order: str = "all") -> list[tuple[Any, ...]]:
    """Columns of all days of a table."""
    with lake.connect() as con:
        lake.register(con, lake.ref(table))
        return con.sql(f"select {columns} from {table} order by {order}").fetchall()
