"""out_persona_conversations: what members of personas wrote as threads, per as-of day.

Here: the asset. Not here: how threads come about (`sm_assets.analysis.conversations`), files for training
(`persona_exports`).
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date

import dagster as dg
import duckdb
import pyarrow as pa

from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.clustering_record import clustering_record
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import input_file, open_select, upstreams
from sm_assets.defs.text_rules import register
from sm_assets.defs.windows import Results, snapshot_refs
from sm_assets.storage import Lake, TableRef

NAME = "out_persona_conversations"
MEMBERS = "out_personas"
ROWS_IN = "rows_in"


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""

    @dg.asset(ins=ins(lake, NAME, upstreams(input_file(NAME))), **one(lake, NAME))
    def out_persona_conversations(context: dg.AssetExecutionContext, **refs: TableRef) -> Iterator[dg.Output[Rows]]:
        days = [day for day in partition_days(list(context.partition_keys)) if day in refs[MEMBERS].days]
        counts: Counter[str] = Counter()
        with lake.workspace("conversations") as folder, lake.connect() as con:
            results = Results(folder)
            for day in days:
                window = snapshot_refs(refs.values(), day, lake.settings.window_days)
                results.add(NAME, _snapshot(con, lake, window, day, counts))
            told = {"cut": counts_table({what: n for what, n in counts.items() if what != ROWS_IN}, "what")}
            # Every post that goes in comes out.
            rows = Rows(results.relation(con, NAME), days, {ROWS_IN: counts[ROWS_IN]}, reconcile=True, metadata=told)
            yield dg.Output(rows)

    made: dg.AssetsDefinition = out_persona_conversations
    return made


def _snapshot(
    con: duckdb.DuckDBPyConnection, lake: Lake, window: list[TableRef], day: date, counts: Counter[str]
) -> pa.Table:
    """Rows of one as-of day; what went in and what was broken is added to the counts."""
    from sm_assets.analysis.conversations import conversations  # loads kernels

    record = clustering_record(lake, MEMBERS, day)
    assert record is not None, f"{MEMBERS} day={day} was written without its record"
    register(con, record.rules)
    posts = open_select(con, lake, input_file(NAME), window, []).to_arrow_table()
    found = conversations(posts)
    counts.update(
        {
            ROWS_IN: len(posts),
            "replies to themselves": found.n_self_replies,
            "loops of replies": found.n_loops,
        }
    )
    rows = found.table
    for name, value in {"params_hash": record.params_hash, "day": day}.items():
        rows = rows.append_column(name, pa.repeat(pa.scalar(value), len(rows)))
    return rows
