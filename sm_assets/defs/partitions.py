"""The one partition definition, and how days of one table come from days of another.

Here: daily UTC partitions and their mappings. Not here: which days a run may publish (`sources.intake`, `defs.sql`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg

from sm_assets.contracts import TABLES
from sm_assets.errors import SettingsError
from sm_assets.settings import Settings


def daily(settings: Settings) -> dg.DailyPartitionsDefinition:
    """UTC days from the start day to today, today included: an export is dropped on the day it is made."""
    return dg.DailyPartitionsDefinition(start_date=str(settings.start_day), timezone="UTC", end_offset=1)


def mapping(settings: Settings, table: str, upstream: str) -> dg.PartitionMapping:
    """Which days of `upstream` a day of `table` is made from, as the lineage says it.

    Some tables look through all days of an upstream (withdrawals, profiles carried forward, follows). The lineage still
    says day to day: with a mapping of all days a backfill would run such a table, and all that follows, in runs of
    their own.
    """
    made, source = TABLES[table], TABLES[upstream]
    if made.partition == "as_of" and made.reach == "window" and source.partition == "event":
        return dg.TimeWindowPartitionMapping(start_offset=1 - settings.window_days, end_offset=0)
    return dg.TimeWindowPartitionMapping()


def first_and_last_day(settings: Settings) -> tuple[date, date]:
    """First and last day that there are partitions of.

    Raises:
        SettingsError: there is none yet.
    """
    today = datetime.now(UTC).date()
    if settings.start_day > today:
        raise SettingsError(
            f"SM_ASSETS_START_DAY is {settings.start_day}, which lies ahead: there is no day to make. Set it to "
            f"{today} or earlier, and reload."
        )
    return settings.start_day, today


def partition_days(keys: list[str]) -> list[date]:
    """Partition keys as days."""
    return [date.fromisoformat(key) for key in keys]
