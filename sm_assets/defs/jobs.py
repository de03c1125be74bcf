"""Jobs: what people and schedules start by name.

Here: selections. Not here: when they run (`schedules`, `sensors`).
"""

from __future__ import annotations

from typing import Final

import dagster as dg

from sm_assets.contracts import TABLES

WHOLE_CHAIN: Final = "whole_chain"
REFRESH_DAYS: Final = "refresh_days"
MAKE_SNAPSHOTS: Final = "make_snapshots"


def all_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """Every job over assets."""
    days = dg.AssetSelection.assets(*(table.name for table in TABLES.values() if table.partition == "event"))
    return [
        dg.define_asset_job(
            WHOLE_CHAIN,
            selection=dg.AssetSelection.all(),
            description="Every table for a range of days: from landing files to networks, communities, personas.",
        ),
        dg.define_asset_job(
            REFRESH_DAYS,
            selection=days,
            description="The tables whose days are those of the events (raw, staging, core, features) for a range of "
            "days: what new files change.",
        ),
        dg.define_asset_job(
            MAKE_SNAPSHOTS,
            selection=dg.AssetSelection.all() - days,
            description="Snapshots as of a day over the days before it: networks, audiences, personas and all else "
            "that looks back. The days before it must have been refreshed.",
        ),
    ]
