"""Trailing windows: the days behind an as-of day, and results that are computed day by day.

Here: cutting references, holding a window to one content mode, keeping results on disk until they are published. Not
here: any analysis.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from sm_assets.contracts import TABLES
from sm_assets.errors import MixedContents
from sm_assets.storage import Lake, TableRef, parquet_sql

_SHOWN = 20
_SUNDAY = 7

Snapshots: TypeAlias = Literal["weekly_and_last", "every_day", "weekly", "last_day"]
"""Which of the as-of days asked for are made: `chosen_days`."""


def snapshots_field(default: Snapshots = "weekly_and_last") -> Any:
    """The parameter `snapshots` of an asset: a window looks back over weeks, and one a day is seldom worth its time."""
    return Field(
        default=default,
        description="Which of the as-of days asked for are made. weekly: Sundays; weekly_and_last: these and the last "
        "day of the range. Days that have rows already are made again in any case, so that what was withdrawn goes.",
    )


def window_refs(refs: Iterable[TableRef], as_of: date, window_days: int) -> list[TableRef]:
    """The references cut to the window that ends with `as_of`."""
    first = as_of - timedelta(days=window_days - 1)
    return [TableRef(ref.table, tuple(day for day in ref.days if first <= day <= as_of)) for ref in refs]


def snapshot_refs(refs: Iterable[TableRef], as_of: date, window_days: int) -> list[TableRef]:
    """The references as a snapshot reads them: events of its window, other snapshots of its own day."""
    return [
        TableRef(ref.table, tuple(day for day in ref.days if day == as_of))
        if TABLES[ref.table].partition == "as_of"
        else window_refs([ref], as_of, window_days)[0]
        for ref in refs
    ]


def window_days_of(lake: Lake, table: str, asked: Iterable[date]) -> list[date]:
    """As-of days that have at least one day of a table in their window, and none later than the newest of its days.

    A backfill asks for every as-of day that a renewed day is in the window of, those to come included; a snapshot of a
    day that nothing is known of yet would be a window with its end missing.
    """
    source = lake.ref(table)
    newest = max(source.days, default=date.min)
    return [day for day in asked if day <= newest and window_refs([source], day, lake.settings.window_days)[0].days]


def chosen_days(days: Sequence[date], snapshots: Snapshots, present: Iterable[date]) -> list[date]:
    """Which of the as-of days are made.

    Args:
        days: ascending.
        snapshots: every_day, weekly (Sundays, whatever range they are asked for in), last_day, weekly_and_last.
        present: days that have a snapshot: they are made again, for something may have been withdrawn since.
    """
    sundays, last = {day for day in days if day.isoweekday() == _SUNDAY}, set(days[-1:])
    made = {"every_day": set(days), "weekly": sundays, "last_day": last, "weekly_and_last": sundays | last}[snapshots]
    return [day for day in days if day in made.union(present)]


def check_one_version(versions: Iterable[Mapping[str, Any]], as_of: date, content_mode: str) -> None:
    """Hold a window to one content mode and version.

    Args:
        versions: rows of day, content_mode, content_version.
        as_of: last day of the window.
        content_mode: the mode asked for.

    Raises:
        MixedContents: names the days to materialise again.
    """
    rows = list(versions)
    days: Counter[str] = Counter(row["content_version"] for row in rows if row["content_mode"] == content_mode)
    # The version of most days stays; of equally many the later one.
    version = max(days, key=lambda name: (days[name], name), default=None)
    strange = sorted(
        {row["day"] for row in rows if (row["content_mode"], row["content_version"]) != (content_mode, version)}
    )
    if strange:
        found = sorted({f"{row['content_mode']} {row['content_version']}" for row in rows})
        shown = ", ".join(map(str, strange[:_SHOWN])) + (
            f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        )
        raise MixedContents(
            f"The window up to {as_of} holds contents of {', '.join(found)}; asked for is {content_mode}. Materialise "
            f"core_post_contents and feat_account_content again for {shown}."
        )


class Results:
    """Tables of many as-of days, on disk until they are published together."""

    def __init__(self, folder: Path) -> None:
        """Keep them below `folder`."""
        self._folder = folder
        self._files: dict[str, list[str]] = {}

    def add(self, name: str, rows: pa.Table) -> None:
        """Keep the rows of one as-of day."""
        files = self._files.setdefault(name, [])
        path = self._folder / f"{name}-{len(files)}.parquet"
        pq.write_table(rows.select(TABLES[name].column_names).cast(TABLES[name].plain_schema), path)
        files.append(str(path))

    def relation(self, con: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyRelation:
        """All rows of a table."""
        if name not in self._files:
            return con.sql(TABLES[name].empty_sql())
        return con.sql(parquet_sql(self._files[name], day_from_folder=False))


def with_constants(rows: pa.Table, **values: Any) -> pa.Table:
    """The rows with columns that hold one value each (text, number or day)."""
    for name, value in values.items():
        rows = rows.append_column(name, pa.repeat(pa.scalar(value), len(rows)))
    return rows
