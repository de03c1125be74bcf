"""Two runs at once over one lake: nothing of what they share is lost, and no partition is of both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from conftest import some_posts, write_export
from workers import DAYS, FIRST, PUBLISH, TABLE, Worker, views, writers

from sm_assets.settings import Settings
from sm_assets.storage import Lake


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Worker, Worker, Path]]:
    root = tmp_path_factory.mktemp("shared") / "data"
    with Worker(str(root)) as one, Worker(str(root)) as other:
        assert one.run(PUBLISH) == other.run(PUBLISH) == "done"
        yield one, other, root


def test_a_catalogue_that_two_runs_change_has_the_views_of_both(shared: tuple[Worker, Worker, Path]) -> None:
    one, other, root = shared
    # The first one has seen which tables there are, and has not written yet.
    one.start("at(Lake, 'replace', 2, stop, 'before'); publish_empty('core_posts')")
    assert one.hear() == "stopped"
    assert other.run("publish_empty('core_accounts')") == "waiting"
    assert one.go_on() == "done"
    assert other.hear() == "done"
    assert views(root) == {"core_posts", "core_accounts"}
    assert set(json.loads((root / "lake" / "_catalog.json").read_text())) == {"core_posts", "core_accounts", "root"}


def test_days_of_a_table_that_two_runs_replace_are_all_of_the_last(shared: tuple[Worker, Worker, Path]) -> None:
    one, other, root = shared
    assert one.run(f"publish('{TABLE}', 'before')") == "done"
    one.start(f"at(Lake, 'replace', 2, stop); publish('{TABLE}', 'one')")
    assert one.hear() == "stopped"
    assert writers(root) == {DAYS[0]: {"one"}, DAYS[1]: {"one"}, DAYS[2]: {"before"}, DAYS[3]: {"before"}}
    assert other.run(f"publish('{TABLE}', 'other')") == "waiting"
    assert one.go_on() == "done"
    assert other.hear() == "done"
    assert writers(root) == {day: {"other"} for day in DAYS}
    with duckdb.connect(str(root / "catalog.duckdb"), read_only=True) as con:
        assert con.sql(f"select count(*), count(distinct post_id) from {TABLE}").fetchall() == [(50, 50)]


def test_a_run_that_publishes_another_table_waits_for_nobody(shared: tuple[Worker, Worker, Path]) -> None:
    one, other, _ = shared
    assert other.run("publish_empty('core_posts')") == "done"
    one.start(f"at(Lake, 'replace', 2, stop); publish('{TABLE}', 'one')")
    assert one.hear() == "stopped"
    assert other.run("publish_empty('core_posts')") == "done"
    assert one.go_on() == "done"


def test_a_landing_file_that_two_runs_find_is_converted_once(shared: tuple[Worker, Worker, Path]) -> None:
    one, other, root = shared
    write_export(root / "landing" / "crowdtangle" / "export.csv", some_posts(FIRST, 2))
    write_export(root / "landing" / "crowdtangle" / "export-2.csv", some_posts(FIRST, 2, start=10_000))
    program = "from sm_assets.sources import convert, intake; said = []"
    assert one.run(program) == other.run(program) == "done"
    one.start("at(convert, '_convert_rows', 1, stop); found = intake.take_in(lake, 'crowdtangle')")
    assert one.hear() == "stopped"
    assert other.run("found = intake.take_in(lake, 'crowdtangle', said.append)") == "waiting"
    assert one.go_on() == "done"
    assert other.hear() == "done"
    assert one.run("assert len(found.converted) == len(found.files) == 2, found") == "done"
    assert other.run("assert not found.converted and len(found.files) == 2, found") == "done"
    assert other.run("assert said and 'another run' in said[0], said") == "done"


def test_files_in_a_folder_that_two_runs_replace_are_there_at_any_time(shared: tuple[Worker, Worker, Path]) -> None:
    one, other, root = shared
    program = """
def put(who):
    with lake.workspace('export') as folder:
        staged = folder / 'files'
        staged.mkdir()
        for name in 'ab':
            (staged / name).write_text(who)
        folders.replace_folder(lake, staged, 'exports', 'x', 'day=2021-07-01')
"""
    assert one.run(program) == other.run(program) == "done"
    assert one.run("put('one')") == "done"
    # Who waits for the lock says so, any number of times.
    program = "for _ in range(40): put('one' if _ % 2 else 'other')"
    for worker in (one, other):
        worker.start(program)
    place = root / "exports" / "x" / "day=2021-07-01"
    for _ in range(500):
        assert (place / "a").read_text() in {"one", "other"}
    for worker in (one, other):
        assert next(word for word in iter(worker.hear, "") if word != "waiting") == "done"
    assert {path.name for path in place.iterdir()} == {"a", "b"}
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_run_knows_of_another_that_does_the_same(shared: tuple[Worker, Worker, Path]) -> None:
    one, other, _ = shared
    program = "from sm_assets.storage import others\nwith lake.workspace('attributes') as folder: {}"
    one.start(program.format("stop()"))
    assert one.hear() == "stopped"
    assert other.run(program.format("found = others(folder)")) == "done"
    assert one.go_on() == "done"
    assert other.run("assert len(found) == 1 and found[0].startswith('attributes-'), found") == "done"
    assert other.run(program.format("assert others(folder) == []")) == "done"


def test_nothing_is_left_between_two_runs(shared: tuple[Worker, Worker, Path]) -> None:
    _, _, root = shared
    left = [path.name for path in (root / "lake" / "_staging").iterdir() if not path.name.startswith("duckdb-")]
    assert left == []
    lake = Lake(Settings(data_root=str(root), profile="tiny", threads=1, start_day=date(2021, 1, 1)))
    assert lake.sweep() == [], "workspaces in use are nobody's to sweep"
