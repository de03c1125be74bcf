"""out_cluster_k: the numbers of clusters that each analysis tried.

Here: the asset; the rows stand in the records of the membership tables. Not here: how they come about
(`sm_assets.analysis.choice_of_k`).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.cluster_analyses import ANALYSES, is_pictured
from sm_assets.defs.clustering_record import clustering_records
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.storage import Lake, TableRef

NAME = "out_cluster_k"


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    schema = TABLES[NAME].plain_schema

    @dg.asset(ins=ins(lake, NAME, [each.table for each in ANALYSES]), **one(lake, NAME))
    def out_cluster_k(context: dg.AssetExecutionContext, **refs: TableRef) -> Iterator[dg.Output[Rows]]:
        from sm_assets.plots import cluster_k  # draws with matplotlib

        days = sorted(
            {day for ref in refs.values() for day in ref.days} & {*partition_days(list(context.partition_keys))}
        )
        rows = []
        for day in days:
            for each in ANALYSES:
                for name, record in clustering_records(lake, each.table, day).items():
                    told = {"analysis": name, "params_hash": record.params_hash, "day": day}
                    rows += [row | told for row in record.k_table]
        table = pa.Table.from_pylist(rows, schema)
        last: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            if row["day"] == days[-1] and is_pictured(row["analysis"]):
                last.setdefault(row["analysis"], []).append(row)
        figures = {
            f"choice_of_k_{name}": dg.MetadataValue.md(cluster_k.draw(pa.Table.from_pylist(own, schema)))
            for name, own in last.items()
        }
        yield dg.Output(Rows(table, days, metadata=figures))

    made: dg.AssetsDefinition = out_cluster_k
    return made
