"""Which days are stale, which are missing, and what people are told about it.

Here: what files say they were made from, late files, other code, overlapping runs, files of earlier versions, the
checks `up_to_date` and `fresh`, the sensor. Not here: days that wait for a run (`test_landing_sensor`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest
from conftest import digests, some_posts, write_export

from sm_assets.contracts import TABLES
from sm_assets.defs import code_versions
from sm_assets.defs.assets import post_volumes, raw, sql
from sm_assets.defs.assets.declare import IO_MANAGER
from sm_assets.defs.code_versions import code_version, normalised
from sm_assets.defs.day_checks import FRESH, UP_TO_DATE, day_checks, judgements, ranges
from sm_assets.defs.footers import CODE, MADE_FROM
from sm_assets.defs.io import LakeIOManager
from sm_assets.defs.made_from import WhatWasRead
from sm_assets.defs.partitions import daily
from sm_assets.defs.sql import SQL_ROOT, table_files
from sm_assets.defs.stale_sensor import stale_sensor
from sm_assets.defs.staleness import CODE_CHANGED, FILES_CHANGED, stale_days, standings
from sm_assets.settings import Settings
from sm_assets.sources import SOURCES
from sm_assets.sources.intake import take_in
from sm_assets.sources.pending import waiting
from sm_assets.storage import DIGEST, Lake, day_range

WINDOW = 3
FIRST, LAST = date(2021, 7, 1), date(2021, 7, 8)
LATE, NEWEST = date(2021, 7, 3), date(2021, 7, 6)
RAW, STAGED, POSTS, ACCOUNTS = "raw_crowdtangle__posts", "stg_crowdtangle__posts", "core_posts", "core_accounts"
MINUTES, VOLUMES = "feat_post_volumes", "out_post_volumes"
CHAIN = (STAGED, "stg_crowdtangle__accounts", POSTS, "core_account_history", ACCOUNTS, MINUTES)


def day(number: int) -> date:
    return date(2021, 7, number)


def settings_of(root: Path) -> Settings:
    return Settings(data_root=str(root), profile="tiny", threads=1, start_day=date(2021, 6, 1), window_days=WINDOW)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake whose windows have three days."""
    return Lake(settings_of(tmp_path))


# ------------------------------------------------------------ by hand: files that hold nothing but what they say


def put(
    lake: Lake, table: str, days: Iterable[date], rows: str, footers: Mapping[date, Mapping[str, str]] | None = None
) -> None:
    """Publish days of a table; `rows` stands for what is in them."""
    for each in days:
        path = Path(lake.file(table, each))
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {DIGEST: f"{rows} {each}", **(footers or {}).get(each, {})}
        path.unlink(missing_ok=True)
        pq.write_table(TABLES[table].file_schema.empty_table().replace_schema_metadata(metadata), path)


def read(lake: Lake, table: str, upstreams: Iterable[str], days: Iterable[date]) -> WhatWasRead:
    found, listed = WhatWasRead(lake), sorted(days)
    for upstream in upstreams:
        found.note(table, upstream, day_range(listed[0] - timedelta(days=WINDOW - 1), listed[-1]))
    return found


def make(lake: Lake, table: str, upstreams: Iterable[str], days: Iterable[date], rows: str = "a") -> None:
    listed = list(days)
    put(lake, table, listed, rows, read(lake, table, upstreams, listed).footers(listed, code_version(table)))


def said(found: dg.AssetCheckResult, name: str) -> str:
    return str(found.metadata[name].value)


def numbers(lake: Lake, table: str, reason: str = "") -> list[int]:
    """Days of July that are stale, of all reasons or of one."""
    found = stale_days(lake).get(table, {})
    return [each.day for each, reasons in found.items() if not reason or reason in reasons]


