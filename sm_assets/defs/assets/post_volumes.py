"""out_post_volumes: how many posts each hour and day of a window saw.

Here: the asset and its parameter. Not here: counting (sql/inputs/), filling up with 0 (`sm_assets.analysis`).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa

from sm_assets.analysis.post_volumes import busiest_day, window_volumes
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import input_file, open_select, upstreams
from sm_assets.defs.windows import (
    Results,
    Snapshots,
    chosen_days,
    snapshots_field,
    window_days_of,
    window_refs,
    with_constants,
)
from sm_assets.storage import Lake, TableRef

NAME = "out_post_volumes"
POSTS, MINUTES = "core_posts", "feat_post_volumes"


class PostVolumesConfig(dg.Config):
    """Which snapshots are made."""

    snapshots: Snapshots = snapshots_field("every_day")


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    path = input_file(NAME)

    @dg.asset(ins=ins(lake, NAME, sorted({*upstreams(path), MINUTES})), **one(lake, NAME))
    def out_post_volumes(
        context: dg.AssetExecutionContext, config: PostVolumesConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        asked = partition_days(list(context.partition_keys))
        days = chosen_days(window_days_of(lake, POSTS, asked), config.snapshots, lake.days(NAME))
        told: dict[str, Any] = {}
        with lake.workspace("volumes") as folder, lake.connect() as con:
            results = Results(folder)
            # An hour is the same in every window: each is counted once, whatever the number of snapshots.
            counted = open_select(con, lake, path, refs.values(), []).to_arrow_table()
            for day in days:
                known = window_refs([refs[POSTS]], day, lake.settings.window_days)[0].days
                volumes = window_volumes(counted, known)
                results.add(NAME, with_constants(volumes, day=day))
            if days:
                told = _figures(con, lake, volumes, days[-1], refs[MINUTES])
            yield dg.Output(Rows(results.relation(con, NAME), days, metadata=told))

    made: dg.AssetsDefinition = out_post_volumes
    return made


def _figures(
    con: duckdb.DuckDBPyConnection, lake: Lake, volumes: pa.Table, day: date, minutes: TableRef
) -> dict[str, Any]:
    """Pictures of the last as-of day: hours of the window, minutes of its busiest day."""
    from sm_assets.plots import busiest_day as by_minute  # draws with matplotlib
    from sm_assets.plots import post_volumes as by_hour

    window = (day - timedelta(days=lake.settings.window_days - 1), day)
    told = {"as_of": str(day), "posts_by_hour": dg.MetadataValue.md(by_hour.draw(volumes, window))}
    busiest = busiest_day(volumes)
    if busiest not in minutes.days:
        return told
    rows = lake.register(con, TableRef(minutes.table, (busiest,))).to_arrow_table()
    return told | {"busiest_day": dg.MetadataValue.md(by_minute.draw(rows, busiest))}
