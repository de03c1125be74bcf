"""Tables that are one SELECT: staging, core, features.

Here: the factory; lineage is read out of the SQL files. Not here: any SQL (sql/).
"""

from collections.abc import Iterator

import dagster as dg

from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import ALL_DAYS, partition_days
from sm_assets.defs.sql import counts, days_with_input, open_select, table_files, upstreams
from sm_assets.storage import Lake, TableRef


def assets(lake: Lake) -> list[dg.AssetsDefinition]:
    """One asset per SQL file."""
    return [_sql_asset(lake, name) for name in table_files()]


def _sql_asset(lake: Lake, name: str) -> dg.AssetsDefinition:
    path = table_files()[name]

    @dg.asset(ins=ins(lake, name, upstreams(path)), **one(lake, name))
    def select(context: dg.AssetExecutionContext, **refs: TableRef) -> Iterator[dg.Output[Rows]]:
        days = days_with_input(name, refs.values(), partition_days(list(context.partition_keys)))
        read = [lake.ref(ref.table) for ref in refs.values()] if name in ALL_DAYS else list(refs.values())
        with lake.connect() as con:
            data = open_select(con, lake, path, read, days)
            yield dg.Output(Rows(data, days, counts(con, name), reconcile=True))

    made: dg.AssetsDefinition = select
    return made