def test_a_snapshot_is_stale_as_long_as_a_changed_day_is_in_its_window(lake: Lake) -> None:
    days = day_range(FIRST, LAST)
    put(lake, POSTS, days, "a")
    make(lake, VOLUMES, [POSTS], days)
    assert stale_days(lake) == {}
    put(lake, POSTS, [day(3)], "b")
    assert stale_days(lake) == {VOLUMES: {day(n): ("core_posts changed",) for n in (3, 4, 5)}}
    make(lake, VOLUMES, [POSTS], [day(3), day(4)])
    assert numbers(lake, VOLUMES) == [5]
    make(lake, VOLUMES, [POSTS], [day(5)])
    assert stale_days(lake) == {}
    put(lake, POSTS, [FIRST - timedelta(days=n) for n in (1, 2, 3)], "a")
    assert numbers(lake, VOLUMES) == [1, 2], "a day that comes into a window changes it, one before it does not"
    Path(lake.file(POSTS, LAST)).unlink()
    assert numbers(lake, VOLUMES) == [1, 2, 8], "a day that went changes it too"


def test_the_same_rows_again_make_nothing_stale(lake: Lake) -> None:
    put(lake, POSTS, [FIRST], "a")
    make(lake, MINUTES, [POSTS], [FIRST])
    put(lake, POSTS, [FIRST], "a")
    assert stale_days(lake) == {}


def test_what_is_made_from_a_stale_day_is_stale_until_the_day_is_made_again(lake: Lake) -> None:
    days = day_range(FIRST, LAST)
    put(lake, STAGED, days, "a")
    make(lake, POSTS, [STAGED], days)
    make(lake, MINUTES, [POSTS], days)
    make(lake, VOLUMES, [MINUTES], days)
    put(lake, STAGED, [day(4)], "b")
    assert stale_days(lake) == {
        POSTS: {day(4): (f"{STAGED} changed",)},
        MINUTES: {day(4): ("core_posts is stale",)},
        VOLUMES: {day(n): (f"{MINUTES} is stale",) for n in (4, 5, 6)},
    }
    make(lake, POSTS, [STAGED], [day(4)])
    assert stale_days(lake) == {}, "it came out as before"
    make(lake, POSTS, [STAGED], [day(4)], rows="b")
    assert (numbers(lake, MINUTES), numbers(lake, VOLUMES)) == ([4], [4, 5, 6])


def test_profiles_and_audiences_are_made_of_all_days_up_to_theirs(lake: Lake) -> None:
    days = day_range(FIRST, LAST)
    for upstream, table in (("core_account_history", ACCOUNTS), ("feat_follow_keys", "feat_audiences")):
        put(lake, upstream, days, "a")
        for each in days:
            make(lake, table, [upstream], [each])
        assert stale_days(lake) == {}, "days that come later change none before them"
        put(lake, upstream, [day(6)], "b")
        assert numbers(lake, table) == [6, 7, 8]
        put(lake, upstream, [day(6)], "a")


def test_a_run_that_is_overtaken_names_what_it_read(lake: Lake) -> None:
    put(lake, POSTS, [FIRST], "a")
    slow = read(lake, MINUTES, [POSTS], [FIRST])
    put(lake, POSTS, [FIRST], "b")
    quick = read(lake, MINUTES, [POSTS], [FIRST])
    put(lake, MINUTES, [FIRST], "b", quick.footers([FIRST], code_version(MINUTES)))
    assert stale_days(lake) == {}
    put(lake, MINUTES, [FIRST], "a", slow.footers([FIRST], code_version(MINUTES)))
    assert stale_days(lake) == {MINUTES: {FIRST: ("core_posts changed",)}}


