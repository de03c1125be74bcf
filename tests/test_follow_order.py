"""Order of follow keys: cutting, sorting, and seeing that rows ascend, against the plainest ways to do it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis import follow_keys
from sm_assets.analysis.follow_keys import COLLISIONS, NUMBERED, Accounts, Cuts, numbered, ordered, stable_order
from sm_assets.contracts import TABLES
from sm_assets.errors import SketchInputError
from sm_assets.kernels.account_keys import hash_ids
from sm_assets.settings import Settings
from sm_assets.storage import Buckets, DayWriter, Lake, keys_ascend, stream
from sm_assets.storage.key_order import KeyOrder

DAY = date(2024, 3, 1)


def accounts_of(counts: list[int]) -> Accounts:
    names = [f"a{n:05d}" for n in range(len(counts))]
    return Accounts(pa.array(["other"] * len(counts)), pa.array(names), np.array(counts, dtype=np.int64))


@given(st.lists(st.integers(1, 200), min_size=1, max_size=30), st.integers(1, 120), st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_ranges_one_after_the_other_are_the_sorted_rows(counts: list[int], most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = rng.permutation(np.repeat(np.arange(len(counts), dtype=np.uint32), counts))
    keys = rng.integers(0, 2**64, len(numbers), dtype=np.uint64)
    keys[rng.random(len(keys)) < 0.1] = keys[0]
    cuts = Cuts.of(accounts_of(counts), most)
    places = cuts.ranges((numbers, keys))
    assert int(places.max()) < cuts.n
    seen: Counter[str] = Counter()
    parts = [ordered((numbers[places == n], keys[places == n]), seen) for n in range(cuts.n)]
    found = [pair for part in parts for pair in zip(part[0].tolist(), part[1].tolist(), strict=True)]
    assert found == sorted(set(zip(numbers.tolist(), keys.tolist(), strict=True)))
    assert seen[COLLISIONS] == len(numbers) - len(found)


def test_no_range_holds_more_than_asked_where_keys_are_spread() -> None:
    counts = [5, 90_000, 7, 3, 40_000, 1] + [100] * 300
    rng = np.random.default_rng(1)
    numbers = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
    cuts = Cuts.of(accounts_of(counts), 10_000)
    held = np.bincount(cuts.ranges((numbers, rng.integers(0, 2**64, len(numbers), dtype=np.uint64))), minlength=cuts.n)
    assert held.max() <= 10_500
    assert cuts.n <= 9 + 4 + 3 + 3


@pytest.mark.parametrize("top", [10, 70_000, 2**32 - 1])
def test_the_order_is_stable(top: int) -> None:
    values = np.random.default_rng(2).integers(0, top + 1, 5000, dtype=np.uint32) // np.uint32(max(1, top // 300))
    assert np.array_equal(stable_order(values), np.argsort(values, kind="stable"))


def test_long_and_short_accounts_are_sorted_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    numbers = rng.integers(0, 40, 4000, dtype=np.uint32)
    keys = rng.integers(0, 2**64, 4000, dtype=np.uint64)
    wanted = sorted(zip(numbers.tolist(), keys.tolist(), strict=True))
    for long in (1, 100, 10**9):
        monkeypatch.setattr(follow_keys, "_LONG", long)
        found = ordered((numbers, keys), Counter())
        assert list(zip(found[0].tolist(), found[1].tolist(), strict=True)) == wanted


@pytest.mark.parametrize("n", [1, 3, 70_000])
def test_buckets_give_back_what_they_took_in_its_order(tmp_path: Path, n: int) -> None:
    rng, buckets = np.random.default_rng(4), Buckets(tmp_path, n, NUMBERED)
    wanted: dict[int, list[tuple[int, int]]] = {}
    for _ in range(3):
        numbers = rng.integers(0, 99, 50, dtype=np.uint32)
        keys = rng.integers(0, 2**64, 50, dtype=np.uint64)
        places = rng.integers(0, n, 50, dtype=np.uint32)
        for place, *row in zip(places.tolist(), numbers.tolist(), keys.tolist(), strict=True):
            wanted.setdefault(place, []).append((row[0], row[1]))
        buckets.add((numbers, keys), places)
    for place in {*wanted, 0}:
        found = buckets.take(place)
        assert [column.dtype for column in found] == list(NUMBERED)
        assert list(zip(*(column.tolist() for column in found), strict=True)) == wanted.get(place, [])
        assert not len(buckets.take(place)[0])
    assert list(tmp_path.iterdir()) == []


def follows(rows: list[tuple[str, str, str]]) -> pa.Table:
    """Rows of (platform, followed, follower), each with a dictionary of its own."""
    parts = []
    for row in rows:
        platform, followed, follower = (pa.array([text]) for text in row)
        columns = [platform.dictionary_encode(), followed.dictionary_encode(), follower]
        parts.append(pa.table(columns, names=["platform", "followed_account_id", "follower_account_id"]))
    return pa.concat_tables(parts)


def test_one_id_on_two_platforms_is_two_accounts() -> None:
    accounts = Accounts(pa.array(["other", "twitter"]), pa.array(["17", "17"]), np.array([1, 1]))
    rows = follows([("twitter", "17", "5"), ("other", "17", "5"), ("twitter", "17", "6")])
    numbers, keys = numbered(rows, accounts, rule="xxh64", seed=0, secret=None)
    assert numbers.tolist() == [1, 0, 1]
    wanted = [
        hash_ids(name, pa.array([follower]))[0] for name, _, follower in zip(*rows.to_pydict().values(), strict=True)
    ]
    assert keys.tolist() == wanted


def test_an_account_that_was_not_counted_is_refused() -> None:
    accounts = Accounts(pa.array(["other"]), pa.array(["17"]), np.array([1]))
    for row in (("other", "18", "5"), ("twitter", "17", "5")):
        with pytest.raises(SketchInputError, match="core_follows changed while it was read"):
            numbered(follows([row]), accounts, rule="xxh64", seed=0, secret=None)


# ------------------------------------------------------------------ seeing the order

ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 3)), max_size=12)


@given(ROWS, st.lists(st.integers(0, 12), max_size=3), st.permutations(["a", "b", "c"]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_rows_ascend_or_not_with_any_dictionary_and_cut(
    rows: list[tuple[str, int]], cuts: list[int], dictionary: list[str], sort: bool
) -> None:
    rows = sorted(rows) if sort else rows
    texts = pa.DictionaryArray.from_arrays(pa.array([dictionary.index(t) for t, _ in rows], pa.int32()), dictionary)
    batch = pa.RecordBatch.from_arrays([texts, pa.array([n for _, n in rows], pa.int64())], names=["t", "n"])
    order, bounds = KeyOrder(["t", "n"]), sorted({0, *(min(cut, len(rows)) for cut in cuts), len(rows)})
    found = all(order.holds(batch.slice(a, b - a)) for a, b in pairwise(bounds))
    assert found == all(a < b for a, b in pairwise(rows))


def key_file(lake: Lake, rows: list[tuple[str, str, int]], day: date = DAY) -> None:
    table = TABLES["feat_follow_keys"]
    columns = [pa.array(list(column)) for column in zip(*rows, strict=True)]
    batch = pa.RecordBatch.from_arrays(
        [columns[0], columns[1], columns[2].cast(pa.uint64()), pa.array([day] * len(rows))],
        schema=table.plain_schema,
    )
    writer = DayWriter(table, Path(lake.root) / "lake" / table.name)
    writer.write(batch)
    writer.close()


@pytest.mark.parametrize(
    ("rows", "ascends"),
    [
        ([("other", "a", 1), ("other", "a", 2), ("twitter", "a", 1)], True),
        ([("other", "a", 1), ("other", "a", 1)], False),
        ([("other", "b", 1), ("other", "a", 2)], False),
    ],
)
def test_the_order_of_files_is_seen(tmp_path: Path, rows: list[tuple[str, str, int]], ascends: bool) -> None:
    lake = Lake(Settings(data_root=str(tmp_path), profile="tiny"))
    other = date(2024, 3, 2)
    key_file(lake, [("other", "a", 1), ("other", "b", 1)])
    key_file(lake, rows, other)
    assert keys_ascend(lake, "feat_follow_keys", [DAY])
    assert keys_ascend(lake, "feat_follow_keys", [DAY, other]) is ascends


@pytest.mark.parametrize("platforms", [["other"], ["other", "twitter"]])
@pytest.mark.parametrize("with_statistics", [True, False])
def test_a_platform_is_told_whether_it_is_decoded_or_not(
    tmp_path: Path, platforms: list[str], with_statistics: bool
) -> None:
    lake = Lake(Settings(data_root=str(tmp_path), profile="tiny"))
    key_file(lake, [(name, account, key) for name in platforms for account in "ab" for key in (1, 2)])
    path = lake.file("feat_follow_keys", DAY)
    wanted = pq.read_table(path)
    if not with_statistics:
        pq.write_table(wanted, path, write_statistics=False)
    names = ["platform", "followed_account_id", "follower_key"]
    found = pa.Table.from_batches(
        [batch for _, batch in stream(lake, "feat_follow_keys", [DAY], names, as_dictionary=names[:2], batch_rows=3)]
    )
    assert found.to_pylist() == wanted.select(names).to_pylist()
    only = [batch for _, batch in stream(lake, "feat_follow_keys", [DAY], names[:1], as_dictionary=names[:1])]
    assert pa.Table.from_batches(only).column(0).to_pylist() == wanted.column(0).to_pylist()
