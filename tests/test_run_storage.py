"""Batches of events: the same rows as Dagster's own storage writes one by one, all or none."""

import queue
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import DagsterEventType
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from sm_assets.defs.run_storage import BatchingEventLog

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")
RANGE = {
    "dagster/asset_partition_range_start": "2024-01-05",
    "dagster/asset_partition_range_end": "2024-01-24",
}
PROJECT = Path(__file__).parents[1]


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def posts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    context.log.info("read")
    return dg.MaterializeResult(metadata={"rows": 3}, data_version=dg.DataVersion("one"))


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run(), deps=[posts])
def accounts() -> None: ...


@dg.asset_check(asset=posts)
def not_empty() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset_check(asset=accounts)
def complete() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "dagster.yaml").write_bytes((PROJECT / "dagster_home" / "dagster.yaml").read_bytes())
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    # What a storage sets for its process must not reach other tests.
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "7")
    return folder


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as opened:
        assert isinstance(opened.event_log_storage, BatchingEventLog), f"{home}/dagster.yaml names another storage"
        yield opened


def run(instance: dg.DagsterInstance) -> str:
    done = dg.materialize([posts, accounts, not_empty, complete], instance=instance, tags=RANGE)
    assert done.success
    return done.run_id


def rows(path: Path, table: str, *left_out: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as con:
        names = [name for _, name, *_ in con.execute(f"pragma table_info({table})") if name not in left_out]
        return sorted(con.execute(f"select {', '.join(names)} from {table}"), key=repr)


def test_rows_are_those_that_dagster_writes_one_by_one(
    instance: dg.DagsterInstance, home: Path, tmp_path: Path
) -> None:
    run_id = run(instance)
    one_by_one = SqliteEventLogStorage(str(tmp_path / "other"))
    for event in instance.all_logs(run_id):
        one_by_one.store_event(event)
    for shard, tables in {
        run_id: ("event_logs",),
        "index": ("event_logs", "asset_event_tags", "asset_keys", "asset_check_executions"),
    }.items():
        ours, theirs = home / "history" / "runs" / f"{shard}.db", tmp_path / "other" / f"{shard}.db"
        for table in tables:
            found = rows(ours, table, "create_timestamp")
            assert found == rows(theirs, table, "create_timestamp"), (shard, table)
            assert found, (shard, table)


def test_the_instance_knows_every_day(instance: dg.DagsterInstance) -> None:
    run(instance)
    days = set(DAYS.get_partition_keys_in_range(dg.PartitionKeyRange("2024-01-05", "2024-01-24")))
    for asset in (posts, accounts):
        assert instance.get_materialized_partitions(asset.key) == days
    last = instance.get_latest_materialization_event(posts.key)
    assert last is not None
    assert last.get_dagster_event().partition == "2024-01-24"


@pytest.mark.parametrize("part", ["_store_asset_event", "_store_asset_event_tags", "store_asset_check_event"])
def test_a_batch_that_fails_is_stored_once_all_the_same(
    instance: dg.DagsterInstance, part: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = run(instance)
    log = instance.event_log_storage
    assert isinstance(log, BatchingEventLog)
    store, left = getattr(log, part), [False, True]

    def broken(*arguments: Any) -> None:
        # The second time: something of the batch is written by then.
        if not left or left.pop():
            store(*arguments)
            return
        raise OSError("no space left on device")

    monkeypatch.setattr(log, part, broken)
    again = run(instance)
    assert not left
    assert "no space left" in capfd.readouterr().err

    def kinds(run_id: str) -> Counter[DagsterEventType | None]:
        return Counter(event.dagster_event_type for event in instance.all_logs(run_id))

    assert kinds(again) == kinds(whole)
    with log.index_connection() as con:
        for table in ("event_logs", "asset_check_executions"):
            per_run = con.exec_driver_sql(f"select run_id, count(*) from {table} group by run_id").fetchall()
            assert len({n for _, n in per_run}) == 1 < len(per_run), (table, per_run)


def test_who_watches_a_run_hears_what_another_process_writes(instance: dg.DagsterInstance, home: Path) -> None:
    run_id = run(instance)
    events = instance.all_logs(run_id)
    heard: queue.Queue[str] = queue.Queue()
    reader = BatchingEventLog(str(home / "history" / "runs"))
    try:
        before = reader.get_records_for_run(run_id)
        reader.watch(run_id, before.cursor, lambda event, _: heard.put(event.message))
        # The page asks meanwhile, too: its connection stays open, and what is written stays beside the database.
        for number in range(3):
            instance.event_log_storage.store_event(
                events[0]._replace(user_message=f"number {number}", dagster_event=None)
            )
            assert heard.get(timeout=30) == f"number {number}"
            assert len(reader.get_logs_for_run(run_id)) == len(events) + number + 1
    finally:
        reader.dispose()


def test_events_that_come_in_no_batch_are_stored(instance: dg.DagsterInstance) -> None:
    run_id = run(instance)
    before = instance.all_logs(run_id)
    # A check says only once in a run what it found.
    events = [event for event in before if "CHECK" not in str(event.dagster_event_type)]
    instance.event_log_storage.store_event_batch(events)
    assert len(instance.all_logs(run_id)) == len(before) + len(events)


def test_only_the_index_and_one_run_stay_open(instance: dg.DagsterInstance) -> None:
    runs = [run(instance) for _ in range(3)]
    for run_id in runs:
        assert instance.all_logs(run_id)
    log = instance.event_log_storage
    assert isinstance(log, BatchingEventLog)
    assert set(log._open) == {"index", runs[-1]}
    log.dispose()
    assert not log._open
    assert instance.all_logs(runs[0]), "it opens again what it needs"


def test_an_instance_of_dagsters_own_storage_goes_on(home: Path) -> None:
    (home / "dagster.yaml").write_text("storage: {sqlite: {base_dir: {env: DAGSTER_HOME}}}\n", "utf-8")
    with dg.DagsterInstance.get() as old:
        run_id = run(old)
        assert not isinstance(old.event_log_storage, BatchingEventLog)
    (home / "dagster.yaml").write_bytes((PROJECT / "dagster_home" / "dagster.yaml").read_bytes())
    with dg.DagsterInstance.get() as new:
        assert isinstance(new.event_log_storage, BatchingEventLog)
        assert new.get_run_by_id(run_id) is not None
        assert len(new.get_materialized_partitions(posts.key)) == 20