def test_files_of_earlier_versions_are_unknown_and_not_stale(lake: Lake) -> None:
    days = day_range(FIRST, LAST)
    for table in (STAGED, POSTS, MINUTES):
        put(lake, table, days, "a")
    make(lake, MINUTES, [POSTS], [LAST])
    assert stale_days(lake) == {}
    assert standings(lake)[MINUTES].unknown == tuple(days[:-1])
    found = judgements(lake)[MINUTES, UP_TO_DATE]
    assert found.passed
    assert "2021-07-01 to 2021-07-07" in said(found, "unknown")
    Path(lake.file(POSTS, LAST)).write_bytes(b"no parquet")
    assert numbers(lake, MINUTES) == [8], "a damaged file is another file, and no error here"


def test_other_code_makes_days_stale(lake: Lake) -> None:
    put(lake, POSTS, [FIRST], "a")
    reads = read(lake, MINUTES, [POSTS], [FIRST])
    put(lake, MINUTES, [FIRST], "a", reads.footers([FIRST], "0.earlier"))
    make(lake, VOLUMES, [MINUTES], [FIRST])
    assert stale_days(lake) == {
        MINUTES: {FIRST: (CODE_CHANGED,)},
        VOLUMES: {FIRST: (f"{MINUTES} is stale",)},
    }
    found = judgements(lake)[VOLUMES, UP_TO_DATE]
    assert (found.passed, said(found, "materialise")) == (False, "2021-07-01")
    assert said(found, "what_to_do").endswith(f"in one go: {MINUTES}.")


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        ("\nselect * from", "\n-- why: it's so\nselect\n\t*  /* all of 'them */ from", True),
        ("select", "SELECT", True),
        (" as ", "  as\n", True),
        ("select * from", "select distinct * from", False),
        ("'minute'", "'hour'", False),
        ("'minute'", "'Minute'", False),
        ("'minute'", "'minute '", False),
    ],
)
def test_comments_and_white_space_are_no_other_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, is_same: bool
) -> None:
    text = table_files()[MINUTES].read_text(encoding="utf-8")
    text += f"\n-- '\nselect date_trunc('minute', posted_at) as minute from {POSTS}\n"
    assert before in text
    found = []
    for number, each in enumerate((text, text.replace(before, after))):
        path = tmp_path / str(number) / f"{MINUTES}.sql"
        path.parent.mkdir()
        path.write_text(each, encoding="utf-8")
        monkeypatch.setattr(code_versions, "table_files", lambda path=path: {MINUTES: path})
        monkeypatch.setattr(code_versions, "shared_files", lambda _: ())
        found.append(code_version.__wrapped__(MINUTES))
    assert (found[0] == found[1]) == is_same


def test_shared_selects_and_judgements_are_code_of_their_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {table: code_version(table) for table in (POSTS, ACCOUNTS, MINUTES)}
    changed = {SQL_ROOT / "judgements" / f"{POSTS}.sql", SQL_ROOT / "shared" / "standing_withdrawals.sql"}
    monkeypatch.setattr(
        code_versions, "normalised", lambda path: normalised(path) + (" limit 1" if path in changed else "")
    )
    differ = [table for table, version in before.items() if code_version.__wrapped__(table) != version]
    assert differ == [POSTS, ACCOUNTS]


def test_versions_of_contracts_and_columns_are_code(monkeypatch: pytest.MonkeyPatch) -> None:
    table = TABLES["out_personas"]
    first, *others, last = table.columns
    other = replace(table, version=2), replace(table, columns=(*others, first, last))
    found = {code_version(table.name)}
    for each in other:
        monkeypatch.setitem(TABLES, table.name, each)
        found.add(code_version.__wrapped__(table.name))
    assert len(found) == 3


def test_the_version_of_a_reader_is_code_of_its_raw_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, source in SOURCES.items():
        assert code_versions.reader_version(name) == source.load().READER_VERSION
    before = {table: code_version(table) for table in TABLES}
    is_new = {"crowdtangle": "999"}
    real = code_versions.reader_version
    monkeypatch.setattr(code_versions, "reader_version", lambda name: is_new.get(name) or real(name))
    differ = {table for table, version in before.items() if code_version.__wrapped__(table) != version}
    source = SOURCES["crowdtangle"]
    assert differ == {*source.raw_tables, source.rejects_table}


