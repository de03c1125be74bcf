"""Follows as numbers: each follower hashed to its key, each followed account the number of its place, and their order.

Here: arrays in, arrays out. Not here: reading, writing, what waits on disk between the two (`storage.buckets`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.contracts import TABLES
from sm_assets.contracts.schema import DAY
from sm_assets.errors import SketchInputError
from sm_assets.kernels.account_keys import hash_ids

NUMBERED = (np.dtype(np.uint32), np.dtype(np.uint64))
COLLISIONS = "key_collisions"
# Most memory of `ordered` by follow.
BYTES_EACH = 64
_BATCH = 2**20
# Follows of an account from which it is sorted alone; those of all smaller ones are sorted together.
_LONG = 64
# Number of the followed account and key of the follower, as two arrays.
Numbered: TypeAlias = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint64]]


@dataclass(frozen=True, slots=True)
class Accounts:
    """Followed accounts, in the order of platform and id; the place of an account is its number.

    Attributes:
        platforms: text[m].
        ids: text[m].
        counts: int64[m], follows of each.
    """

    platforms: pa.Array
    ids: pa.Array
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table) -> Accounts:
        """Accounts out of platform, followed_account_id, n_follows."""
        platforms, ids, counts = (
            table.column(name).combine_chunks() for name in ("platform", "followed_account_id", "n_follows")
        )
        return cls(platforms, ids, counts.to_numpy())

    def bounds(self) -> Mapping[str, tuple[int, int]]:
        """First number, and the one after the last, of each platform."""
        names = self.platforms.dictionary_encode()
        numbers = names.indices.to_numpy()
        firsts = np.flatnonzero(np.diff(numbers, prepend=-1))
        ends = [*firsts[1:].tolist(), len(numbers)]
        return dict(zip(names.dictionary.to_pylist(), zip(firsts.tolist(), ends, strict=True), strict=True))


def numbered(rows: pa.Table, accounts: Accounts, *, rule: str, seed: int, secret: bytes | None) -> Numbered:
    """Number of the followed account and key of the follower.

    Args:
        rows: platform and followed_account_id (dictionaries of text), follower_account_id.
        accounts: all accounts that `rows` may name.
        rule: of the keys, as `hash_ids` takes it.
        seed: of the rule.
        secret: of the rule.

    Returns:
        uint32[n], uint64[n], in the order of `rows`.

    Raises:
        SketchInputError: an id that the rule `native` cannot take, or an account that is not among `accounts`.
    """
    numbers, keys = (np.empty(len(rows), dtype=kind) for kind in NUMBERED)
    platforms = rows.column("platform")
    names = sorted({name for chunk in platforms.chunks for name in chunk.dictionary.to_pylist()})
    bounds = accounts.bounds()
    for name in names:
        where = slice(None) if len(names) == 1 else pc.equal(platforms, name).to_numpy()
        part = rows if len(names) == 1 else rows.filter(pa.array(where))
        if not len(part):
            continue
        low, high = bounds.get(name, (0, 0))
        place = _places(part.column("followed_account_id"), accounts.ids.slice(low, high - low))
        lost = int(np.count_nonzero(place < 0))
        if lost:
            raise SketchInputError(
                f"{lost} follows name accounts of {name} that were not there when the accounts were counted: "
                "core_follows changed while it was read. Materialise again."
            )
        numbers[where] = place.astype(np.uint32) + np.uint32(low)
        followers = part.column("follower_account_id").chunks
        hashed = [hash_ids(name, chunk, rule=rule, seed=seed, secret=secret) for chunk in followers]
        keys[where] = np.concatenate(hashed)
    return numbers, keys


def _places(column: pa.ChunkedArray, ids: pa.Array) -> npt.NDArray[np.int32]:
    """int32[n]: place of each value in `ids`, -1: not there; dictionaries are looked up, not rows."""
    chunks = [chunk for chunk in column.chunks if len(chunk)]
    if not chunks:
        return np.zeros(0, dtype=np.int32)
    values = pa.concat_arrays([chunk.dictionary for chunk in chunks])
    places = pc.fill_null(pc.index_in(values, value_set=ids), -1).to_numpy()
    ends = np.cumsum([len(chunk.dictionary) for chunk in chunks])
    return np.concatenate(
        [
            places[end - len(chunk.dictionary) : end][chunk.indices.to_numpy()]
            for chunk, end in zip(chunks, ends, strict=True)
        ]
    )


@dataclass(frozen=True, slots=True)
class Cuts:
    """Ranges in the order of accounts and keys that hold few enough follows each, as long as keys are spread evenly.

    Attributes:
        first: uint32[m], first range of each account.
        parts: uint64[m], ranges of each account: more than one for an account too large for one.
        n: ranges.
    """

    first: npt.NDArray[np.uint32]
    parts: npt.NDArray[np.uint64]
    n: int

    @classmethod
    def of(cls, accounts: Accounts, most: int) -> Cuts:
        """Ranges of at most `most` follows, or of one account and twice as many."""
        parts = -(-accounts.counts // most)
        large = parts > 1
        # A large account has its ranges to itself; the others between two of them fill theirs.
        small = np.where(large, 0, accounts.counts)
        first = np.zeros(len(parts), dtype=np.uint32)
        number, filled = -1, most
        for place, (count, ranges) in enumerate(zip(small.tolist(), parts.tolist(), strict=True)):
            if ranges > 1:
                first[place], number, filled = number + 1, number + ranges, most
                continue
            if filled + count > most:
                number, filled = number + 1, 0
            first[place] = number
            filled += count
        return cls(first, parts.astype(np.uint64), number + 1)

    def ranges(self, rows: Numbered) -> npt.NDArray[np.uint32]:
        """uint32[n]: the range of each row."""
        numbers, keys = rows
        found = self.first[numbers]
        if self.parts.max(initial=0) > 1:
            large = np.flatnonzero(self.parts[numbers] > 1)
            inside = ((keys[large] >> np.uint64(32)) * self.parts[numbers[large]]) >> np.uint64(32)
            found[large] += inside.astype(np.uint32)
        return found


def stable_order(values: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """int64[n]: stable order of small numbers, by counting 16 bits at a time."""
    order: npt.NDArray[np.int64] = np.argsort((values & np.uint32(0xFFFF)).astype(np.uint16), kind="stable")
    high = (values >> np.uint32(16)).astype(np.uint16)
    return order if not high.any() else order[np.argsort(high[order], kind="stable")]


def ordered(rows: Numbered, seen: Counter[str]) -> Numbered:
    """The rows of one range in the order of both, the number first.

    Two followers of an account with one key collapse; `seen` counts them as `COLLISIONS`.
    """
    numbers, keys = rows
    if not len(keys):
        return rows
    order = stable_order(numbers - numbers.min())
    numbers, keys = numbers[order], keys[order]
    bounds = np.concatenate([[0], np.flatnonzero(numbers[1:] != numbers[:-1]) + 1, [len(keys)]])
    lengths = np.diff(bounds)
    for place in np.flatnonzero(lengths >= _LONG).tolist():
        keys[bounds[place] : bounds[place + 1]].sort()
    short = np.repeat(lengths < _LONG, lengths)
    if short.any():
        few_numbers, few = numbers[short], keys[short]
        order = np.argsort(few)
        few_numbers = few_numbers[order]
        keys[short] = few[order[stable_order(few_numbers - few_numbers.min())]]
    same = (keys[1:] == keys[:-1]) & (numbers[1:] == numbers[:-1])
    lost = int(np.count_nonzero(same))
    if lost:
        seen[COLLISIONS] += lost
        kept = np.append(True, ~same)
        numbers, keys = numbers[kept], keys[kept]
    return numbers, keys


KEY_ROWS = pa.schema(
    [
        item.with_type(pa.dictionary(pa.int32(), pa.string())) if pa.types.is_string(item.type) else item
        for item in TABLES["feat_follow_keys"].plain_schema
    ]
)


def key_rows(rows: Numbered, accounts: Accounts, day: date) -> Iterator[pa.RecordBatch]:
    """Rows of feat_follow_keys of one day, texts as dictionaries in ascending order."""
    numbers, keys = rows
    for first in range(0, len(keys), _BATCH):
        block = numbers[first : first + _BATCH]
        low, high = int(block[0]), int(block[-1]) + 1
        places = pa.array((block - np.uint32(low)).astype(np.int32))
        names = accounts.platforms.slice(low, high - low).dictionary_encode()
        columns: dict[str, Any] = {
            "platform": pa.DictionaryArray.from_arrays(names.indices.take(places), names.dictionary),
            "followed_account_id": pa.DictionaryArray.from_arrays(places, accounts.ids.slice(low, high - low)),
            "follower_key": pa.array(keys[first : first + _BATCH]),
            DAY: pa.repeat(pa.scalar(day), len(block)),
        }
        yield pa.RecordBatch.from_arrays([columns[name] for name in KEY_ROWS.names], schema=KEY_ROWS)
