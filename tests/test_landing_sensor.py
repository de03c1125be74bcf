"""The landing sensor: what it asks for, what it says when it asks for nothing, and that nothing is lost or doubled.

Runs that it asks for are really made, over the tables of one source up to staging.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from conftest import some_posts, write_export
from dagster import DagsterInstance

from sm_assets.defs import attempts
from sm_assets.defs.assets import raw
from sm_assets.defs.assets import sql as sql_assets
from sm_assets.defs.assets.declare import IO_MANAGER
from sm_assets.defs.io import LakeIOManager
from sm_assets.defs.jobs import FIRST_DAY, LAST_DAY, REFRESH_DAYS
from sm_assets.defs.landing_sensor import PATIENCE, QUIET, SECONDS, landing_sensor
from sm_assets.defs.take_in_landing import TAKE_IN_LANDING, take_in_job
from sm_assets.settings import Settings
from sm_assets.sources import SOURCES
from sm_assets.sources.arrivals import listing
from sm_assets.sources.intake import take_in
from sm_assets.sources.pending import read_state, take_away, waiting, write_state
from sm_assets.storage import Lake

SOURCE = "crowdtangle"
RAW = (*SOURCES[SOURCE].raw_tables, SOURCES[SOURCE].rejects_table)
DAY = date(2021, 7, 5)
FAR = DAY + timedelta(days=60)
# The job of these tests ends there, as the real one ends on core and features.
STAGED = dg.AssetKey("stg_crowdtangle__posts")


@dataclass
class World:
    """A data root, an instance, and a clock that only ticks move."""

    lake: Lake
    instance: DagsterInstance
    now: float = field(default_factory=lambda: time.time() + QUIET)
    cursor: str | None = None

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """What a new process has: the files, the records, the cursor."""
        self.lake = Lake(self.lake.settings)
        self.sensor = landing_sensor(self.lake, lambda: self.now)
        # Not all that there are: making them costs more than all the rest.
        assets = [raw._source_assets(self.lake, SOURCE), sql_assets._sql_asset(self.lake, "stg_crowdtangle__posts")]
        self.job = dg.Definitions(
            assets=assets,
            jobs=[dg.define_asset_job(REFRESH_DAYS)],
            resources={IO_MANAGER: LakeIOManager(self.lake)},
            executor=dg.in_process_executor,
        ).resolve_job_def(REFRESH_DAYS)

    def land(self, name: str, first: date, days: int = 1, start: int = 0, **more: Any) -> Path:
        path = Path(self.lake.path("landing", SOURCE, name))
        return write_export(path, some_posts(first, days, pages=1, start=start, **more))

    def tick(self) -> list[dg.RunRequest] | str:
        """Runs asked for, or why none is."""
        self.now += SECONDS
        result = self.sensor(dg.build_sensor_context(instance=self.instance, cursor=self.cursor))
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        if result.skip_reason is not None:
            message = result.skip_reason.skip_message
            assert message
            assert message.rstrip().endswith("."), message
            return message
        assert result.run_requests
        return list(result.run_requests)

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Make the run as the daemon would."""
        tags = {**request.tags, "dagster/run_key": str(request.run_key)}
        job = take_in_job(self.lake) if request.job_name == TAKE_IN_LANDING else self.job
        return job.execute_in_process(
            run_config=request.run_config or {}, tags=tags, instance=self.instance, raise_on_error=False
        )

    def asked(self) -> dg.RunRequest:
        found = self.tick()
        assert not isinstance(found, str), found
        (request,) = found
        return request

    def settle(self) -> list[tuple[str, str]]:
        """Ticks and runs until nothing is asked for: (first, last) of the refreshes; one run takes files in."""
        assert "at the last tick" in self.tick()
        taken = self.asked()
        assert taken.job_name == TAKE_IN_LANDING
        assert self.run(taken).success
        found = self.tick()
        if isinstance(found, str):
            return []
        assert all(self.run(request).success for request in found)
        assert "Nothing under landing/" in self.tick() or "fed" in str(self.tick())
        return [(request.tags[FIRST_DAY], request.tags[LAST_DAY]) for request in found]

    def rows(self) -> dict[date, int]:
        table = "stg_crowdtangle__posts"
        return {day: int(self.lake.metadata(table, day)["rows"]) for day in self.lake.days(table)}


