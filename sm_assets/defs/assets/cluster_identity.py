"""out_cluster_links, out_cluster_ids: what became of the clusters of every analysis, per as-of day.

Here: the asset. Not here: the steps (`defs.cluster_history`), what goes on and what is new
(`sm_assets.analysis.cluster_identity`).
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg

from sm_assets.defs.assets.declare import common, ins, out
from sm_assets.defs.cluster_analyses import is_pictured, membership_tables, snapshot_days
from sm_assets.defs.cluster_sources import IDS, LINKS, cluster_sources, source_metadata, stale_days
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.windows import Results
from sm_assets.storage import Lake, TableRef

TABLES = (LINKS, IDS)


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The two tables as one asset over one lake."""
    upstream = membership_tables()

    @dg.multi_asset(
        name="link_clusters",
        outs={name: out(lake, name) for name in TABLES},
        ins=ins(lake, LINKS, upstream),
        internal_asset_deps={LINKS: {dg.AssetKey(name) for name in upstream}, IDS: {dg.AssetKey(LINKS)}},
        **common(lake),
    )
    def cluster_identity(context: dg.AssetExecutionContext, **refs: TableRef) -> Iterator[dg.Output[Rows]]:  # noqa: ARG001  # members of earlier days are read too, from the lake
        from sm_assets.defs.cluster_files import ClusterFiles  # loads kernels
        from sm_assets.defs.cluster_history import History

        days = snapshot_days(lake, partition_days(list(context.partition_keys)))
        told: dict[str, Any] = {"as_of": str(days[-1]) if days else "no snapshot"}
        with lake.workspace("identity") as folder, lake.connect() as con:
            results, sources = Results(folder), cluster_sources(lake, con)
            stale = sorted(set(stale_days(lake, sources)) - set(days))
            if stale:
                told["stale_links"] = f"days {', '.join(map(str, stale))}: older than their snapshots; make again"
            files = ClusterFiles(lake, con, folder, sources)
            for analysis, snapshots in sources.items():
                history = History(lake, files, analysis, snapshots, days)
                for day in days:
                    for name, rows in ((LINKS, history.links(day)), (IDS, history.ids(day))):
                        if rows is not None:
                            results.add(name, rows)
                if history.named and is_pictured(analysis):
                    told[f"lives_{analysis}"] = dg.MetadataValue.md(history.picture())
            for name in TABLES:
                metadata, footer = told if name == IDS else {}, partial(source_metadata, sources, name)
                rows = Rows(results.relation(con, name), days, metadata=metadata, file_metadata=footer)
                yield dg.Output(rows, name)

    made: dg.AssetsDefinition = cluster_identity
    return made
