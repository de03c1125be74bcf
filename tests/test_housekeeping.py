"""Housekeeping: which runs, snapshots and exports go, what must stay, and what an interruption leaves."""

import itertools
import re
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from cluster_lake import publish
from conftest import digests
from dagster._core.events import DagsterEventType

from sm_assets.contracts import TABLES
from sm_assets.defs import run_history
from sm_assets.defs.housekeeping import HousekeepingConfig, _snapshots, housekeeping_job, snapshot_tables
from sm_assets.defs.run_history import compact, drop_runs
from sm_assets.defs.wiring import build_defs
from sm_assets.errors import OptionError
from sm_assets.settings import Settings
from sm_assets.storage import Lake, retention
from sm_assets.storage.retention import days_to_drop

FIRST = date(2021, 7, 1)
LATER = datetime.now(UTC) + timedelta(days=1000)


# ------------------------------------------------------------------------------------------------------------ runs

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-10")


@dg.asset(partitions_def=DAYS)
def table_of_days(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    print("a line for the log of the run")
    if context.run.tags.get("fails"):
        raise ValueError("as told")
    return dg.MaterializeResult(check_results=[])


@dg.asset_check(asset=table_of_days)
def is_fine() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.job
def nothing_kept() -> None:
    @dg.op(out=dg.Out(dg.Nothing))
    def nothing() -> None: ...

    nothing()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh instance; making its databases takes longer than a test."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        assert not instance.get_run_ids()
    return folder


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "home"))


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as opened:
        yield opened


def run_day(instance: dg.DagsterInstance, day: str, *, fails: bool = False, checked: bool = True) -> str:
    assets = [table_of_days, is_fine] if checked else [table_of_days]
    result = dg.materialize(
        assets, partition_key=day, instance=instance, raise_on_error=False, tags={"fails": "yes"} if fails else {}
    )
    assert result.success is not fails
    return result.run_id


