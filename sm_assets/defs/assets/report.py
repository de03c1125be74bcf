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
from sm_assets.defs.sql import judged_by_day_and_file, judged_tables, table_upstreams
from sm_assets.defs.windows import Results
from sm_assets.sources import SOURCES
from sm_assets.sources.intake import manifests
from sm_assets.sources.report import NONE, file_facts, in_window, landing_counts, summed
from sm_assets.storage import Lake, TableRef

NAME = "out_ingest_report"


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
            core = _core_counts(con, lake, refs, facts)
            for day in days:
                first = day - timedelta(days=lake.settings.window_days - 1)
                rows = [row for row in landing if in_window(row, first, day)]
                rows += [row for found, counted in core.items() if first <= found <= day for row in counted]
                results.add(NAME, pa.Table.from_pylist(summed(rows, day), TABLES[NAME].plain_schema))
            totals: Counter[str] = Counter()
            for row in rows if days else ():
                totals[f"{row['stage']}: {row['disposition']} {row['reason']}"] += row["rows"]
            if days:
                shown = {day: rows for day, rows in core.items() if first <= day <= days[-1]}
                figure = {"rows_by_source": dg.MetadataValue.md(_figure(shown, totals))}
            else:
                figure = {}
            metadata = figure | {"last_window": counts_table(dict(sorted(totals.items())), "what became of the rows")}
            yield dg.Output(Rows(results.relation(con, NAME), days, metadata=metadata))

    made: dg.AssetsDefinition = out_ingest_report
    return made


def _figure(core: dict[date, list[dict[str, Any]]], totals: Counter[str]) -> str:
    from sm_assets.plots import rows_by_source  # draws with matplotlib

    rows = [
        {"day": day} | {name: row[name] for name in ("source", "disposition", "rows")}
        for day, counted in core.items()
        for row in counted
        if row["disposition"] != "in"
    ]
    schema = pa.schema(
        [("day", pa.date32()), ("source", pa.string()), ("disposition", pa.string()), ("rows", pa.int64())]
    )
    lost = {
        word: sum(n for entry, n in totals.items() if entry.startswith(f"landing: {word} "))
        for word in ("rejected", "ignored")
    }
    return rows_by_source.draw(pa.Table.from_pylist(rows, schema), lost)


def _core_counts(
    con: duckdb.DuckDBPyConnection, lake: Lake, refs: dict[str, TableRef], facts: dict[str, dict[str, Any]]
) -> dict[date, list[dict[str, Any]]]:
    """What became of the staged rows of each day and file in each table of core."""
    found: dict[date, list[dict[str, Any]]] = {}
    for table in judged_tables():
        read = [refs[name] for name in table_upstreams(table)]
        days = sorted({day for ref in read for day in ref.days})
        if not days:
            continue
        entity = table.removeprefix("core_")
        for day, path, entry, rows in judged_by_day_and_file(con, lake, table, read, days):
            disposition, _, reason = entry.partition("/")
            row = _about(facts, path) | {"stage": "core", "entity": entity, "column_name": NONE, "rows": rows}
            found.setdefault(day, []).extend(
                (
                    row | {"disposition": disposition, "reason": reason or NONE},
                    row | {"disposition": "in", "reason": NONE},
                )
            )
    return found


def _about(facts: dict[str, dict[str, Any]], path: str) -> dict[str, Any]:
    """Facts about a file; one that vanished since its rows were published is known by its path only."""
    return facts.get(path) or {"source": path.split("/")[1], "source_file": path, "source_sha256": ""}