# ------------------------------------------------------------------------ a chain of real assets


def assets(lake: Lake) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """From landing files to a snapshot; what they read of others is there, but nobody makes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        made = [each for each in raw.assets(lake) if each.keys & {dg.AssetKey(RAW)}]
        made += [each for each in sql.assets(lake) if each.key.path[-1] in CHAIN]
        made.append(post_volumes.asset(lake))
    there = {key for each in made for key in each.keys}
    read = {key for each in made for key in each.keys_by_input_name.values()} - there
    specs = [dg.AssetSpec(key, partitions_def=daily(lake.settings)).with_io_manager_key(IO_MANAGER) for key in read]
    return [*specs, *made]


def run(lake: Lake, chain: list[dg.AssetsDefinition | dg.AssetSpec], first: date, last: date) -> None:
    result = dg.materialize(
        chain,
        resources={IO_MANAGER: LakeIOManager(lake)},
        run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        tags={"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)},
        instance=dg.DagsterInstance.ephemeral(),
    )
    assert result.success


@dataclass
class Story:
    """A lake to which a late file came, and what was stale at each point."""

    lake: Lake
    made: dict[str, dict[date, tuple[str, ...]]]
    again: dict[str, dict[date, tuple[str, ...]]]
    is_same: bool
    late: dict[str, dict[date, tuple[str, ...]]]
    what_to_do: str
    mended: dict[str, dict[date, tuple[str, ...]]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Six days in one run; some once more; a late file for the third day; a run over the days that are stale."""
    root = tmp_path_factory.mktemp("staleness")
    lake = Lake(settings_of(root))
    landing = root / "landing" / "crowdtangle"
    write_export(landing / "2021-07-20-10-00-00-UTC-a.csv", some_posts(FIRST, 6, pages=2))
    chain = assets(lake)
    run(lake, chain, FIRST, NEWEST)
    made, before = stale_days(lake), digests(root)
    run(lake, chain, FIRST, day(2))
    again, after = stale_days(lake), digests(root)
    write_export(landing / "2021-07-21-10-00-00-UTC-late.csv", some_posts(LATE, 1, pages=1, start=900_000))
    take_in(lake, "crowdtangle")
    late, told = stale_days(lake), said(judgements(lake)[VOLUMES, UP_TO_DATE], "what_to_do")
    run(lake, chain, LATE, NEWEST)
    return Story(lake, made, again, before == after, late, told, stale_days(lake))


def test_a_run_leaves_nothing_stale_and_a_second_one_no_byte_different(story: Story) -> None:
    assert (story.made, story.again, story.is_same) == ({}, {}, True)


def test_a_late_file_marks_exactly_its_days(story: Story) -> None:
    def of(table: str) -> list[int]:
        return [each.day for each in story.late[table]]

    assert story.late[RAW] == {LATE: (FILES_CHANGED,)}
    assert story.late[POSTS] == {LATE: (f"{STAGED} is stale",)}
    assert (of(STAGED), of("core_account_history"), of(MINUTES)) == ([3], [3], [3])
    assert of(VOLUMES) == [3, 4, 5]
    assert of(ACCOUNTS) == [3, 4, 5, 6], "a profile goes on into all later days"


def test_what_is_stale_is_told_with_what_to_do(story: Story) -> None:
    assert story.what_to_do.startswith("Materialise [2021-07-03...2021-07-05] of this table and of those before it")
    assert story.what_to_do.endswith(f"{RAW}, {STAGED}, {POSTS}, {MINUTES}.")


def test_days_that_are_made_again_are_current(story: Story) -> None:
    assert story.mended == {}


def test_files_say_what_they_were_made_from_and_by_which_code(story: Story) -> None:
    for table in (RAW, *CHAIN, VOLUMES):
        footer = story.lake.metadata(table, NEWEST)
        assert footer[CODE] == code_version(table)
        assert MADE_FROM in footer


