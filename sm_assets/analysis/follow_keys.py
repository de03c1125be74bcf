"""Follows as numbers: each follower hashed to its key, sorted rows made a table again.

Here: batches in, batches out. Not here: sorting (DuckDB does it between the two), reading and writing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.contracts.schema import DAY
from sm_assets.kernels.account_keys import hash_ids

NUMBERED = pa.schema([(DAY, pa.date32()), ("account", pa.uint32()), ("follower_key", pa.uint64())])
COLLISIONS = "duplicate/key_collision"


def keyed(batch: pa.RecordBatch, *, rule: str, seed: int, secret: bytes | None) -> pa.RecordBatch:
    """Follows with the follower's key in the place of its id.

    Args:
        batch: day, platform, follower_account_id, account (number of the followed account).
        rule: of the keys, as `hash_ids` takes it.
        seed: of the rule.
        secret: of the rule.

    Returns:
        Rows of `NUMBERED`, in the order of `batch`.

    Raises:
        SketchInputError: an id that the rule `native` cannot take.
    """
    platforms = batch.column("platform")
    keys = np.empty(batch.num_rows, dtype=np.uint64)
    followers = batch.column("follower_account_id")
    names = pc.unique(platforms).to_pylist()
    for name in names:
        if len(names) == 1:
            keys = hash_ids(name, followers, rule=rule, seed=seed, secret=secret)
        else:
            rows = np.flatnonzero(pc.equal(platforms, name).to_numpy(zero_copy_only=False))
            keys[rows] = hash_ids(name, followers.take(pa.array(rows)), rule=rule, seed=seed, secret=secret)
    return pa.RecordBatch.from_arrays([batch.column(DAY), batch.column("account"), pa.array(keys)], schema=NUMBERED)


def key_rows(
    sorted_batches: Iterable[pa.RecordBatch], accounts: pa.Table, schema: pa.Schema, seen: Counter[str]
) -> Iterator[pa.RecordBatch]:
    """Rows of feat_follow_keys out of rows of `NUMBERED` that are sorted by all their columns.

    Two followers of an account with one key on one day collapse; `seen` counts them as `COLLISIONS`.

    Args:
        sorted_batches: the rows.
        accounts: platform, followed_account_id in the order of the accounts' numbers.
        schema: of the table, day included.
        seen: counts that grow.
    """
    platforms = accounts.column("platform").combine_chunks()
    ids = accounts.column("followed_account_id").combine_chunks()
    last: tuple[int, int, int] | None = None
    for rows in sorted_batches:
        if not rows.num_rows:
            continue
        batch = rows
        days = batch.column(DAY).cast(pa.int32()).to_numpy()
        numbers, keys = batch.column("account").to_numpy(), batch.column("follower_key").to_numpy()
        new = np.empty(batch.num_rows, dtype=bool)
        new[0] = (int(days[0]), int(numbers[0]), int(keys[0])) != last
        np.not_equal(keys[1:], keys[:-1], out=new[1:])
        same = np.flatnonzero(~new[1:]) + 1
        new[same] = (numbers[same] != numbers[same - 1]) | (days[same] != days[same - 1])
        last = (int(days[-1]), int(numbers[-1]), int(keys[-1]))
        lost = batch.num_rows - int(np.count_nonzero(new))
        if lost:
            seen[COLLISIONS] += lost
            batch = batch.filter(pa.array(new))
        place = batch.column("account").cast(pa.int64())
        columns = {
            "platform": platforms.take(place),
            "followed_account_id": ids.take(place),
            "follower_key": batch.column("follower_key"),
            DAY: batch.column(DAY),
        }
        yield pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
