"""Lakes with follows to time the tables of audiences on.

Here: core_follows as it is published, planted without a source. Not here: timing. An account with rank r has an
audience in proportion to r^-0.9, the largest about a third of all followers at ten follows each; communities there are
none, as no speed depends on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

FIRST_DAY = date(2024, 1, 1)
FOLLOWS_EACH = 10
_BLOCK = 250_000
_IDS = 10**18
_DICTIONARIES = ["platform", "followed_account_id", "time_source", "revision", "source", "source_file", "source_sha256"]
_FIXED: dict[str, Any] = {
    "platform": "twitter",
    "time_source": "observed",
    "is_snapshot": True,
    "revision": "2024-01-01T00:00:00.000000Z",
    "source": "edges",
    "source_file": "landing/edges/follows.npy",
    "source_sha256": "f" * 64,
    "source_item": 0,
    "is_context": False,
}


def day_number(n: int) -> date:
    """The n-th day."""
    return FIRST_DAY + timedelta(days=n)


def _ids(n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """int64[n]: account ids of 19 digits, ascending as numbers and as texts, none twice."""
    found: npt.NDArray[np.int64] = _IDS + np.cumsum(rng.integers(1, 15 * _IDS // n, size=n))
    return found


def _follows(
    edges: int, accounts: int, rng: np.random.Generator
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """(follower, place of the followed account in the order of ids), sorted, none twice."""
    place = rng.permutation(accounts)
    followers = max(1, edges // FOLLOWS_EACH)
    for first in range(0, followers, _BLOCK):
        n = min(_BLOCK, followers - first)
        degrees = rng.poisson(rng.exponential(FOLLOWS_EACH * 1.07, n))
        # Ranks with density r^-0.9 on 1 .. accounts + 1.
        ranks = (1 + rng.random(int(degrees.sum())) * ((accounts + 1) ** 0.1 - 1)) ** 10
        followed = place[np.minimum(ranks.astype(np.int64), accounts) - 1]
        pairs = np.sort(np.repeat(np.arange(first, first + n), degrees) * accounts + followed)
        pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])]
        yield pairs // accounts, pairs % accounts


def plant_follows(root: Path, edges: int, accounts: int, days: int = 1, seed: int = 1) -> int:
    """Publish about so many follows on so many days, each day about as many; returns how many there are."""
    rng = np.random.default_rng(seed)
    follower_ids, account_ids = _ids(max(1, edges // FOLLOWS_EACH), rng), _ids(accounts, rng)
    names = pa.array(account_ids).cast(pa.string())
    blocks = _follows(edges, accounts, rng)
    if days == 1:
        rows = ((follower_ids[followers], followed) for followers, followed in blocks)
        return _write(root, FIRST_DAY, rows, names)
    parts: list[list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]] = [[] for _ in range(days)]
    for followers, followed in blocks:
        drawn = rng.integers(0, days, len(followers))
        for n in range(days):
            parts[n].append((follower_ids[followers[drawn == n]], followed[drawn == n]))
    return sum(_write(root, day_number(n), iter(parts[n]), names) for n in range(days))


def _write(
    root: Path, day: date, blocks: Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]], names: pa.Array
) -> int:
    """One day's file, with the columns, row groups and metadata of core_follows."""
    from sm_assets.contracts import TABLES
    from sm_assets.storage.day_writer import DIGEST, PART, ROW_GROUP

    table = TABLES["core_follows"]
    schema = pa.schema([_constant(item) if item.name in _FIXED else item for item in table.file_schema])
    path = root / "lake" / table.name / f"day={day}" / PART
    path.parent.mkdir(parents=True, exist_ok=True)
    total = 0
    # Constants are written as dictionaries without saying so in the file: readers see texts.
    with pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=1, use_dictionary=_DICTIONARIES, store_schema=False
    ) as writer:
        for followers, followed in blocks:
            total += len(followers)
            writer.write_table(_rows(schema, followers, names, followed, day), row_group_size=ROW_GROUP)
        writer.add_key_value_metadata({DIGEST: f"planted {total} on {day}"})
    return total


def _constant(item: pa.Field) -> pa.Field:
    return item.with_type(pa.dictionary(pa.int8(), item.type)) if pa.types.is_string(item.type) else item


def _rows(
    schema: pa.Schema,
    followers: npt.NDArray[np.int64],
    names: pa.Array,
    followed: npt.NDArray[np.int64],
    day: date,
) -> pa.Table:
    n = len(followers)
    who, whom = pa.array(followers).cast(pa.string()), names.take(pa.array(followed))
    columns = {
        "follower_account_id": who,
        "followed_account_id": whom,
        "follow_id": pc.binary_join_element_wise(who, whom, ">"),
        "source_row": pa.array(np.arange(1, n + 1)),
        "observed_at": pa.repeat(pa.scalar(datetime.combine(day, time(12)), pa.timestamp("us")), n),
    }
    for item in schema:
        if item.name in columns:
            continue
        if item.name not in _FIXED:
            columns[item.name] = pa.nulls(n, item.type)
        elif pa.types.is_dictionary(item.type):
            columns[item.name] = pa.DictionaryArray.from_arrays(np.zeros(n, np.int8), [_FIXED[item.name]])
        else:
            columns[item.name] = pa.repeat(pa.scalar(_FIXED[item.name], item.type), n)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)
