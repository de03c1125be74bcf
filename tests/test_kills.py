"""Processes that die or are cancelled while they publish: every day is whole, no lock stays, the next run mends it.

Here: storage alone; runs of the chain are in `test_crash`, the servers in `e2e`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from workers import DAYS, PUBLISH, TABLE, Worker, views, writers

from sm_assets.settings import Settings
from sm_assets.storage import Lake

# Half a minute of work for one thread; of several, DuckDB hears nothing until it is done.
SLOW = "select count(*) from range(10000000) as a, range(3000) as b where a.range % 7 = b.range % 11"
HALF = {DAYS[0]: {"new"}, DAYS[1]: {"new"}, DAYS[2]: {"old"}, DAYS[3]: {"old"}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


def staged(root: Path) -> list[str]:
    return [path.name for path in (root / "lake" / "_staging").iterdir() if not path.name.startswith("duckdb-")]


@pytest.mark.parametrize(
    ("place", "seen"),
    [
        pytest.param("lake_module, 'refresh_catalog', 1, die, 'before'", {TABLE}, id="before the catalogue"),
        pytest.param("Lake, 'write_json', 1, die, 'before'", {TABLE, "core_posts"}, id="catalogue without its note"),
        pytest.param("Lake, 'replace', 2, die, 'before'", {TABLE}, id="catalogue beside its place"),
    ],
)
def test_a_catalogue_is_whole_after_a_kill_and_the_next_run_completes_it(
    root: Path, place: str, seen: set[str]
) -> None:
    with Worker(str(root)) as worker:
        worker.run(PUBLISH)
        assert worker.run(f"publish('{TABLE}', 'old')") == "done"
        assert worker.run(f"at({place}); publish_empty('core_posts')") == ""
    assert worker.process.returncode == -signal.SIGKILL
    assert views(root) == seen
    with Worker(str(root)) as worker:
        worker.run(PUBLISH)
        assert worker.run("publish_empty('core_accounts')") == "done", "a dead run's lock stayed"
        assert staged(root) == []
        assert views(root) == {TABLE, "core_posts", "core_accounts"}


def test_a_cancelled_publication_leaves_whole_days_and_nothing_else(root: Path) -> None:
    with Worker(str(root)) as worker:
        worker.run(PUBLISH)
        assert worker.run(f"publish('{TABLE}', 'old')") == "done"
        # What the UI's "Terminate" sends.
        assert worker.run(f"at(Lake, 'replace', 2, interrupt); publish('{TABLE}', 'new')").startswith("Keyboard")
        assert writers(root) == HALF
        assert staged(root) == [], "a cancelled run cleans up after itself"
        assert worker.run(f"publish('{TABLE}', 'new')") == "done"
        assert writers(root) == {day: {"new"} for day in DAYS}


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("con.sql(slow).fetchall()", id="read"),
        pytest.param("publish(TABLE, 'new', con=con, condition=f'({slow}) > 0')", id="publish"),
        pytest.param("lake.publish(TABLES[TABLE], stream(), [date(2021, 7, 1)])", id="publish-stream"),
        pytest.param("publish_empty('core_posts')", id="catalogue"),
    ],
)
def test_an_interrupted_query_is_an_interrupt(root: Path, asked: str) -> None:
    with Worker(str(root)) as worker:
        worker.run(PUBLISH)
        worker.run(
            f"""
import threading, time
import pyarrow as pa
def stream():
    schema = TABLES[TABLE].plain_schema
    def rows():
        while True:
            time.sleep(0.01)
            yield pa.RecordBatch.from_pylist([], schema)
    return pa.RecordBatchReader.from_batches(schema, rows())
TABLE, slow = '{TABLE}', "{SLOW}"
def slow_views(con, *_):
    con.execute(slow).fetchall()
catalog._create_views = slow_views
def ask():
    threading.Timer(1.0, interrupt).start()
    with lake.connect() as con:
        {asked}
"""
        )
        assert worker.run("ask()").startswith("Keyboard")
        assert staged(root) == []


def test_a_run_that_is_interrupted_in_a_query_begins_no_other_step(tmp_path: Path) -> None:
    code = f"""
import os, signal, sys, threading
import dagster as dg
from sm_assets.settings import Settings
from sm_assets.storage import Lake
lake = Lake(Settings(data_root=sys.argv[1], profile='tiny', threads=1))
signal.signal(signal.SIGINT, signal.default_int_handler)
@dg.asset
def accounts():
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    with lake.connect() as con:
        con.sql("{SLOW}").fetchall()
@dg.asset
def posts():
    print('went on')
with dg.DagsterInstance.ephemeral() as instance:
    done = dg.materialize([accounts, posts], instance=instance, raise_on_error=False)
    print(instance.get_run_by_id(done.run_id).status.value)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=600
    )
    assert done.stdout.split() == ["FAILURE"], done.stderr


def test_a_killed_run_leaves_whole_days_and_its_lock_goes_with_it(root: Path) -> None:
    with Worker(str(root)) as worker:
        worker.run(PUBLISH)
        assert worker.run(f"publish('{TABLE}', 'old')") == "done"
        worker.start(f"at(Lake, 'replace', 2, stop); publish('{TABLE}', 'new')")
        assert worker.hear() == "stopped"
        with Worker(str(root)) as other:
            other.run(PUBLISH)
            assert other.run(f"publish('{TABLE}', 'other')") == "waiting"
            os.kill(worker.process.pid, signal.SIGKILL)
            assert other.hear() == "done"
    assert writers(root) == {day: {"other"} for day in DAYS}
    lake = Lake(Settings(data_root=str(root), profile="tiny", threads=1))
    lake.sweep()
    assert list((root / "lake" / "_staging").iterdir()) == []
