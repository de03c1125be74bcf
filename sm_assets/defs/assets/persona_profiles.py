"""out_persona_profiles: what each persona is, says and does.

Here: the asset. Not here: how the row is put together (`sm_assets.analysis.persona_profiles`), the report's layout
(`sm_assets.analysis.persona_report`).
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa

from sm_assets.analysis.terms import shared_terms
from sm_assets.contracts import TABLES
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.clustering_record import PERSONAS, required_record
from sm_assets.defs.exposure_record import exposure_record
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, input_file, open_select, upstreams
from sm_assets.defs.text_rules import register
from sm_assets.defs.windows import Results, snapshot_refs, with_constants
from sm_assets.storage import Lake, TableRef

NAME = "out_persona_profiles"
ANALYSIS = "personas"
TERMS = "out_cluster_terms"
SUMMARIES = (TERMS, "out_cluster_topics", "out_cluster_medoids")
_INPUTS = tuple(input_file(f"{NAME}_{name}") for name in ("counts", "languages"))


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    upstream = sorted({PERSONAS, *SUMMARIES, *(name for path in _INPUTS for name in upstreams(path))})

    @dg.asset(ins=ins(lake, NAME, upstream), **one(lake, NAME))
    def out_persona_profiles(context: dg.AssetExecutionContext, **refs: TableRef) -> Iterator[dg.Output[Rows]]:
        from sm_assets.analysis.persona_report import persona_report

        days = days_with_input(NAME, [refs[PERSONAS]], partition_days(list(context.partition_keys)))
        told: dict[str, Any] = {}
        with lake.workspace("profiles") as folder, lake.connect() as con:
            results = Results(folder)
            for day in days:
                rows = _snapshot(con, lake, list(refs.values()), day)
                results.add(NAME, rows)
                # Dagster keeps metadata for good, and no purge reaches it: what people wrote stays out of it.
                report = persona_report(rows, shared_terms=_shared_terms(con))
                told = {"as_of": str(day), "report": dg.MetadataValue.md(report)}
            yield dg.Output(Rows(results.relation(con, NAME), days, metadata=told))

    made: dg.AssetsDefinition = out_persona_profiles
    return made


def _snapshot(con: duckdb.DuckDBPyConnection, lake: Lake, refs: list[TableRef], day: date) -> pa.Table:
    from sm_assets.analysis.persona_profiles import persona_profiles
    from sm_assets.defs.cluster_summaries import topics_status  # loads kernels

    record = required_record(lake, PERSONAS, day)
    register(con, record.rules)
    snapshot = snapshot_refs(refs, day, lake.settings.window_days)
    counts, languages = (open_select(con, lake, path, snapshot, []).to_arrow_table() for path in _INPUTS)
    of_day = {ref.table: ref for ref in snapshot}
    words = {
        name: lake.register(con, of_day[name]).filter(f"analysis = '{ANALYSIS}'").to_arrow_table() for name in SUMMARIES
    }
    table = persona_profiles(
        lake.register(con, of_day[PERSONAS]).to_arrow_table(),
        counts,
        languages,
        *(words[name] for name in SUMMARIES),
        topics_status=topics_status(lake, ANALYSIS, day),
        geometry=record.record.get("personas", {"silhouette": [], "nearest": []}),
        estimated=exposure_record(lake, day) is not None,
        params_hash=record.params_hash,
        schema=pa.schema([item for item in TABLES[NAME].plain_schema if item.name != "day"]),
    )
    return with_constants(table, day=day)


def _shared_terms(con: duckdb.DuckDBPyConnection) -> dict[int, list[str]]:
    """Of each persona of the snapshot that was just read, the terms that at least two of its accounts use."""
    return shared_terms(con.table(TERMS).filter(f"analysis = '{ANALYSIS}'").to_arrow_table())