def test_one_step_judges_what_is_asked_for(story: Story) -> None:
    checks = day_checks(story.lake)
    result = dg.materialize(
        [*assets(story.lake), *checks],
        selection=dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey(POSTS), UP_TO_DATE)),
        resources={IO_MANAGER: LakeIOManager(story.lake)},
        instance=dg.DagsterInstance.ephemeral(),
    )
    found = result.get_asset_check_evaluations()
    assert [(each.asset_key.to_user_string(), each.check_name, each.passed) for each in found] == [
        (POSTS, UP_TO_DATE, True)
    ]


def test_every_table_has_both_checks_and_none_blocks(lake: Lake) -> None:
    specs = [spec for each in day_checks(lake) for spec in each.check_specs]
    assert {(spec.asset_key.to_user_string(), spec.name) for spec in specs} == {
        (table, name) for table in TABLES for name in (UP_TO_DATE, FRESH)
    }
    assert not any(spec.blocking for spec in specs)


# ------------------------------------------------------------------------------------- freshness


def fresh(lake: Lake, table: str, today: date) -> tuple[bool, str]:
    found = judgements(lake, today)[table, FRESH]
    return found.passed, said(found, "told" if found.passed else "what_to_do")


def test_a_table_that_ends_before_the_files_do_is_not_fresh(lake: Lake) -> None:
    write_export(Path(lake.path("landing", "crowdtangle", "a.csv")), some_posts(FIRST, 8, pages=1))
    assert fresh(lake, POSTS, day(20))[0], "no file was taken in"
    take_in(lake, "crowdtangle")
    assert fresh(lake, POSTS, day(20)) == (
        True,
        "No day is published yet; landing files speak of 2021-07-01 to 2021-07-08.",
    )
    put(lake, STAGED, day_range(FIRST, LAST), "a")
    make(lake, POSTS, [STAGED], day_range(FIRST, day(5)))
    assert fresh(lake, STAGED, day(20))[0]
    assert fresh(lake, POSTS, day(20)) == (
        False,
        "core_posts ends on 2021-07-05; landing files speak of days to 2021-07-08: "
        "materialise [2021-07-06...2021-07-08].",
    )
    assert fresh(lake, POSTS, day(6))[0], "today and later are not due"
    Path(lake.file(POSTS, day(2))).unlink()
    passed, told = fresh(lake, POSTS, day(6))
    assert (passed, told) == (
        False,
        "core_posts lacks 1 days in between that files speak of: materialise 2021-07-02.",
    )
    assert fresh(lake, "core_follows", day(20))[0], "nobody makes it"


def test_a_file_that_is_gone_is_told_with_what_may_be_done(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, POSTS, [day(1), day(2)], "a")
    make(lake, MINUTES, [POSTS], [day(1), day(2)])
    put(lake, POSTS, [day(1), day(2)], "b")
    why = {day(2): {"landing/crowdtangle/a.csv": "it is gone"}}
    waits = replace(waiting(lake, FIRST, LAST), vanished={"crowdtangle": why})
    monkeypatch.setattr("sm_assets.defs.day_checks.waiting", lambda *_: waits)
    found = judgements(lake)[MINUTES, UP_TO_DATE]
    assert said(found, "materialise") == str(day(1))
    assert "landing/crowdtangle/a.csv fed 2021-07-02: it is gone. Put it back" in said(found, "what_to_do")
    assert "accept_vanished" in said(found, "what_to_do")


def test_no_landing_files_are_no_fault(lake: Lake) -> None:
    put(lake, POSTS, [FIRST], "a")
    assert fresh(lake, POSTS, day(20)) == (True, "No landing file that was taken in speaks of a day up to yesterday.")


