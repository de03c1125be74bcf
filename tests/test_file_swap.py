"""Putting a file in the place of one that others read: when it waits, and where waiting is in vain."""

from __future__ import annotations

import errno
import fcntl
import time
from pathlib import Path
from typing import Any

import pytest

from sm_assets.storage import file_swap
from sm_assets.storage.file_swap import swap

FAR = 1e9


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    staged, place = tmp_path / "staged", tmp_path / "place"
    staged.write_text("new")
    place.write_text("old")
    return staged, place


def no_pause(_: float) -> None:
    raise AssertionError("it waits")


def test_a_file_that_somebody_reads_is_waited_for(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    if not file_swap._CAN_LEND or not file_swap._is_lent(files[0]):
        pytest.skip("this file system lends no files")
    staged, place = files
    reader = place.open()
    pauses = []

    def pause(_: float) -> None:
        pauses.append(place.read_text())
        if len(pauses) == 3:
            reader.close()

    monkeypatch.setattr(time, "sleep", pause)
    assert swap(staged, place, time.monotonic() + FAR)
    assert pauses[:3] == ["old"] * 3
    assert (place.read_text(), staged.exists()) == ("new", False)


def test_a_reader_who_stays_is_not_waited_for_any_longer(files: tuple[Path, Path]) -> None:
    staged, place = files
    with place.open() as reader:
        assert not swap(staged, place, time.monotonic())
        assert (reader.read(), place.read_text(), staged.exists()) == ("old", "new", False)


@pytest.mark.parametrize("refusal", [errno.EAGAIN, errno.EINVAL], ids=["as NFS", "not supported"])
def test_where_nothing_is_lent_nobody_waits(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    original = fcntl.fcntl

    def lends_nothing(descriptor: int, command: int, argument: int = 0) -> Any:
        if command == fcntl.F_SETLEASE:
            raise OSError(refusal, "nothing is lent")
        return original(descriptor, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", lends_nothing)
    monkeypatch.setattr(time, "sleep", no_pause)
    staged, place = files
    assert not swap(staged, place, time.monotonic() + FAR)
    assert (place.read_text(), staged.exists()) == ("new", False)
