"""Jobs: what people and schedules start by name.

Here: selections, and the tags by which a run says its days and who asked for it. Not here: when they run (`schedules`,
`sensors`), what ops do (`take_in_landing`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Final

import dagster as dg

from sm_assets.contracts import TABLES
from sm_assets.defs.take_in_landing import take_in_job
from sm_assets.storage import Lake

WHOLE_CHAIN: Final = "whole_chain"
REFRESH_DAYS: Final = "refresh_days"
MAKE_SNAPSHOTS: Final = "make_snapshots"
REBUILD_FOLLOWS: Final = "rebuild_follows"

FIRST_DAY: Final = "dagster/asset_partition_range_start"
LAST_DAY: Final = "dagster/asset_partition_range_end"
ASKED_BY: Final = "sm_assets/asked_by"
INTAKES: Final = "sm_assets/intakes"

_EVENT_TABLES = dg.AssetSelection.assets(*(table.name for table in TABLES.values() if table.partition == "event"))

# Sensors and schedules name them too: the same objects, wherever they are named.
whole_chain = dg.define_asset_job(
    WHOLE_CHAIN,
    selection=dg.AssetSelection.all(),
    description="Every table for a range of days: from landing files to networks, communities, personas.",
)
refresh_days = dg.define_asset_job(
    REFRESH_DAYS,
    selection=_EVENT_TABLES,
    description="The tables whose days are those of the events (raw, staging, core, features) for a range of days: "
    "what new files change.",
)
make_snapshots = dg.define_asset_job(
    MAKE_SNAPSHOTS,
    selection=dg.AssetSelection.all() - _EVENT_TABLES,
    description="Snapshots as of a day over the days before it: networks, audiences, personas and all else that looks "
    "back. The days before it must have been refreshed.",
)
rebuild_follows = dg.define_asset_job(
    REBUILD_FOLLOWS,
    selection=dg.AssetSelection.assets("core_follows").downstream() & _EVENT_TABLES,
    description="Follows, and what is made from them day by day (keys, sketches, accounts), for days whose follows "
    "were withdrawn.",
)


def all_jobs(lake: Lake) -> list[dg.UnresolvedAssetJobDefinition | dg.JobDefinition]:
    """Every job over one lake."""
    return [whole_chain, refresh_days, make_snapshots, rebuild_follows, take_in_job(lake)]


def range_tags(first: date, last: date, asked_by: str, intakes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Tags of a run over all days from `first` to `last`.

    Args:
        first: first day, UTC.
        last: last day, included.
        asked_by: name of the schedule or sensor.
        intakes: the last intake of each source; a run that fails is tried again when there is a later one.
    """
    tags = {FIRST_DAY: str(first), LAST_DAY: str(last), ASKED_BY: asked_by}
    return tags | ({INTAKES: json.dumps(intakes, sort_keys=True)} if intakes else {})
