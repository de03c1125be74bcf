"""out_persona_conversations: what members of personas wrote as threads, per as-of day.

Here: the asset. Not here: how threads come about (`sm_assets.analysis.conversations`), files for training
(`persona_exports`).
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.clustering_record import PERSONAS, required_record
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, input_file, open_select, upstreams
from sm_assets.defs.text_rules import register
from sm_assets.defs.windows import snapshot_refs, with_constants
from sm_assets.storage import ROW_GROUP, Lake, TableRef

NAME = "out_persona_conversations"


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""

    @dg.asset(ins=ins(lake, NAME, upstreams(input_file(NAME))), **one(lake, NAME))
    def out_persona_conversations(context: dg.AssetExecutionContext, **refs: TableRef) -> Iterator[dg.Output[Rows]]:
        days = days_with_input(NAME, [refs[PERSONAS]], partition_days(list(context.partition_keys)))
        # Both are filled while the rows come.
        counts: Counter[str] = Counter(rows_in=0)
        told: dict[str, Any] = {}

        def rows(con: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
            cut: Counter[str] = Counter()
            for day in days:
                window = snapshot_refs(refs.values(), day, lake.settings.window_days)
                yield from snapshot(con, lake, window, day, counts, cut).to_batches(max_chunksize=ROW_GROUP)
            told["cut"] = counts_table(cut, "what")

        with lake.connect() as con:
            stream = pa.RecordBatchReader.from_batches(TABLES[NAME].plain_schema, rows(con))
            # Every post that goes in comes out.
            yield dg.Output(Rows(stream, days, counts, is_sorted=True, reconcile=True, metadata=told))

    made: dg.AssetsDefinition = out_persona_conversations
    return made


def snapshot(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    window: list[TableRef],
    day: date,
    counts: Counter[str],
    cut: Counter[str],
) -> pa.Table:
    """Rows of one as-of day in the order of their key; what went in and what was broken is counted."""
    from sm_assets.analysis.conversations import conversations  # loads kernels

    record = required_record(lake, PERSONAS, day)
    register(con, record.rules)
    posts = open_select(con, lake, input_file(NAME), window, []).to_arrow_table()
    counts["rows_in"] += len(posts)
    found = conversations(posts)
    cut.update({"replies to themselves": found.n_self_replies, "loops of replies": found.n_loops})
    rows = with_constants(found.table, params_hash=record.params_hash, day=day)
    schema = TABLES[NAME].plain_schema
    return rows.select(schema.names).cast(schema)
