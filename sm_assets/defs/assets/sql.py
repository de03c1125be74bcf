"""Tables that are one SELECT: staging, core, features.

Here: the factory; lineage is read out of the SQL files. Not here: any SQL (sql/).
"""

from collections.abc import Iterator

import dagster as dg

from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import counts, days_with_input, open_table, read_by_day, table_files, table_upstreams
from sm_assets.storage import Lake, TableRef

# Every source leads here: if it has no input, no file speaks of the days that were asked for.
WHOLE = "core_accounts"


def assets(lake: Lake) -> list[dg.AssetsDefinition]:
    """One asset per SQL file."""
    return [_sql_asset(lake, name) for name in table_files()]


def _sql_asset(lake: Lake, name: str) -> dg.AssetsDefinition:
    @dg.asset(ins=ins(lake, name, table_upstreams(name)), **one(lake, name))
    def select(context: dg.AssetExecutionContext, **refs: TableRef) -> Iterator[dg.Output[Rows]]:
        asked = partition_days(list(context.partition_keys))
        days = days_with_input(name, read_by_day(name, refs.values()), asked, required=name == WHOLE)
        with lake.connect() as con:
            data = open_table(con, lake, name, refs.values(), days)
            yield dg.Output(Rows(data, days, counts(con, name), reconcile=True))

    made: dg.AssetsDefinition = select
    return made
