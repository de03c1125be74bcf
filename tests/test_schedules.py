"""Schedules: which days their ticks ask for, and what they say when they ask for none. And the jobs that they name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from conftest import some_posts, write_export
from follow_lake import publish_follows

from sm_assets.contracts import TABLES
from sm_assets.contracts.sketches import MADE_FROM
from sm_assets.defs.audience_inputs import digest_of
from sm_assets.defs.day_ranges import day_ranges
from sm_assets.defs.jobs import ASKED_BY, FIRST_DAY, LAST_DAY
from sm_assets.defs.schedules import all_schedules
from sm_assets.defs.wiring import build_defs
from sm_assets.settings import Settings
from sm_assets.sources.intake import take_in
from sm_assets.sources.pending import read_state, write_state
from sm_assets.storage import Lake, day_range

LAND = date(2021, 1, 1)


def tick(lake: Lake, name: str, at: datetime, late: timedelta = timedelta(minutes=1)) -> list[dg.RunRequest] | str:
    """Runs that the tick of a schedule asks for, or why it asks for none."""
    schedule = next(each for each in all_schedules(lake, lambda: at + late) if each.name == name)
    found: Any = schedule(dg.build_schedule_context(scheduled_execution_time=at))
    if isinstance(found, dg.RunRequest):
        found = [found]
    if isinstance(found, dg.SkipReason):
        assert found.skip_message
        assert found.skip_message.endswith(".")
        return found.skip_message
    assert found
    assert len({request.run_key for request in found}) == len(found)
    assert {request.tags[ASKED_BY] for request in found} == {name}
    return list(found)


def asked(found: list[dg.RunRequest] | str) -> list[tuple[str, str]]:
    assert not isinstance(found, str), found
    return [(request.tags[FIRST_DAY], request.tags[LAST_DAY]) for request in found]


def published(lake: Lake, table: str, days: Iterable[date]) -> None:
    for day in days:
        file = Path(lake.file(table, day))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def covered(lake: Lake, first: date, last: date, **more: Any) -> None:
    """Files speak of the days; everything that lies under landing/ was taken in."""
    write_state(lake, "crowdtangle", read_state(lake, "crowdtangle") | {"covered": [[str(first), str(last)]]} | more)


def refresh(lake: Lake, day: date, **more: Any) -> list[dg.RunRequest] | str:
    return tick(lake, "daily_refresh", datetime(day.year, day.month, day.day, 3, 30, tzinfo=UTC), **more)


def snapshot(lake: Lake, monday: date, **more: Any) -> list[dg.RunRequest] | str:
    return tick(lake, "weekly_snapshot", datetime(monday.year, monday.month, monday.day, 5, tzinfo=UTC), **more)


# -------------------------------------------------------------------------------------------------------- every day


@pytest.mark.parametrize(
    ("today", "yesterday"),
    [
        (date(2021, 3, 1), "2021-02-28"),
        (date(2024, 3, 1), "2024-02-29"),
        (date(2022, 1, 1), "2021-12-31"),
        # Clocks of Europe and America change on the night before; days are UTC.
        (date(2021, 3, 28), "2021-03-27"),
        (date(2021, 3, 29), "2021-03-28"),
        (date(2021, 11, 8), "2021-11-07"),
    ],
)
def test_yesterday_is_refreshed(lake: Lake, today: date, yesterday: str) -> None:
    covered(lake, LAND, date(2024, 12, 31))
    published(lake, "core_accounts", day_range(today - timedelta(days=40), today - timedelta(days=2)))
    assert asked(refresh(lake, today)) == [(yesterday, yesterday)]
    published(lake, "core_accounts", [today - timedelta(days=1), today])
    first, again = refresh(lake, today), refresh(lake, today)
    assert asked(first) == [(yesterday, yesterday)]
    assert [r.run_key for r in first] == [r.run_key for r in again], "the same tick asks for the same run"  # type: ignore[union-attr]


def test_missed_days_come_along_in_one_run(lake: Lake) -> None:
    covered(lake, LAND, date(2021, 8, 20))
    published(lake, "core_accounts", day_range(LAND, date(2021, 7, 29)))
    assert asked(refresh(lake, date(2021, 8, 3))) == [("2021-07-30", "2021-08-02")]
    assert asked(refresh(lake, date(2021, 8, 21))) == [("2021-07-30", "2021-08-20")]
    # Files end on the 20th; and not more than 31 days back.
    assert asked(refresh(lake, date(2021, 9, 10))) == [("2021-08-10", "2021-08-20")]
    assert "brings anything for 2021-08-22 to 2021-09-21, and" in refresh(lake, date(2021, 9, 22))


def test_holes_are_found_and_days_that_wait_come_along(lake: Lake) -> None:
    covered(lake, LAND, date(2021, 8, 31), pending={"2021-01-05": 1, "2020-12-01": 1})
    published(lake, "core_accounts", [*day_range(date(2021, 7, 1), date(2021, 7, 30)), date(2021, 8, 4)])
    assert asked(refresh(lake, date(2021, 8, 6))) == [("2021-01-05", "2021-01-05"), ("2021-07-31", "2021-08-05")]


def test_without_data_it_is_skipped(lake: Lake) -> None:
    said = refresh(lake, date(2021, 8, 3))
    assert said == "No file that was taken in brings anything for 2021-07-03 to 2021-08-02, and no day waits."
    covered(lake, LAND, date(2021, 8, 1))
    published(lake, "core_accounts", day_range(date(2021, 7, 1), date(2021, 8, 1)))
    assert "brings anything for 2021-08-02, and no day waits." in refresh(lake, date(2021, 8, 3))


def test_what_was_not_taken_in_is_taken_in_first(lake: Lake) -> None:
    def take() -> list[dg.RunRequest] | str:
        return tick(lake, "daily_intake", datetime(2021, 8, 3, 2, 30, tzinfo=UTC))

    assert take() == "Nothing under landing/ has changed since it was taken in."
    write_export(Path(lake.path("landing", "crowdtangle", "a.csv")), some_posts(date(2021, 8, 2), 1, pages=1))
    # Nobody knows yet of which days it speaks: a run over others would fail.
    assert "What is new under landing/crowdtangle/ was not taken in yet" in refresh(lake, date(2021, 8, 3))
    (request,) = take()
    assert isinstance(request, dg.RunRequest)
    assert request.run_config["ops"]["take_in_files"]["config"] == {"sources": ["crowdtangle"]}
    take_in(lake, "crowdtangle")
    assert "Nothing under" in take()
    assert asked(refresh(lake, date(2021, 8, 3))) == [("2021-08-02", "2021-08-02")]
    Path(lake.path("landing")).rename(lake.path("off"))
    assert "is it mounted?" in take()
    assert "is it mounted?" in refresh(lake, date(2021, 8, 3))


def test_days_of_vanished_files_are_left_out_and_named(lake: Lake) -> None:
    gone = {"landing/crowdtangle/a.csv": "it is gone"}
    covered(lake, LAND, date(2021, 8, 31), vanished={"2021-08-02": gone})
    published(lake, "core_accounts", day_range(date(2021, 7, 1), date(2021, 7, 31)))
    assert asked(refresh(lake, date(2021, 8, 5))) == [("2021-08-01", "2021-08-01"), ("2021-08-03", "2021-08-04")]
    published(lake, "core_accounts", [date(2021, 8, 1)])
    assert "landing/crowdtangle/a.csv fed 2021-08-02: it is gone." in refresh(lake, date(2021, 8, 3))


def test_of_ticks_that_were_missed_the_last_one_counts(lake: Lake) -> None:
    covered(lake, LAND, date(2021, 8, 31))
    assert "comes late" in refresh(lake, date(2021, 8, 3), late=timedelta(days=1))
    assert asked(refresh(lake, date(2021, 8, 3), late=timedelta(hours=23))) == [("2021-07-03", "2021-08-02")]


# ------------------------------------------------------------------------------------------------------- every week


def test_a_snapshot_as_of_sunday(lake: Lake) -> None:
    published(lake, "core_accounts", day_range(date(2021, 7, 26), date(2021, 8, 2)))
    assert asked(snapshot(lake, date(2021, 8, 2))) == [("2021-08-01", "2021-08-01")]
    published(lake, "out_ingest_report", [date(2021, 8, 1)])
    assert asked(snapshot(lake, date(2021, 8, 2))) == [("2021-08-01", "2021-08-01")]


def test_sundays_that_were_missed_come_along(lake: Lake) -> None:
    published(lake, "core_accounts", day_range(date(2021, 7, 14), date(2021, 8, 16)))
    published(lake, "out_ingest_report", [date(2021, 8, 1)])
    # Half of it was made of the 25th.
    published(lake, "feat_audiences", [date(2021, 8, 1)])
    published(lake, "out_ingest_report", [date(2021, 7, 25)])
    wanted = ["2021-07-25", "2021-08-08", "2021-08-15"]
    assert asked(snapshot(lake, date(2021, 8, 16))) == [
        (day, day) for day in ["2021-07-25", "2021-08-08", "2021-08-15"]
    ]
    # A tick later: the oldest is beyond the four.
    assert asked(snapshot(lake, date(2021, 8, 23))) == [(day, day) for day in wanted[1:]]


def test_no_snapshot_whose_window_misses_its_end(lake: Lake) -> None:
    assert snapshot(lake, date(2021, 8, 2)).startswith("Nothing to make as of 2021-08-01: core tables have no day yet.")  # type: ignore[union-attr]
    published(lake, "core_accounts", [date(2021, 7, 31)])
    assert "core tables end on 2021-07-31" in snapshot(lake, date(2021, 8, 2))
    # As of the Sunday before there is nothing either: its window holds no day.
    published(lake, "core_accounts", [date(2021, 8, 1)])
    assert asked(snapshot(lake, date(2021, 8, 2))) == [("2021-08-01", "2021-08-01")]
    assert "comes late" in snapshot(lake, date(2021, 8, 2), late=timedelta(days=7))


# ---------------------------------------------------------------------------------------------------------- follows


def withdraw(lake: Lake, rows: list[dict[str, Any]], day: date) -> None:
    contract = TABLES["core_tombstones"]
    moment = datetime(day.year, day.month, day.day)
    fixed = {
        "source": "bluesky", "platform": "bluesky", "action": "purge", "reason": "deleted", "revision": "r", "day": day,
        "source_file": "f", "source_sha256": "0" * 64, "source_row": 1, "source_item": 0, "time_source": "client",
        "deleted_at": moment, "observed_at": moment,
    }  # fmt: skip
    full = [{name: (fixed | row).get(name) for name in contract.column_names} for row in rows]
    lake.publish(contract, pa.Table.from_pylist(full, contract.plain_schema), [day])


def make_keys(lake: Lake, days: Iterable[date]) -> None:
    """Keys and sketches of days that say what they were made from; they need no rows for this."""
    listed = list(days)
    for table, source in (("feat_follow_keys", "core_follows"), ("feat_audience_sketches", "feat_follow_keys")):
        digests = {day: digest_of(lake, source, day) for day in listed}
        with lake.connect() as con:
            rows = con.sql(TABLES[table].empty_sql())
            lake.publish(TABLES[table], rows, listed, metadata=lambda day, found=digests: {MADE_FROM: found[day]})


def test_days_that_hold_withdrawn_follows_are_made_again(lake: Lake) -> None:
    first = date(2024, 3, 1)
    days = [first + timedelta(days=n) for n in (0, 1, 2, 3, 60)]
    follows = {day: [("bluesky", f"f{n}.{day}", "a") for n in range(3)] for day in days}
    sunday = datetime(2024, 5, 5, 3, tzinfo=UTC)

    def rebuild() -> list[dg.RunRequest] | str:
        return tick(lake, "rebuild_withdrawn_follows", sunday)

    assert rebuild() == "No follow that was withdrawn stands in keys or sketches."
    publish_follows(lake, follows)
    make_keys(lake, days)
    assert "No follow" in rebuild()
    withdraw(lake, [{"entity": "follow", "record_id": f"f1.{days[1]}>a", "record_day": days[1]}], days[3])
    assert asked(rebuild()) == [("2024-03-02", "2024-03-02")]
    # Made again without it, its keys and sketches are what is left to make.
    publish_follows(lake, {days[1]: follows[days[1]][::2]})
    assert asked(rebuild()) == [("2024-03-02", "2024-03-02")]
    make_keys(lake, [days[1]])
    assert "No follow" in rebuild()
    # A withdrawn account does not say of which days its follows are.
    gone = [{"entity": "account", "record_id": f"f0.{day}", "record_day": None} for day in (days[0], days[2], days[4])]
    withdraw(lake, gone, days[4])
    assert asked(rebuild()) == [("2024-03-01", "2024-03-03"), ("2024-04-30", "2024-04-30")]
    assert "comes late" in tick(lake, "rebuild_withdrawn_follows", sunday, late=timedelta(days=7))


# ------------------------------------------------------------------------------------------------------------- jobs


def test_every_table_is_made_by_one_of_the_jobs_and_all_is_off() -> None:
    defs = build_defs(settings=Settings(data_root="/nowhere"))
    tables = {
        name: {key.path[-1] for key in defs.resolve_job_def(name).asset_layer.executable_asset_keys}
        for name in ("whole_chain", "refresh_days", "make_snapshots", "rebuild_follows")
    }
    assert tables["refresh_days"] | tables["make_snapshots"] == tables["whole_chain"] >= set(TABLES)
    assert not tables["refresh_days"] & tables["make_snapshots"]
    assert tables["refresh_days"] == {name for name, table in TABLES.items() if table.partition == "event"}
    made = {"core_follows", "core_accounts", "feat_follow_keys", "feat_audience_sketches", "feat_account_activity"}
    assert made <= tables["rebuild_follows"] < tables["refresh_days"]
    for each in (*(defs.schedules or ()), *(defs.sensors or ())):
        off = (dg.DefaultScheduleStatus.STOPPED, dg.DefaultSensorStatus.STOPPED)
        assert each.default_status in off, each.name  # type: ignore[union-attr]
        assert isinstance(each, dg.SensorDefinition) or each.execution_timezone == "UTC"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("days", "without", "ranges"),
    [
        ([], [], []),
        ([1, 2, 3], [], [(1, 3)]),
        ([1, 8], [], [(1, 1), (8, 8)]),
        ([7, 1], [], [(1, 7)]),
        ([1, 4], [2, 3], [(1, 1), (4, 4)]),
        ([1, 2, 3, 5], [2, 9], [(1, 1), (3, 5)]),
        ([1, 2], [1, 2], []),
    ],
)
def test_ranges_hold_all_days_and_none_that_is_barred(
    days: list[int], without: list[int], ranges: list[tuple[int, int]]
) -> None:
    def day(number: int) -> date:
        return LAND + timedelta(days=number)

    found = day_ranges(map(day, days), 7, map(day, without))
    assert found == [(day(first), day(last)) for first, last in ranges]
