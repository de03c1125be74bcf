"""SIGKILL at several points of a write: readers see the old or the new partition, and a re-run mends the rest."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from datetime import date
from functools import reduce
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import digests, some_posts, write_export
from forgetful import forgetful

from sm_assets.defs.run import materialise_range
from sm_assets.settings import Settings

FIRST, LAST = date(2021, 7, 1), date(2021, 7, 3)
TABLES = ("raw_crowdtangle__posts", "raw_crowdtangle__rejects", "stg_crowdtangle__posts", "core_posts")

# (where, before or after which call, partitions replaced by then): 3 days in 3 tables change, 9 in all.
POINTS = [
    pytest.param("sm_assets.storage.day_writer:DayWriter.write", "before", 1, 0, id="before anything is written"),
    pytest.param("sm_assets.sources.convert:_write_rejects", "after", 1, 0, id="conversion without its manifest"),
    pytest.param("sm_assets.sources.convert:_move_in", "before", 1, 0, id="manifest written, directory not moved"),
    pytest.param("sm_assets.sources.convert:_move_in", "after", 1, 0, id="directory moved, nothing published"),
    pytest.param("sm_assets.storage.day_writer:DayWriter.write", "after", 2, 0, id="in the middle of staging"),
    pytest.param("sm_assets.storage.lake:Lake._check", "before", 1, 0, id="staged, not checked"),
    pytest.param("sm_assets.storage.lake:Lake.replace", "after", 4, 2, id="between the days of the first table"),
    pytest.param("sm_assets.storage.lake:refresh_catalog", "before", 1, 3, id="published, catalogue not refreshed"),
    pytest.param("sm_assets.storage.lake:Lake.replace", "after", 12, 8, id="between the days of a later table"),
    pytest.param("sm_assets.storage.lake:Lake._check", "after", 4, 9, id="last table checked, not published"),
]


def run(root: Path) -> None:
    settings = Settings(data_root=str(root), profile="tiny", threads=1, start_day=date(2021, 6, 1))
    assert materialise_range(settings, FIRST, LAST, tables=TABLES, instance=forgetful(), raise_on_error=True)


def die_at(root: Path, where: str, when: str, number: int) -> None:
    """Run in this process, which dies by SIGKILL at the n-th call of one function."""
    module, function = where.split(":")
    *path, name = function.split(".")
    owner = reduce(getattr, path, import_module(module))
    original, calls = getattr(owner, name), count(1)

    def armed(*arguments: Any, **named: Any) -> Any:
        call = next(calls)
        if call == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **named)
        if call == number and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, armed)
    run(root)


@pytest.fixture(scope="module")
def processes() -> Any:
    """Processes of their own, born out of one that has all imported and has no thread."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["forgetful", "sm_assets.defs.run"])
    return made


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(a data root whose late file has not been taken in yet, the same after an undisturbed run)."""
    before = tmp_path_factory.mktemp("before") / "data"
    landing = before / "landing" / "crowdtangle"
    write_export(landing / "2021-07-05-10-00-00-UTC-a.csv", some_posts(FIRST, 3))
    run(before)
    write_export(landing / "2021-07-06-10-00-00-UTC-late.csv", some_posts(FIRST, 3, pages=6, shares=7))
    after = tmp_path_factory.mktemp("after") / "data"
    shutil.copytree(before, after)
    run(after)
    assert digests(before) != digests(after)
    return before, after


@pytest.mark.slow
@pytest.mark.parametrize(("where", "when", "number", "replaced"), POINTS)
def test_a_killed_run_leaves_whole_partitions(
    lakes: tuple[Path, Path],
    processes: Any,
    tmp_path: Path,
    where: str,
    when: str,
    number: int,
    replaced: int,
) -> None:
    before, after = lakes
    root = tmp_path / "data"
    shutil.copytree(before, root)
    killed = processes.Process(target=die_at, args=(root, where, when, number))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL

    old, new = digests(before), digests(after)
    left = set((root / "lake" / "_staging").iterdir())
    assert left, "the kill should have left something to sweep"
    seen = digests(root, ignore=lambda path: "_staging" in path.parts)
    assert set(seen) == set(old) == set(new)
    assert all(seen[path] in {old[path], new[path]} for path in seen), "a partition that is neither old nor new"
    assert sum(seen[path] == new[path] != old[path] for path in seen) == replaced
    for path in seen:
        pq.read_table(root / path)
    for folder in (root / "lake" / "_ingest").iterdir():
        assert not folder.is_dir() or (folder / "manifest.json").exists(), "a conversion that is not complete"
    with duckdb.connect(str(root / "catalog.duckdb"), read_only=True) as con:
        # Paths are absolute: the copied catalogue still reads the lake it came from.
        assert con.sql("select count(*) from core_posts").fetchall()[0][0] in (24, 36)

    run(root)
    assert digests(root) == new
    # The database of this process is still in use.
    assert left.isdisjoint((root / "lake" / "_staging").iterdir()), "leftovers were not swept"
