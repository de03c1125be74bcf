"""Follows to keys, sketches and snapshots: equal to one sketch of all edges, however the days came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from follow_lake import FEATURES, day_number, matrix, publish_follows, read, run
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.audiences import AudienceBuilder
from sm_assets.analysis.daily_sketches import sketch_day
from sm_assets.contracts.sketches import INPUTS, SketchSpec
from sm_assets.defs import audience_snapshots
from sm_assets.errors import SketchInputError, SketchMismatchError
from sm_assets.kernels.account_keys import hash_ids
from sm_assets.kernels.sketch import sketch_csr
from sm_assets.settings import Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

Edge = tuple[str, str, str]
DAYS = [day_number(n) for n in range(5)]


def planted(seed: int = 1) -> dict[date, list[Edge]]:
    """Audiences of 3 to 700 on two platforms over five days; the fourth has no follow."""
    rng = np.random.default_rng(seed)
    edges: set[Edge] = set()
    for number in range(24):
        for follower in rng.choice(1500, size=int(rng.integers(3, 700)), replace=False):
            edges.add(("twitter", str(follower), f"t{number:02d}"))
        for follower in rng.choice(300, size=int(rng.integers(3, 200)), replace=False):
            edges.add(("bluesky", f"did:plc:{follower}", f"did:plc:i{number:02d}"))
    listed = sorted(edges)
    days = rng.choice([0, 1, 2, 4], size=len(listed), p=[0.5, 0.1, 0.2, 0.2])
    return {day: [edge for edge, n in zip(listed, days, strict=True) if n == place] for place, day in enumerate(DAYS)}


def followers(edges: list[Edge]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for platform, follower, followed in edges:
        found.setdefault((platform, followed), []).append(follower)
    return found


def expected(follows: Mapping[date, list[Edge]], as_of: date, least: int = 100, k: int = 128) -> dict[Any, np.ndarray]:
    """One sketch of all edges per influencer."""
    audiences = followers([edge for day, edges in follows.items() if day <= as_of for edge in edges])
    found = {}
    for (platform, account), ids in audiences.items():
        if len(ids) >= least:
            keys = np.sort(hash_ids(platform, pa.array(ids)))
            found[platform, account] = sketch_csr(keys, np.array([0, len(keys)], dtype=np.int64), k)[0]
    return found


def open_lake(folder: Path, **changes: Any) -> Lake:
    defaults: dict[str, Any] = {"profile": "tiny", "threads": 1, "memory_limit": "512MB", "start_day": DAYS[0]}
    return Lake(Settings(data_root=str(folder), **(defaults | changes)))


def assert_snapshot(lake: Lake, follows: Mapping[date, list[Edge]], day: date, least: int = 100) -> None:
    wanted = expected(follows, day, least, lake.settings.sketch_k)
    found = read(lake, "feat_audiences", day)
    keys = list(zip(found["platform"].to_pylist(), found["account_id"].to_pylist(), strict=True))
    assert keys == sorted(wanted)
    assert np.array_equal(matrix(found), np.array([wanted[key] for key in keys]))
    sizes = {key: len(ids) for key, ids in followers([e for d, es in follows.items() if d <= day for e in es]).items()}
    counted = read(lake, "feat_audience_sizes", day)
    told = dict(
        zip(
            zip(counted["platform"].to_pylist(), counted["account_id"].to_pylist(), strict=True),
            counted["n_followers"].to_pylist(),
            strict=True,
        )
    )
    assert told == sizes
    assert found["n_followers"].to_pylist() == [sizes[key] for key in keys]


@pytest.fixture(scope="module")
def one_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[date, list[Edge]]]:
    lake, follows = open_lake(tmp_path_factory.mktemp("one_run")), planted()
    publish_follows(lake, follows)
    assert run(lake, DAYS[0], DAYS[-1])
    return lake, follows


def files(lake: Lake) -> dict[str, bytes]:
    root = Path(lake.root) / "lake"
    return {
        str(p.relative_to(root)): p.read_bytes() for name in FEATURES for p in sorted((root / name).rglob("*.parquet"))
    }


# ------------------------------------------------------------------ the tables


def test_every_snapshot_is_one_sketch_of_all_edges(one_run: tuple[Lake, dict[date, list[Edge]]]) -> None:
    lake, follows = one_run
    for day in DAYS:
        assert_snapshot(lake, follows, day)


def test_small_cells_have_no_sketch_and_lose_nothing(one_run: tuple[Lake, dict[date, list[Edge]]]) -> None:
    lake, follows = one_run
    for day in DAYS:
        cells = {key: len(ids) for key, ids in followers(follows[day]).items() if len(ids) >= 64}
        table = read(lake, "feat_audience_sketches", day)
        assert (
            dict(
                zip(
                    zip(table["platform"].to_pylist(), table["account_id"].to_pylist(), strict=True),
                    table["n_follows"].to_pylist(),
                    strict=True,
                )
            )
            == cells
        )
        assert set(table["sketch_id"].to_pylist()) <= {"fss/1/128/0/xxh64:0"}


def test_keys_are_the_hashes_in_order_and_lists_and_registers_are_never_null(
    one_run: tuple[Lake, dict[date, list[Edge]]],
) -> None:
    lake, follows = one_run
    table = read(lake, "feat_follow_keys", DAYS[0])
    for name in ("twitter", "bluesky"):
        edges = sorted(
            (followed, int(hash_ids(name, pa.array([follower]))[0]))
            for platform, follower, followed in follows[DAYS[0]]
            if platform == name
        )
        rows = table.filter(pc.equal(table["platform"], name))
        assert (
            list(zip(rows["followed_account_id"].to_pylist(), rows["follower_key"].to_pylist(), strict=True)) == edges
        )
    schema = read(lake, "feat_audiences", DAYS[0]).schema.field("signature")
    assert not schema.nullable
    assert not schema.type.value_field.nullable
    assert schema.type.list_size == 128


def test_keys_are_plain_and_accounts_are_dictionaries(one_run: tuple[Lake, dict[date, list[Edge]]]) -> None:
    lake, _ = one_run
    group = pq.read_metadata(lake.file("feat_follow_keys", DAYS[0])).row_group(0)
    encodings = {group.column(n).path_in_schema: set(group.column(n).encodings) for n in range(group.num_columns)}
    assert not any("DICTIONARY" in name for name in encodings["follower_key"])
    assert any("DICTIONARY" in name for name in encodings["followed_account_id"])
    assert group.column(1).statistics.has_min_max


def test_a_day_at_a_time_gives_the_same_bytes(one_run: tuple[Lake, dict[date, list[Edge]]], data_root: Path) -> None:
    lake, follows = one_run
    other = open_lake(data_root)
    publish_follows(other, follows)
    for day in DAYS:
        assert run(other, day, day)
    assert files(other) == files(lake)


def test_parts_of_the_accounts_at_a_time_give_the_same_bytes(
    one_run: tuple[Lake, dict[date, list[Edge]]], data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, follows = one_run
    monkeypatch.setattr(audience_snapshots, "LEAST_RANGE", 13)
    monkeypatch.setattr(Settings, "memory_bytes", 0)
    other = open_lake(data_root)
    publish_follows(other, follows)
    assert run(other, DAYS[0], DAYS[1])
    assert run(other, DAYS[2], DAYS[-1])
    assert files(other) == files(lake)


def test_the_least_follows_of_a_day_change_no_snapshot(
    one_run: tuple[Lake, dict[date, list[Edge]]], data_root: Path
) -> None:
    _, follows = one_run
    other = open_lake(data_root)
    publish_follows(other, follows)
    assert run(other, DAYS[0], DAYS[-1], feat_audience_sketches={"min_day_follows": 1})
    for day in DAYS:
        assert_snapshot(other, follows, day)


def test_an_influencer_that_comes_late_brings_its_older_followers(data_root: Path) -> None:
    lake = open_lake(data_root)
    follows = {
        DAYS[0]: [("other", str(n), "slow") for n in range(99)] + [("other", str(n), "quick") for n in range(200)],
        DAYS[1]: [("other", "late", "slow")],
    }
    publish_follows(lake, follows)
    assert run(lake, DAYS[0], DAYS[0])
    assert read(lake, "feat_audiences", DAYS[0])["account_id"].to_pylist() == ["quick"]
    assert run(lake, DAYS[1], DAYS[1])
    assert_snapshot(lake, follows, DAYS[1])
    assert read(lake, "feat_audiences", DAYS[1])["account_id"].to_pylist() == ["quick", "slow"]


def test_no_snapshot_after_the_newest_day(data_root: Path) -> None:
    lake = open_lake(data_root)
    publish_follows(lake, {DAYS[1]: [("other", str(n), "a") for n in range(120)]})
    assert run(lake, DAYS[0], DAYS[3])
    assert lake.days("feat_audiences") == [DAYS[1]]


def test_days_without_any_follow_give_empty_tables(data_root: Path) -> None:
    lake = open_lake(data_root)
    publish_follows(lake, {DAYS[0]: []})
    assert run(lake, DAYS[0], DAYS[0])
    assert [len(read(lake, name, DAYS[0])) for name in FEATURES] == [0, 0, 0, 0]


# ------------------------------------------------------------------ what changed


def test_an_unfollow_rebuilt_leaves_no_trace(data_root: Path) -> None:
    follows = planted(3)
    lake = open_lake(data_root / "changed")
    publish_follows(lake, follows)
    assert run(lake, DAYS[0], DAYS[-1])
    base = lake.metadata("feat_audiences", DAYS[-1])[INPUTS]
    changed = follows | {DAYS[1]: follows[DAYS[1]][10:]}
    publish_follows(lake, {DAYS[1]: changed[DAYS[1]]})
    assert run(lake, DAYS[1], DAYS[1], ["feat_follow_keys", "feat_audience_sketches"])
    assert run(lake, DAYS[1], DAYS[-1], ["feat_audience_sizes", "feat_audiences"])
    assert lake.metadata("feat_audiences", DAYS[-1])[INPUTS] != base
    never = open_lake(data_root / "never")
    publish_follows(never, changed)
    assert run(never, DAYS[0], DAYS[-1])
    assert files(lake) == files(never)


def test_follows_made_again_are_pending_until_their_keys_are(data_root: Path) -> None:
    follows = {DAYS[0]: [("other", str(n), "a") for n in range(150)], DAYS[1]: [("other", "x", "a")]}
    lake = open_lake(data_root)
    publish_follows(lake, follows)
    assert run(lake, DAYS[0], DAYS[0])
    publish_follows(lake, {DAYS[0]: follows[DAYS[0]][5:]})
    assert run(lake, DAYS[1], DAYS[1])
    table = read(lake, "feat_audiences", DAYS[1])
    assert table["n_withdrawn_pending"].to_pylist() == [5]
    assert table["n_followers"].to_pylist() == [151]
    assert run(lake, DAYS[0], DAYS[1])
    table = read(lake, "feat_audiences", DAYS[1])
    assert table["n_withdrawn_pending"].to_pylist() == [0]
    assert table["n_followers"].to_pylist() == [146]


def test_withdrawals_are_pending_from_the_day_on_which_they_are_known(data_root: Path) -> None:
    follows = {
        DAYS[0]: [("bluesky", f"f{n}", "a") for n in range(150)] + [("bluesky", f"f{n}", "b") for n in range(120)],
        DAYS[1]: [("bluesky", "late", "a")],
        DAYS[2]: [("bluesky", "later", "a")],
        DAYS[3]: [],
    }
    lake = open_lake(data_root)
    publish_follows(lake, follows)
    withdrawn = [
        {"entity": "follow", "record_id": "f3>a", "day": DAYS[1], "record_day": DAYS[0]},
        {"entity": "account", "record_id": "f4", "day": DAYS[2], "record_day": None},
        {"entity": "account", "record_id": "later", "day": DAYS[1], "record_day": None},
        {"entity": "post", "record_id": "f5>a", "day": DAYS[1], "record_day": DAYS[0]},
    ]
    _tombstones(lake, withdrawn)
    wanted = {DAYS[0]: (0, 0), DAYS[1]: (1, 0), DAYS[2]: (3, 1), DAYS[3]: (3, 1)}
    assert run(lake, DAYS[0], DAYS[3])
    at_once = files(lake)
    for day, pending in wanted.items():
        assert tuple(read(lake, "feat_audiences", day)["n_withdrawn_pending"].to_pylist()) == pending
    for day, pending in wanted.items():
        assert run(lake, day, day, ["feat_audience_sizes", "feat_audiences"])
        assert tuple(read(lake, "feat_audiences", day)["n_withdrawn_pending"].to_pylist()) == pending
    assert files(lake) == at_once


def test_withdrawals_of_an_audience_that_comes_late_are_pending(data_root: Path) -> None:
    follows = {
        DAYS[0]: [("bluesky", f"f{n}", "slow") for n in range(98)] + [("bluesky", f"g{n}", "b") for n in range(120)],
        DAYS[1]: [("bluesky", "f98", "slow"), ("bluesky", "f99", "slow")],
    }
    lake = open_lake(data_root)
    publish_follows(lake, follows)
    _tombstones(
        lake,
        [{"entity": "follow", "record_id": f"f{n}>slow", "day": DAYS[0], "record_day": DAYS[0]} for n in range(5)],
    )
    assert run(lake, DAYS[0], DAYS[0])
    assert run(lake, DAYS[1], DAYS[1])
    assert read(lake, "feat_audiences", DAYS[1])["n_withdrawn_pending"].to_pylist() == [0, 5]


def _tombstones(lake: Lake, rows: list[dict[str, Any]]) -> None:
    from sm_assets.contracts import TABLES

    contract = TABLES["core_tombstones"]
    fixed = {
        "source": "bluesky", "platform": "bluesky", "action": "purge", "reason": "deleted", "revision": "r",
        "source_file": "f", "source_sha256": "0" * 64, "source_row": 1, "source_item": 0, "time_source": "client",
    }  # fmt: skip
    full = []
    for row in rows:
        moment = np.datetime64(row["day"]).astype("datetime64[us]").item()
        made = fixed | {"deleted_at": moment, "observed_at": moment} | row
        full.append({name: made.get(name) for name in contract.column_names})
    lake.publish(contract, pa.Table.from_pylist(full, contract.plain_schema), DAYS)


# ------------------------------------------------------------------ what does not fit


def test_sketches_of_other_keys_are_refused(data_root: Path) -> None:
    lake, follows = open_lake(data_root), planted(4)
    publish_follows(lake, follows)
    assert run(lake, DAYS[0], DAYS[-1])
    publish_follows(lake, {DAYS[1]: follows[DAYS[1]][1:]})
    assert run(lake, DAYS[1], DAYS[1], ["feat_follow_keys"])
    before = files(lake)
    with pytest.raises(SketchMismatchError, match=f"of {DAYS[1]} were made from other keys"):
        run(lake, DAYS[-1], DAYS[-1], ["feat_audience_sizes", "feat_audiences"])
    assert files(lake) == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sketch_k": 64}, "Asked for is fss/1/64/0/xxh64:0, but feat_audience_sketches day=2024-03-01 is fss/1/128"),
        ({"sketch_seed": 1}, "Asked for is fss/1/128/1"),
        ({"sketch_scheme": "affine32"}, "Asked for is affine32/1/128/1/high32/xxh64:0"),
        ({"key_seed": 7}, "Keys by xxh64/7 are asked for, but feat_follow_keys day=2024-03-01 has xxh64/0"),
        ({"key_rule": "secret", "key_secret": "hush"}, "Keys by secret/"),
    ],
)
def test_days_of_another_spec_are_refused(
    one_run: tuple[Lake, dict[date, list[Edge]]], changes: dict[str, Any], words: str
) -> None:
    lake, _ = one_run
    before = files(lake)
    with pytest.raises(SketchMismatchError) as caught:
        run(open_lake(Path(lake.root), **changes), DAYS[0], DAYS[0], ["feat_audience_sizes", "feat_audiences"])
    assert words in str(caught.value)
    assert "Materialise" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert files(lake) == before


def test_files_that_lost_their_metadata_are_refused(data_root: Path) -> None:
    lake = open_lake(data_root)
    publish_follows(lake, planted(5))
    assert run(lake, DAYS[0], DAYS[1])
    path = lake.file("feat_audience_sketches", DAYS[1])
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata(None), path)
    with pytest.raises(SketchMismatchError, match=r"No sm\.sketch metadata in .*day=2024-03-02; materialise it again"):
        run(lake, DAYS[1], DAYS[1], ["feat_audience_sizes", "feat_audiences"])


@pytest.mark.parametrize("table", ["core_follows", "feat_follow_keys", "core_tombstones"])
def test_files_that_lost_their_digest_are_refused(table: str, data_root: Path) -> None:
    lake = open_lake(data_root)
    publish_follows(lake, planted(5))
    _tombstones(lake, [])
    assert run(lake, DAYS[0], DAYS[0])
    path = lake.file(table, DAYS[0])
    whole = pq.read_table(path)
    pq.write_table(whole.replace_schema_metadata({"sm.key": "xxh64/0"}), path)
    with pytest.raises(SketchMismatchError, match=f"{table} day=2024-03-01; materialise it again|other keys"):
        run(lake, DAYS[0], DAYS[0], ["feat_audience_sizes", "feat_audiences"])


def test_other_schemes_and_key_rules_run_through(data_root: Path) -> None:
    follows = {day: [edge for edge in edges if edge[0] == "twitter"] for day, edges in planted(6).items()}
    lake = open_lake(data_root, sketch_scheme="affine32", sketch_k=100, key_rule="native", sketch_element="identity")
    publish_follows(lake, follows)
    assert run(lake, DAYS[0], DAYS[-1])
    table = read(lake, "feat_audiences", DAYS[-1])
    assert set(table["sketch_id"].to_pylist()) == {"affine32/1/100/1/identity/native:0"}
    audiences = followers([edge for edges in follows.values() for edge in edges])
    for account, row in zip(table["account_id"].to_pylist(), matrix(table), strict=True):
        keys = np.array(sorted(int(n) for n in audiences["twitter", account]), dtype=np.uint64)
        wanted = sketch_csr(keys, np.array([0, len(keys)], dtype=np.int64), 100, scheme="affine32", seed=1)
        assert np.array_equal(row, wanted[0])


def test_a_native_key_must_be_a_number(data_root: Path) -> None:
    lake = open_lake(data_root, key_rule="native")
    publish_follows(lake, {DAYS[0]: [("bluesky", f"did:plc:{n}", "a") for n in range(5)]})
    with pytest.raises(SketchInputError, match="did:plc:"):
        run(lake, DAYS[0], DAYS[0], ["feat_follow_keys"])


# ------------------------------------------------------------------ the arithmetic


@st.composite
def cut(draw: st.DrawFn) -> tuple[pa.RecordBatch, list[pa.RecordBatch], int]:
    """Keys of some accounts, and the same in batches cut anywhere."""
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=12))
    accounts = [f"a{n:02d}" for n, length in enumerate(lengths) for _ in range(length)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    keys = np.concatenate([np.sort(rng.integers(0, 2**64, length, dtype=np.uint64)) for length in lengths])
    batch = pa.record_batch(
        {"platform": ["other"] * len(keys), "followed_account_id": accounts, "follower_key": pa.array(keys)}
    )
    cuts = sorted(draw(st.lists(st.integers(0, len(keys)), max_size=8)))
    bounds = [0, *cuts, len(keys)]
    parts = [batch.slice(a, b - a) for a, b in pairwise(bounds)]
    return batch, parts, draw(st.sampled_from([1, 5, 64]))


@given(cut())
@settings(max_examples=150, deadline=None)
def test_batches_may_end_anywhere(case: tuple[pa.RecordBatch, list[pa.RecordBatch], int]) -> None:
    whole, parts, least = case
    spec, counted = SketchSpec(k=16), (Counter[str](), Counter[str]())
    made = [
        pa.Table.from_batches(list(sketch_day(batches, DAYS[0], spec, seen, min_follows=least)) or [], schema=schema())
        for batches, seen in zip(([whole], parts), counted, strict=True)
    ]
    assert made[0].equals(made[1])
    assert counted[0] == counted[1]
    lengths = Counter(whole["followed_account_id"].to_pylist())
    assert made[1]["account_id"].to_pylist() == sorted(a for a, n in lengths.items() if n >= least)


def schema() -> pa.Schema:
    from sm_assets.analysis.daily_sketches import sketch_schema

    return sketch_schema(16)


@given(cut(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_sketches_and_keys_mix_in_any_order(
    case: tuple[pa.RecordBatch, list[pa.RecordBatch], int], random: Any
) -> None:
    whole, parts, least = case
    spec = SketchSpec(k=16)
    names = sorted(set(whole["followed_account_id"].to_pylist()))
    accounts = pa.table({"platform": ["other"] * len(names), "account_id": names})
    one = AudienceBuilder(spec, accounts)
    one.add_keys(whole, np.ones(len(names), dtype=bool))
    mixed = AudienceBuilder(spec, accounts)
    random.shuffle(parts)
    for part in parts:
        wanted = np.ones(len(names), dtype=bool)
        for rows in sketch_day([part], DAYS[0], spec, Counter(), min_follows=least):
            wanted[mixed.add_sketches(rows)] = False
        mixed.add_keys(part, wanted) if part.num_rows else None
    assert np.array_equal(one.signatures, mixed.signatures)


@pytest.mark.parametrize("keys", [pa.array([1, 2], pa.int64()), pa.array([1.0, 2.0]), pa.array([1, None], pa.uint64())])
def test_keys_of_another_type_are_refused(keys: pa.Array) -> None:
    batch = pa.record_batch({"platform": ["other"] * 2, "followed_account_id": ["a", "a"], "follower_key": keys})
    with pytest.raises(SketchInputError, match="follower_key must be uint64 without nulls"):
        list(sketch_day([batch], DAYS[0], SketchSpec(), Counter()))
