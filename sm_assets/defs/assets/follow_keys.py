"""feat_follow_keys: follows as numbers.

Here: the asset. Not here: hashing (`sm_assets.analysis.follow_keys`), what a key is (`contracts.sketches`).
"""

from collections import Counter
from collections.abc import Iterator

import dagster as dg
import duckdb
import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.contracts.sketches import KEY, MADE_FROM, key_id
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, input_file, open_select
from sm_assets.errors import SketchInputError
from sm_assets.storage import DIGEST, Lake, TableRef

NAME, SOURCE = "feat_follow_keys", "core_follows"
_BATCH = 131_072


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    settings = lake.settings

    @dg.asset(ins=ins(lake, NAME, [SOURCE]), **one(lake, NAME))
    def feat_follow_keys(context: dg.AssetExecutionContext, **refs: TableRef) -> Iterator[dg.Output[Rows]]:
        days = days_with_input(NAME, refs.values(), partition_days(list(context.partition_keys)))
        seen: Counter[str] = Counter()
        # A connection reads one stream at a time; the engine behind both is one.
        with lake.connect() as con, lake.connect() as sorter:
            rows = _sorted_rows(con, sorter, lake, TableRef(SOURCE, tuple(days)), seen)
            sources = {day: lake.metadata(SOURCE, day)[DIGEST] for day in days}
            yield dg.Output(
                Rows(
                    rows,
                    days,
                    seen,
                    reconcile=True,
                    is_sorted=True,
                    file_metadata=lambda day: {KEY: key_id(settings), MADE_FROM: sources[day]},
                )
            )

    made: dg.AssetsDefinition = feat_follow_keys
    return made


def _sorted_rows(
    con: duckdb.DuckDBPyConnection,
    sorter: duckdb.DuckDBPyConnection,
    lake: Lake,
    follows: TableRef,
    seen: Counter[str],
) -> pa.RecordBatchReader:
    """Rows of the table in its order: DuckDB numbers the accounts and sorts, which it does on disk where it must."""
    from sm_assets.analysis.follow_keys import NUMBERED, key_rows, keyed  # loads kernels

    settings, schema = lake.settings, TABLES[NAME].plain_schema
    seed = settings.key_seed if settings.key_rule == "xxh64" else 0
    secret = settings.key_secret.encode() if settings.key_rule == "secret" and settings.key_secret else None
    accounts = open_select(con, lake, input_file(f"{NAME}_accounts"), [follows], follows.days).to_arrow_table()

    refused: list[SketchInputError] = []

    def key_batches() -> Iterator[pa.RecordBatch]:
        for batch in open_select(con, lake, input_file(NAME), [follows], follows.days).to_arrow_reader(_BATCH):
            seen["rows_in"] += batch.num_rows
            try:
                yield keyed(batch, rule=settings.key_rule, seed=seed, secret=secret)
            except SketchInputError as error:
                refused.append(error)
                raise

    def ordered() -> Iterator[pa.RecordBatch]:
        try:
            numbered = sorter.from_arrow(pa.RecordBatchReader.from_batches(NUMBERED, key_batches()))
            yield from numbered.order("day, account, follower_key").to_arrow_reader(_BATCH)
        except duckdb.Error:
            # The engine wraps what its source says in words of its own.
            if refused:
                raise refused[0] from None
            raise

    return pa.RecordBatchReader.from_batches(schema, key_rows(ordered(), accounts, schema, seen))