def status(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What the UI says of the partitions and the check."""
    key = dg.AssetKey("table_of_days")
    kinds = (DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    found: dict[str, Any] = {
        kind.value: instance.event_log_storage.get_latest_storage_id_by_partition(key, kind) for kind in kinds
    }
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([dg.AssetCheckKey(key, "is_fine")])
    return found | {"checks": [each.run_id for each in latest.values()]}


def test_old_runs_go_and_the_newest_of_a_partition_stays(instance: dg.DagsterInstance, home: Path) -> None:
    again = run_day(instance, "2024-01-01")
    newest = run_day(instance, "2024-01-01")
    failed_before = run_day(instance, "2024-01-02", fails=True)
    made = run_day(instance, "2024-01-02")
    failed = run_day(instance, "2024-01-03", fails=True)
    alone = nothing_kept.execute_in_process(instance=instance).run_id
    under_way = instance.create_run_for_job(nothing_kept, status=dg.DagsterRunStatus.STARTED).run_id
    before = status(instance)

    assert next(drop_runs(instance, LATER, dry_run=True)).items == 3
    assert {each.items for each in drop_runs(instance, datetime(2020, 1, 1, tzinfo=UTC), dry_run=False)} == {0}
    assert len(instance.get_run_ids()) == 7

    told = list(drop_runs(instance, LATER, dry_run=False))

    assert told[0].items == 3
    assert told[0].bytes > 3 * 10_000
    assert "3 older runs are the newest" in told[1].why
    assert set(instance.get_run_ids()) == {newest, made, failed, under_way}
    assert status(instance) == before
    for run_id in (again, failed_before, alone):
        assert not list(home.rglob(f"*{run_id}*")), "files of the run are gone"
    with sqlite3.connect(home / "history" / "runs.db") as con:
        assert {run for (run,) in con.execute("select run_id from run_tags")} <= {newest, made, failed, under_way}
    with sqlite3.connect(next(home.rglob("index.db"))) as con:
        left = {run for (run,) in con.execute("select run_id from asset_check_executions")}
    assert newest in left
    assert left <= {newest, made, failed}
    assert next(drop_runs(instance, LATER, dry_run=False)).items == 0


def test_the_run_of_a_check_that_ran_alone_stays(instance: dg.DagsterInstance) -> None:
    checked = run_day(instance, "2024-01-01")
    newest = run_day(instance, "2024-01-01", checked=False)
    list(drop_runs(instance, LATER, dry_run=False))
    # Of both runs one is the newest of the check, the other of the partition.
    assert set(instance.get_run_ids()) == {checked, newest}


def test_runs_of_a_backfill_under_way_stay(instance: dg.DagsterInstance) -> None:
    from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

    backfill = PartitionBackfill("abc", BulkActionStatus.REQUESTED, from_failure=False, tags={}, backfill_timestamp=1.0)
    instance.add_backfill(backfill)
    run_id = nothing_kept.execute_in_process(instance=instance, tags={"dagster/backfill": "abc"}).run_id
    assert next(drop_runs(instance, LATER, dry_run=False)).items == 0
    instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS))
    assert next(drop_runs(instance, LATER, dry_run=False)).items == 1
    assert not instance.has_run(run_id)


def test_an_interrupted_removal_of_runs_is_finished(
    instance: dg.DagsterInstance, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [nothing_kept.execute_in_process(instance=instance).run_id for _ in range(3)]
    storage = instance.event_log_storage
    delete = storage.delete_events
    calls = itertools.count()

    def dies(run_id: str) -> None:
        delete(run_id)
        if next(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(storage, "delete_events", dies)
    with pytest.raises(KeyboardInterrupt):
        list(drop_runs(instance, LATER, dry_run=False))
    assert len(instance.get_run_ids()) == 2
    assert next(drop_runs(instance, LATER, dry_run=False)).items == 2
    assert not instance.get_run_ids()
    assert not any(list((home).rglob(f"*{run_id}*")) for run_id in runs)


def test_sqlite_gives_the_room_back(instance: dg.DagsterInstance, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_day(instance, "2024-01-01")
    index = home / "history" / "runs" / "index.db"
    with sqlite3.connect(index) as con:
        con.execute("create table filler (b blob)")
        con.executemany("insert into filler values (randomblob(1000))", [()] * 2000)
        con.execute("drop table filler")
    con.close()
    size = index.stat().st_size
    assert not any(each.items for each in compact(instance, dry_run=True))
    assert index.stat().st_size == size
    found = {each.name: each for each in compact(instance, dry_run=False)}
    assert set(found) == {"index.db", "runs.db", "schedules.db"}
    assert found["index.db"].bytes > 1_000_000
    assert index.stat().st_size == size - found["index.db"].bytes
    assert status(instance)["ASSET_MATERIALIZATION"].keys() == {"2024-01-01"}

    monkeypatch.setattr(run_history, "_PATIENCE_S", 0)
    holder = sqlite3.connect(index, isolation_level=None)
    holder.execute("begin immediate")
    busy = {each.name: each for each in compact(instance, dry_run=False)}
    holder.close()
    assert "locked" in busy["index.db"].why


# ------------------------------------------------------------------------------------------------------- snapshots


def day(number: int) -> date:
    """Day `number` of 2024; the first is a Monday."""
    return date(2024, 1, 1) + timedelta(days=number)


@pytest.mark.parametrize(
    ("days", "keep_days", "weekly", "dropped"),
    [
        ({"a": range(15)}, 0, True, []),
        ({"a": range(15)}, 15, True, []),
        ({"a": range(15)}, 14, False, [0]),
        ({"a": range(15)}, 3, False, range(12)),
        # Sundays are days 6 and 13; the week of the newest day has day 14 as its last.
        ({"a": range(15)}, 3, True, [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]),
        # Where no Sunday was made the last day of the week stays.
        ({"a": [0, 2, 9, 30]}, 3, True, [0]),
        # The newest of each table stays, and with it that day of all tables.
        ({"a": range(15), "b": [1, 4]}, 3, False, [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]),
        ({"a": [], "b": [3]}, 1, False, []),
    ],
)
def test_which_days_go(days: dict[str, Any], keep_days: int, weekly: bool, dropped: Any) -> None:
    found = {name: [day(n) for n in numbers] for name, numbers in days.items()}
    assert days_to_drop(found, keep_days, keep_weekly=weekly) == [day(n) for n in dropped]


def test_what_stays_is_made_of_nothing_that_went() -> None:
    """Else `up_to_date` would ask for days that were let go."""
    graph = build_defs(settings=Settings(data_root="/nowhere")).resolve_asset_graph()
    gone = set(snapshot_tables())
    for table in TABLES.values():
        if table.partition == "event" or table.name not in gone:
            assert not gone & {key.path[-1] for key in graph.get(dg.AssetKey(table.name)).parent_keys}


def test_a_day_with_a_model_stays(lake: Lake) -> None:
    days = {"out_account_traits": [day(n) for n in range(9)]}
    assert day(1) not in days_to_drop(days, 2, keep_weekly=False, always=[day(1)])
    for number in range(9):
        publish(lake, "out_account_traits", [], [day(number)])
        rows = [{"attribute": "kind", "model_id": "m", "day": day(1)}] if number == 1 else []
        publish(lake, "out_attribute_models", rows, [day(number)])
    list(_snapshots(lake, HousekeepingConfig(keep_snapshots_days=2, keep_weekly=False)))
    assert lake.days("out_account_traits") == lake.days("out_attribute_models") == [day(1), day(7), day(8)]


def keep(lake: Lake, instance: dg.DagsterInstance, **config: Any) -> dict[str, Any]:
    """Run the job; the metadata of its output."""
    result = housekeeping_job(lake).execute_in_process(
        run_config={"ops": {"clean_up": {"config": config}}}, instance=instance
    )
    events = [event for event in result.all_node_events if event.event_type == DagsterEventType.STEP_OUTPUT]
    return dict(events[0].step_output_data.metadata)


def snapshots(lake: Lake, n: int) -> None:
    """Volumes, names and exports of n days."""
    for number in range(n):
        publish(lake, "out_post_volumes", [], [day(number)])
        publish(lake, "out_cluster_ids", [], [day(number)])
        folder = Path(lake.path("exports", "maps", "personas", f"day={day(number)}"))
        folder.mkdir(parents=True)
        (folder / "map.html").write_text("a map", encoding="utf-8")


def test_snapshots_and_exports_are_kept_as_long_as_was_said(
    lake: Lake, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    snapshots(lake, 15)
    outside = tmp_path / "elsewhere" / "day=2024-01-02"
    outside.mkdir(parents=True)
    (outside / "file").write_text("not ours", encoding="utf-8")
    Path(lake.path("exports", "maps", "link")).symlink_to(outside.parent)
    before = digests(Path(lake.root), below="")
    keep(lake, instance)
    keep(lake, instance, dry_run=True, keep_snapshots_days=3)
    assert digests(Path(lake.root), below="") == before, "all stays unless told, and a dry run removes nothing"

    told = keep(lake, instance, keep_snapshots_days=3)

    left = [day(n) for n in (6, 12, 13, 14)]
    assert lake.days("out_post_volumes") == left
    assert lake.days("out_cluster_ids") == [day(n) for n in range(15)], "names go back over all snapshots"
    exports = Path(lake.path("exports", "maps", "personas"))
    assert sorted(path.name for path in exports.iterdir()) == [f"day={each}" for each in left]
    assert (outside / "file").exists()
    assert not [path for path in Path(lake.path("lake", "out_post_volumes")).iterdir() if not any(path.iterdir())]
    rows = {(row.data["what"], row.data["name"]): row.data["items"] for row in told["removed"].value.records}
    assert rows["snapshot", "out_post_volumes"] == rows["export", "exports/maps/personas"] == 11
    with lake.connect() as con:
        con.execute(f"attach '{lake.path('catalog.duckdb')}' as known (read_only)")
        assert con.sql("select count(*) from known.out_post_volumes").fetchall() == [(0,)]


def test_folders_of_others_below_exports_stay(lake: Lake) -> None:
    snapshots(lake, 3)
    for name in ("mine/day=2024-01-01", "day=2024-01-01", "maps/personas/day=foo", "maps/personas/day=20240101"):
        Path(lake.path("exports", *name.split("/"))).mkdir(parents=True)
    assert retention.export_days(lake) == {"exports/maps/personas": [day(0), day(1), day(2)]}


def test_every_folder_that_code_writes_below_exports_is_known() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in Path(retention.__file__).parents[1].rglob("*.py"))
    assert set(re.findall(r'"exports", "(\w+)"', code)) == set(retention.EXPORT_FOLDERS)


def test_an_interruption_leaves_a_day_in_part_and_the_next_run_goes_on(
    lake: Lake, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots(lake, 10)
    seen = itertools.count()
    remove = retention.remove_folder

    def dies(lake: Lake, folder: str) -> None:
        if next(seen) == 2:
            raise KeyboardInterrupt
        remove(lake, folder)

    monkeypatch.setattr(retention, "remove_folder", dies)
    with pytest.raises(KeyboardInterrupt):
        keep(lake, instance, keep_snapshots_days=2, keep_weekly=False)
    exports = Path(lake.path("exports", "maps", "personas"))
    assert len(list(exports.iterdir())) == 8
    keep(lake, instance, keep_snapshots_days=2, keep_weekly=False)
    assert len(list(exports.iterdir())) == 2
    assert lake.days("out_post_volumes") == [day(8), day(9)]


def test_only_snapshots_may_go() -> None:
    assert {TABLES[name].partition for name in snapshot_tables()} == {"as_of"}
    assert not {"out_personas", "out_cluster_ids", "out_cluster_links"} & set(snapshot_tables())
    assert HousekeepingConfig().keep_snapshots_days == 0


def test_vectors_go_only_by_name_and_never_those_in_use(lake: Lake, instance: dg.DagsterInstance) -> None:
    for name in ("old", "used"):
        folder = Path(lake.path("lake", "_embeddings", name))
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{}", encoding="utf-8")
    publish(lake, "feat_post_embeddings", [{"embedder_id": "used", "embedding": [0.0], "day": FIRST}], [FIRST])
    stays = keep(lake, instance)["stays"].value.records
    assert [row.data["name"] for row in stays if row.data["what"] == "embedder"] == ["old"]
    for named, words in (("used", "days made with it"), ("../_ingest", "holds old, used")):
        with pytest.raises(OptionError, match=words):
            keep(lake, instance, forget_embedders=[named])
    keep(lake, instance, forget_embedders=["old"])
    assert [path.name for path in Path(lake.path("lake", "_embeddings")).iterdir()] == ["used"]