@pytest.fixture
def world(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(raw, "_CORE", STAGED)
    monkeypatch.setattr(attempts, "_ALL", frozenset({STAGED}))
    with DagsterInstance.ephemeral() as instance:
        yield World(Lake(settings), instance)


def days(request: dg.RunRequest) -> tuple[str, str]:
    return request.tags[FIRST_DAY], request.tags[LAST_DAY]


def test_a_hundred_files_are_one_intake_and_one_run(world: World) -> None:
    assert world.tick() == "Nothing under landing/ has changed since it was taken in, and no day waits."
    for number in range(100):
        world.land(f"{number % 7}/{number}.csv", DAY + timedelta(days=number % 10), start=10_000 * number)
    assert world.settle() == [(str(DAY), str(DAY + timedelta(days=9)))]
    assert world.rows() == {DAY + timedelta(days=n): 20 for n in range(10)}
    runs = world.instance.get_runs()
    assert sorted(run.job_name for run in runs) == [REFRESH_DAYS, TAKE_IN_LANDING]


def test_what_is_there_already_is_no_news(world: World) -> None:
    first = world.land("a.csv", DAY, 2)
    assert world.settle() == [(str(DAY), "2021-07-06")]
    (first.parent / "copy").mkdir()
    (first.parent / "copy" / "b.csv").write_bytes(first.read_bytes())
    assert world.settle() == []
    assert world.rows() == {DAY: 2, DAY + timedelta(days=1): 2}
    # A lost cursor asks for nothing that was taken in.
    world.cursor = None
    assert "Nothing under landing/" in world.tick()


def test_changed_files_and_sidecars_are_news(world: World) -> None:
    file = world.land("a.csv", DAY, 3)
    world.settle()
    world.land("a.csv", DAY, 3, shares=9)
    assert world.settle() == [(str(DAY), "2021-07-07")]
    file.with_name("a.csv.meta.json").write_text('{"collection": "donors"}', encoding="utf-8")
    assert world.settle() == [(str(DAY), "2021-07-07")]


def test_a_growing_file_is_waited_for_but_not_forever(world: World) -> None:
    world.land("a.csv", DAY)
    world.now = time.time() - SECONDS + 1
    assert "landing/crowdtangle/a.csv changed" in world.tick()
    for number in range(3):
        world.land("b.csv", DAY, start=1000 * number)
        assert "it is taken in when it has come to rest." in world.tick()
    world.now += PATIENCE
    world.land("b.csv", DAY, start=9000)
    assert world.run(world.asked()).success, "it is taken in as it stands"
    assert world.run(world.asked()).success
    world.land("b.csv", DAY, start=10_000)
    assert "is not as it was" in world.tick(), "once in a while, not at every tick"


def test_a_download_under_another_name_is_not_looked_at(world: World) -> None:
    file = world.land("a.csv.part", DAY)
    assert "Nothing under landing/" in world.tick()
    file.rename(file.with_suffix(""))
    assert world.settle() == [(str(DAY), str(DAY))]


def test_a_broken_file_is_set_aside_and_named(world: World) -> None:
    world.land("a.csv", DAY)
    broken = Path(world.lake.path("landing", SOURCE, "broken.csv"))
    broken.write_text("a,b\n1,2\n", encoding="utf-8")
    world.tick()
    done = world.run(world.asked())
    assert done.success
    (metadata,) = (event.step_output_data.metadata for event in done.all_events if event.is_successful_output)
    assert metadata["files_converted"].value == metadata["files_set_aside"].value == 1
    assert metadata["affected_days"].value == metadata["waiting_days"].value == str(DAY)
    assert world.run(world.asked()).success
    assert "Set aside: landing/crowdtangle/broken.csv (" in world.tick()


def test_what_cannot_be_taken_in_is_said_and_not_tried_again(world: World) -> None:
    file = world.land("a.csv", DAY)
    sidecar = file.with_name("nothing.csv.meta.json")
    sidecar.write_text("{}", encoding="utf-8")
    world.tick()
    failed = world.run(world.asked())
    assert not failed.success
    said = world.tick()
    assert said.startswith(f"Run {failed.run_id} could not take in 1 new (landing/crowdtangle/a.csv)")
    assert world.tick() == said
    sidecar.unlink()
    assert world.settle() == [(str(DAY), str(DAY))]
    Path(world.lake.path("landing", "facebok")).mkdir()
    assert world.tick().startswith("landing/facebok/ is no known source; known are bluesky,")


def test_a_deleted_file_asks_for_no_run_that_must_fail(world: World) -> None:
    gone = world.land("a.csv", DAY, 2)
    world.land("b.csv", DAY + timedelta(days=1), 3, start=50_000)
    world.settle()
    content = gone.read_bytes()
    gone.unlink()
    # Profiles of the file that went are known on later days: those are made again, without the days that it fed.
    assert world.settle() == [("2021-07-07", "2021-07-08")]
    said = world.tick()
    assert "landing/crowdtangle/a.csv fed 2021-07-05 to 2021-07-06: it is gone. Put it back" in said
    assert "accept_vanished: true for ingest_crowdtangle" in said
    gone.write_bytes(content)
    assert world.settle() == [("2021-07-05", "2021-07-08")]
    assert "fed" not in world.tick()
    gone.unlink()
    world.settle()
    request = dg.RunRequest(
        run_key="by hand",
        job_name=REFRESH_DAYS,
        run_config={"ops": {"ingest_crowdtangle": {"config": {"accept_vanished": True}}}},
        tags={FIRST_DAY: "2021-07-05", LAST_DAY: "2021-07-06"},
    )
    assert world.run(request).success
    assert "fed" not in world.tick()
    assert world.rows()[DAY] == 0


def test_a_restart_in_the_middle_neither_loses_nor_doubles(world: World) -> None:
    world.land("a.csv", DAY, 2)
    world.land("far.csv", FAR, start=90_000)
    world.tick()
    taken = world.asked()
    # The daemon died before it noted the tick: the same key, so Dagster makes no second run.
    world.restart()
    assert world.asked().run_key == taken.run_key
    assert world.run(taken).success
    world.restart()
    asked = world.tick()
    assert [days(request) for request in asked] == [(str(DAY), "2021-07-06"), (str(FAR), str(FAR))]
    world.restart()
    again = world.tick()
    assert [request.run_key for request in again] == [request.run_key for request in asked]
    with_run = world.instance.create_run_for_job(world.job, tags=asked[0].tags, status=dg.DagsterRunStatus.STARTED)
    assert world.tick().startswith(f"Run {with_run.run_id} of refresh_days is under way")
    world.instance.delete_run(with_run.run_id)
    assert world.run(asked[0]).success
    assert [request.run_key for request in world.tick()] == [asked[1].run_key]
    assert world.run(asked[1]).success
    assert "Nothing under landing/" in world.tick()


def test_days_wait_until_all_raw_tables_are_published(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.land("a.csv", DAY, 2)
    world.tick()
    world.run(world.asked())
    request = world.asked()
    with monkeypatch.context() as patched:
        patched.setattr(raw, "take_away", _die)
        failed = world.run(request)
        assert not failed.success
    said = world.tick()
    assert said.startswith(f"Run {failed.run_id} over 2021-07-05 to 2021-07-06 failed: mend")
    assert world.tick() == said, "no second run over the same"
    # Other files come: what failed is tried again, and cannot take the new day down with it.
    world.land("next.csv", DAY + timedelta(days=2), start=70_000)
    world.tick()
    assert world.run(world.asked()).success
    asked = world.tick()
    assert [days(each) for each in asked] == [(str(DAY), "2021-07-06"), ("2021-07-07", "2021-07-07")]
    assert asked[0].run_key != request.run_key
    assert all(world.run(each).success for each in asked)
    assert "Nothing under landing/" in world.tick()


def test_a_run_that_failed_behind_the_raw_tables_is_named_until_its_days_are_made(world: World) -> None:
    world.land("a.csv", DAY, 2)
    world.settle()
    (done,) = world.instance.get_runs(dg.RunsFilter(job_name=REFRESH_DAYS))
    world.instance.delete_run(done.run_id)
    failed = world.instance.create_run_for_job(world.job, tags=dict(done.tags), status=dg.DagsterRunStatus.CANCELED)
    assert world.tick().startswith(f"Run {failed.run_id} over 2021-07-05 to 2021-07-06 was cancelled")
    others = map(dg.AssetKey, RAW)

    def somebody_runs(last: str, *keys: dg.AssetKey) -> None:
        tags, selection = {FIRST_DAY: last if keys else str(DAY), LAST_DAY: last}, frozenset(keys) if keys else None
        world.instance.create_run_for_job(
            world.job, tags=tags, status=dg.DagsterRunStatus.SUCCESS, asset_selection=selection
        )

    somebody_runs("2021-07-06", *others)
    assert world.tick().startswith(f"Run {failed.run_id} over 2021-07-05 to 2021-07-06"), "it does not go as far"
    somebody_runs("2021-07-05", STAGED)
    assert world.tick().startswith(f"Run {failed.run_id} over 2021-07-06 was")
    somebody_runs("2021-07-06", STAGED, *map(dg.AssetKey, RAW))
    assert "Nothing under landing/" in world.tick()


def test_what_failed_is_tried_again_when_the_file_that_broke_it_is_gone(world: World) -> None:
    world.land("a.csv", DAY, 2)
    broken = world.land("broken.csv", DAY + timedelta(days=2), start=50_000)
    world.tick()
    world.run(world.asked())
    request = world.asked()
    assert days(request) == ("2021-07-05", "2021-07-07")
    world.instance.create_run_for_job(world.job, tags=request.tags, status=dg.DagsterRunStatus.FAILURE)
    assert "failed: mend what its page names" in world.tick()
    broken.unlink()
    # Nobody speaks of its last day any more.
    assert world.settle() == [("2021-07-05", "2021-07-06")]


def test_a_run_that_ends_with_raw_leaves_its_days_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "_CORE", dg.AssetKey("not_in_the_run"))
    world.land("a.csv", DAY)
    world.tick()
    world.run(world.asked())
    assert world.run(world.asked()).success
    assert list(waiting(world.lake, DAY, FAR).days) == [DAY]


def test_a_lake_that_was_made_anew_is_filled_though_the_records_of_runs_are_old(world: World) -> None:
    world.land("a.csv", DAY, 2)
    for _ in range(3):
        assert world.settle() == [(str(DAY), "2021-07-06")]
        shutil.rmtree(world.lake.path("lake"))
        world.restart()
        world.cursor = None
    keys = [run.tags["dagster/run_key"] for run in world.instance.get_runs()]
    assert len(keys) == len(set(keys)) == 6


def test_a_killed_intake_is_tried_once_more(world: World) -> None:
    world.land("a.csv", DAY)
    world.tick()
    asked = world.asked()
    keys = set()
    for _ in range(2):
        keys.add(asked.run_key)
        killed = world.instance.create_run_for_job(
            take_in_job(world.lake),
            tags={**asked.tags, "dagster/run_key": str(asked.run_key)},
            status=dg.DagsterRunStatus.FAILURE,
        )
        found = world.tick()
        asked = asked if isinstance(found, str) else found[0]
    assert len(keys) == 2
    assert str(found).startswith(f"Run {killed.run_id} could not take in 1 new (landing/crowdtangle/a.csv): it was")


def test_a_folder_that_never_rests_holds_up_nobody_for_long(world: World) -> None:
    world.land("a.csv", DAY)
    refreshed = 0
    for number in range(4):
        world.land("stream.csv", DAY, start=1000 * number)
        found = world.tick()
        if not isinstance(found, str):
            refreshed += found[0].job_name == REFRESH_DAYS
            # The folder has gone on growing when the run ends.
            assert all(world.run(request).success for request in found)
        if not number:
            world.now += PATIENCE
    assert refreshed == 1


def test_what_is_not_mounted_is_not_taken_for_gone(world: World) -> None:
    assert world.land("a.csv", DAY)
    world.settle()
    for place in ("landing", f"landing/{SOURCE}"):
        folder = Path(world.lake.path(place))
        folder.rename(folder.with_name("_off"))
        assert "yet 1 files of it were taken in: is it mounted?" in world.tick()
        folder.with_name("_off").rename(folder)
    assert "Nothing under landing/" in world.tick()


def test_another_reader_is_news(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.land("a.csv", DAY)
    world.settle()
    monkeypatch.setattr(SOURCES[SOURCE].load(), "READER_VERSION", "next")
    request = world.asked()
    assert request.job_name == TAKE_IN_LANDING
    assert world.run(request).success
    assert days(world.asked()) == (str(DAY), str(DAY))


@pytest.mark.parametrize("cursor", ["x", "[]", '{"crowdtangle": 1}', '{"crowdtangle": {"asked_at": "y"}}'])
def test_a_cursor_that_somebody_wrote_is_as_none(world: World, cursor: str) -> None:
    world.cursor = cursor
    assert "Nothing under landing/" in world.tick()


def test_what_cannot_be_looked_at_is_said(world: World) -> None:
    folder = Path(world.lake.path("landing", SOURCE))
    folder.mkdir(parents=True)
    (folder / "circle").symlink_to("circle")
    assert world.tick().startswith("landing/crowdtangle/circle cannot be looked at (")
    (folder / "circle").unlink()
    (folder / "loop").symlink_to(".")
    world.tick()
    assert not world.run(world.asked()).success
    assert "loop is a link to a folder" in world.tick()


def test_a_first_day_that_lies_ahead_is_said(settings: Settings) -> None:
    sensor = landing_sensor(Lake(replace(settings, start_day=date(2999, 1, 1))))
    with DagsterInstance.ephemeral() as instance:
        result = sensor(dg.build_sensor_context(instance=instance))
    assert isinstance(result, dg.SensorResult)
    assert "SM_ASSETS_START_DAY is 2999-01-01, which lies ahead" in str(result.skip_reason)


def test_of_many_files_that_went_three_are_named(world: World) -> None:
    files = [world.land(f"{number}.csv", DAY, start=1000 * number) for number in range(6)]
    world.settle()
    for file in files[:5]:
        file.unlink()
    world.settle()
    said = world.tick()
    assert said.count("it is gone") == 3
    assert "And 2 more files like that" in said


def test_publication_leaves_waiting_what_came_meanwhile(lake: Lake) -> None:
    write_export(Path(lake.path("landing", SOURCE, "a.csv")), some_posts(DAY, 2, pages=1))
    early = take_in(lake, SOURCE)
    write_export(Path(lake.path("landing", SOURCE, "b.csv")), some_posts(DAY, 1, pages=1, start=5000))
    assert take_in(lake, SOURCE).number == 2
    take_away(lake, SOURCES[SOURCE], early.affected, early.number)
    # The profile of a late file goes on into the days after it.
    assert set(waiting(lake, DAY, FAR).days) == {DAY, DAY + timedelta(days=1)}
    assert waiting(lake, DAY + timedelta(days=1), FAR).days == {DAY + timedelta(days=1): {SOURCE: 2}}
    assert take_in(lake, SOURCE).number == 2, "nothing new is no intake"
    take_away(lake, SOURCES[SOURCE], early.affected, 2)
    assert waiting(lake, DAY, FAR).days == {}


def test_a_lake_of_an_earlier_version_has_waiting_what_is_not_published(lake: Lake) -> None:
    write_export(Path(lake.path("landing", SOURCE, "a.csv")), some_posts(DAY, 2, pages=1))
    take_in(lake, SOURCE)
    state = read_state(lake, SOURCE)
    write_state(lake, SOURCE, {key: state[key] for key in ("files", "same_as", "unknown", "unusable", "purged")})
    assert waiting(lake, DAY, FAR).days == {}
    assert take_in(lake, SOURCE).affected == ()
    assert list(waiting(lake, DAY, FAR).days) == [DAY, DAY + timedelta(days=1)]


def test_listings_tell_files_apart_by_path_size_and_time(lake: Lake) -> None:
    folder = Path(lake.path("landing", SOURCE))
    assert listing(lake, SOURCE).paths == frozenset()
    for name in ("a.csv", "deep/er/b.csv", ".hidden/c.csv", "README.md", "_notes", "d.tmp", "_meta.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x", encoding="utf-8")
    first = listing(lake, SOURCE)
    assert first.paths == {"landing/crowdtangle/a.csv", "landing/crowdtangle/deep/er/b.csv"}
    assert listing(lake, SOURCE) == first
    seen = {first.digest}
    changes: list[Callable[[], object]] = [
        partial((folder / "_meta.json").write_text, "xy", encoding="utf-8"),
        partial((folder / "a.csv").rename, folder / "z.csv"),
        partial(os.utime, folder / "z.csv", (1.0, 1.0)),
        (folder / "z.csv").unlink,
    ]
    for number, change in enumerate(changes, 2):
        change()
        seen.add(listing(lake, SOURCE).digest)
        assert len(seen) == number
    (folder / "d.tmp").write_text("longer", encoding="utf-8")
    assert listing(lake, SOURCE).digest in seen
    # A copy that brings an old time along, or one from the future, changed when it came.
    copied = folder / "copy.csv"
    copied.write_text("x", encoding="utf-8")
    for stamp in (1.0, 4e9):
        os.utime(copied, (stamp, stamp))
        found = listing(lake, SOURCE, time.time())
        assert found.last_changed == "landing/crowdtangle/copy.csv"
        assert abs(found.changed_at - copied.stat().st_ctime) < 1


def test_the_cursor_stays_small(world: World) -> None:
    for number in range(30):
        world.land(f"{number}.csv", DAY, start=1000 * number)
    world.tick()
    assert world.cursor is not None
    assert len(world.cursor) < 1000
    assert set(json.loads(world.cursor)) == set(SOURCES)


def _die(*_: object) -> None:
    raise RuntimeError("killed before the last step")
