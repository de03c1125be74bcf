"""feat_follow_keys: follows as numbers.

Here: the asset. Not here: hashing (`sm_assets.analysis.follow_keys`), what a key is (`contracts.sketches`).
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import groupby

import dagster as dg
import pyarrow as pa

from sm_assets.contracts.sketches import KEY, MADE_FROM, key_id
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.audience_inputs import digest_of
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, input_file, open_select
from sm_assets.storage import Buckets, Lake, TableRef, stream

NAME, SOURCE = "feat_follow_keys", "core_follows"
COLUMNS = ("platform", "followed_account_id", "follower_account_id")
_AT_ONCE = 2**19


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    settings = lake.settings

    @dg.asset(ins=ins(lake, NAME, [SOURCE]), **one(lake, NAME))
    def feat_follow_keys(context: dg.AssetExecutionContext, **refs: TableRef) -> Iterator[dg.Output[Rows]]:
        from sm_assets.analysis.follow_keys import KEY_ROWS  # loads kernels

        days = days_with_input(NAME, refs.values(), partition_days(list(context.partition_keys)))
        seen: Counter[str] = Counter()
        sources = {day: digest_of(lake, SOURCE, day) for day in days}
        yield dg.Output(
            Rows(
                pa.RecordBatchReader.from_batches(KEY_ROWS, _rows(lake, days, seen)),
                days,
                seen,
                reconcile=True,
                is_sorted=True,
                file_metadata=lambda day: {KEY: key_id(settings), MADE_FROM: sources[day]},
            )
        )

    made: dg.AssetsDefinition = feat_follow_keys
    return made


def _rows(lake: Lake, days: list[date], seen: Counter[str]) -> Iterator[pa.RecordBatch]:
    """Rows of the table in its order; what of a day does not fit into memory waits on disk, cut by account and key."""
    from sm_assets.analysis.follow_keys import BYTES_EACH, NUMBERED, Accounts, Cuts, key_rows, numbered, ordered

    settings = lake.settings
    seed = settings.key_seed if settings.key_rule == "xxh64" else 0
    secret = settings.secret_bytes if settings.key_rule == "secret" else None
    for day in days:
        accounts = Accounts.of(_accounts(lake, day))
        cuts = Cuts.of(accounts, max(1, settings.memory_bytes // 4 // BYTES_EACH))
        with lake.workspace("follow_keys") as folder:
            buckets = Buckets(folder, cuts.n, NUMBERED)
            for table in _tables(lake, day):
                seen["rows_in"] += len(table)
                found = numbered(table, accounts, rule=settings.key_rule, seed=seed, secret=secret)
                buckets.add(found, cuts.ranges(found))
            for bucket in range(cuts.n):
                numbers, keys = buckets.take(bucket)
                yield from key_rows(ordered((numbers, keys), seen), accounts, day)


def _accounts(lake: Lake, day: date) -> pa.Table:
    """The followed accounts of a day, in their order, and how many follows each has."""
    with lake.connect() as con:
        return open_select(con, lake, input_file(NAME), [TableRef(SOURCE, (day,))], [day]).to_arrow_table()


def _tables(lake: Lake, day: date) -> Iterator[pa.Table]:
    """Follows of a day in parts of half a million: those of a row group are too few to look up at once."""
    read = 0

    def part(item: tuple[date, pa.RecordBatch]) -> int:
        nonlocal read
        read += item[1].num_rows
        return int((read - 1) // _AT_ONCE)

    batches = stream(lake, SOURCE, [day], COLUMNS, as_dictionary=COLUMNS[:2])
    for _, items in groupby(batches, key=part):
        yield pa.Table.from_batches([batch for _, batch in items])