def test_snapshots_are_due_once_a_week(lake: Lake) -> None:
    put(lake, POSTS, day_range(FIRST, day(15)), "a")
    assert fresh(lake, VOLUMES, day(30))[0]
    make(lake, VOLUMES, [POSTS], [day(8)])
    assert fresh(lake, VOLUMES, day(30))[0], "a week"
    put(lake, POSTS, [day(16)], "a")
    assert fresh(lake, VOLUMES, day(16))[0], "what is of today does not count"
    assert fresh(lake, VOLUMES, day(30)) == (
        False,
        "out_post_volumes ends on 2021-07-08, 8 days before core_posts (2021-07-16): materialise 2021-07-11.",
    )


# ---------------------------------------------------------------------------------------- sensor


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def tick(instance: dg.DagsterInstance, lake: Lake, cursor: str | None) -> tuple[dict[str, bool], str | None, str]:
    """What the sensor tells, which the instance then shows; its cursor; why it tells nothing."""
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        found = stale_sensor(lake)(context)
    if isinstance(found, dg.SkipReason):
        return {}, cursor, str(found.skip_message)
    assert isinstance(found, dg.SensorResult)
    events = [each for each in found.asset_events if isinstance(each, dg.AssetCheckEvaluation)]
    told = {f"{each.asset_key.to_user_string()}: {each.check_name}": each.passed for each in events}
    assert {each.severity for each in events} <= {dg.AssetCheckSeverity.WARN}
    for each in events:
        instance.report_runless_asset_event(each)
    return told, found.cursor, str(found.skip_reason.skip_message if found.skip_reason else "")


def test_the_sensor_tells_what_changed_and_nothing_twice(lake: Lake, instance: dg.DagsterInstance) -> None:
    days = day_range(FIRST, LAST)
    put(lake, POSTS, days, "a")
    make(lake, MINUTES, [POSTS], days)
    told, cursor, _ = tick(instance, lake, None)
    both = {f"{table}: {name}" for table in (POSTS, MINUTES) for name in (UP_TO_DATE, FRESH)}
    assert told == dict.fromkeys(both, True)
    assert tick(instance, lake, cursor)[0] == {}
    assert "since the last look" in tick(instance, lake, cursor)[2]
    put(lake, POSTS, [day(3)], "b")
    told, cursor, _ = tick(instance, lake, cursor)
    assert told == {f"{MINUTES}: {UP_TO_DATE}": False}
    put(lake, POSTS, [day(3)], "b")
    told, cursor, why = tick(instance, lake, cursor)
    assert (told, why) == ({}, "What changed makes no table outdated or current.")
    make(lake, MINUTES, [POSTS], [day(3)])
    assert tick(instance, lake, cursor)[0] == {f"{MINUTES}: {UP_TO_DATE}": True}


def test_the_sensor_clears_a_mark_that_somebody_else_set(lake: Lake, instance: dg.DagsterInstance) -> None:
    put(lake, POSTS, [FIRST], "a")
    _, cursor, _ = tick(instance, lake, None)
    red = dg.AssetCheckEvaluation(asset_key=dg.AssetKey(POSTS), check_name=UP_TO_DATE, passed=False)
    instance.report_runless_asset_event(red)
    told, cursor, _ = tick(instance, lake, cursor)
    assert told == {f"{POSTS}: {UP_TO_DATE}": True}
    assert "since the last look" in tick(instance, lake, cursor)[2]


def test_the_sensor_is_off_and_starts_nothing(lake: Lake) -> None:
    sensor = stale_sensor(lake)
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assert not sensor.targets


def test_ranges_are_as_the_launch_dialog_takes_them() -> None:
    assert ranges([day(3), day(1), day(2), day(7)]) == "[2021-07-01...2021-07-03], 2021-07-07"


def test_the_clock_is_utc(lake: Lake) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    put(lake, POSTS, [yesterday], "a")
    make(lake, VOLUMES, [POSTS], [yesterday - timedelta(days=8)])
    assert not judgements(lake)[VOLUMES, FRESH].passed
