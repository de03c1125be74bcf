"""What a lake says and leaves where it meets another run, a full disk or one without locks, or is used no more."""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import weakref
from datetime import date
from pathlib import Path

import pytest

from sm_assets.contracts import TABLES
from sm_assets.errors import NoSpaceLeft, NotWritable
from sm_assets.storage import Lake, workspaces
from sm_assets.storage import lake as lake_module
from sm_assets.storage.locks import try_lock

TABLE = TABLES["feat_post_language"]


def publish(lake: Lake) -> None:
    lake.publish(TABLE, TABLE.schema.empty_table(), [date(2021, 7, 1)])


@pytest.fixture
def filled(lake: Lake) -> Lake:
    publish(lake)
    return lake


def test_a_lake_that_nobody_uses_any_more_ends(lake: Lake) -> None:
    other = Lake(lake.settings)
    with other.connect() as con:
        con.execute("select 1")
    assert len(list(other._staging.glob("duckdb-*.lock"))) == 1
    seen = weakref.ref(other)
    del other, con
    gc.collect()
    assert seen() is None
    assert not list(lake._staging.iterdir())


def test_a_publication_that_waits_for_another_says_so(
    filled: Lake, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = os.open(Path(filled.path("lake", "_locks", f"{TABLE.name}.lock")), os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    flock = fcntl.flock

    def ends_first(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_EX:
            os.close(other)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", ends_first)
    publish(filled)
    assert [each.getMessage() for each in caplog.records] == [f"another run publishes {TABLE.name}; waiting for it"]


def test_a_disk_that_fills_while_the_catalogue_is_made_says_what_was_published(
    filled: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(lake: Lake) -> bool:
        with lake.workspace("catalog"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(lake_module, "refresh_catalog", full)
    with pytest.raises(NoSpaceLeft, match="days were published, but the catalogue could not be") as told:
        publish(filled)
    assert TABLE.name in str(told.value)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_a_file_system_without_locks_is_told(lake: Lake, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refused(*_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(NotWritable, match="gives no locks"), lake.workspace("test"):
        pass
    with pytest.raises(NotWritable, match="gives no locks"), lake.locked("test"):
        pass
    with lake.connect() as con:
        assert con.execute("select 1").fetchall() == [(1,)], "who reads needs no lock"


def test_a_workspace_whose_lock_is_swept_at_once_is_claimed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[Path] = []

    def sweeper_was_faster(descriptor: int) -> bool:
        if not swept:
            swept.extend(tmp_path.glob("*.lock"))
            swept[0].unlink()
        return try_lock(descriptor)

    monkeypatch.setattr(workspaces, "try_lock", sweeper_was_faster)
    with workspaces.claimed(tmp_path, "test") as folder:
        lock = tmp_path / f"{folder.name}.lock"
        assert lock != swept[0]
        assert not lock.stat().st_mode & 0o111
