"""out_ingest_report: what became of every row of every file, per as-of day.

Here: the asset. Not here: counts of the way to raw (`sm_assets.sources.report`) and to core (sql/judgements/).
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import judged_by_file, judged_tables, table_upstreams
from sm_assets.defs.windows import Results, window_refs
from sm_assets.sources import SOURCES
from sm_assets.sources.intake import manifests
from sm_assets.sources.report import NONE, file_facts, in_window, landing_counts, typed
from sm_assets.storage import Lake, TableRef

NAME = "out_ingest_report"
_DISPOSITION = {"out": ("out", NONE)}


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    upstreams = sorted(
        {name for table in judged_tables() for name in table_upstreams(table)}
        | {name for source in SOURCES.values() for name in (*source.raw_tables, source.rejects_table)}
    )

    @dg.asset(ins=ins(lake, NAME, upstreams), **one(lake, NAME))
    def out_ingest_report(context: dg.AssetExecutionContext, **refs: TableRef) -> Iterator[dg.Output[Rows]]:
        asked = partition_days(list(context.partition_keys))
        files = {source: manifests(lake, source) for source in SOURCES}
        landing = [row for source, found in files.items() for row in landing_counts(lake, source, found)]
        facts = {path: file_facts(source, path, found[path]) for source, found in files.items() for path in found}
        newest = max((day for ref in refs.values() for day in ref.days), default=date.min)
        days = [day for day in asked if day <= newest]
        with lake.workspace("report") as folder, lake.connect() as con:
            results = Results(folder)
            for day in days:
                first = day - timedelta(days=lake.settings.window_days - 1)
                rows = [row for row in landing if in_window(row, first, day)]
                window = window_refs(refs.values(), day, lake.settings.window_days)
                rows += _core_counts(con, lake, window, facts)
                results.add(NAME, pa.Table.from_pylist(typed(rows, day), TABLES[NAME].plain_schema))
            totals: Counter[str] = Counter()
            for row in rows if days else ():
                totals[f"{row['stage']}: {row['disposition']} {row['reason']}"] += row["rows"]
            metadata = {"last_window": counts_table(dict(sorted(totals.items())), "what became of the rows")}
            yield dg.Output(Rows(results.relation(con, NAME), days, metadata=metadata))

    made: dg.AssetsDefinition = out_ingest_report
    return made


def _core_counts(
    con: duckdb.DuckDBPyConnection, lake: Lake, window: list[TableRef], facts: dict[str, dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """What became of the staged rows of each file in each table of core."""
    by_table = {ref.table: ref for ref in window}
    for table in judged_tables():
        refs = [by_table[name] for name in table_upstreams(table)]
        days = sorted({day for ref in refs for day in ref.days})
        if not days:
            continue
        entity = table.removeprefix("core_")
        totals: Counter[str] = Counter()
        for path, entry, rows in judged_by_file(con, lake, table, refs, days):
            disposition, reason = _DISPOSITION.get(entry) or entry.split("/", 1)
            totals[path] += rows
            yield _about(facts, path) | {
                "stage": "core",
                "entity": entity,
                "disposition": disposition,
                "reason": reason,
                "column_name": NONE,
                "rows": rows,
            }
        for path, rows in sorted(totals.items()):
            yield _about(facts, path) | {
                "stage": "core",
                "entity": entity,
                "disposition": "in",
                "reason": NONE,
                "column_name": NONE,
                "rows": rows,
            }


def _about(facts: dict[str, dict[str, Any]], path: str) -> dict[str, Any]:
    """Facts about a file; one that vanished since its rows were published is known by its path only."""
    return facts.get(path) or {"source": path.split("/")[1], "source_file": path, "source_sha256": ""}
