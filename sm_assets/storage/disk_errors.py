"""What a full or read-only disk, or one without locks, does to a write, in words.

Here: recognising such errors, however a library puts them, and telling what to do. Not here: any writing.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from sm_assets.errors import NoSpaceLeft, NotWritable

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_REFUSED: Final = {errno.EROFS, errno.EACCES, errno.EPERM}
_NO_LOCKS: Final = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}
# Arrow and DuckDB keep the system's words, not always its number; the last two are DuckDB's own when it spills.
_FULL_WORDS: Final = (
    "No space left on device",
    "Disk quota exceeded",
    "Could not write all bytes",
    "max_temp_directory_size",
)


def is_full(error: BaseException) -> bool:
    """Whether a disk or a quota was full."""
    number = error.errno if isinstance(error, OSError) else None
    is_ours = isinstance(error, OSError | duckdb.Error)
    return number in _FULL or (is_ours and any(words in str(error) for words in _FULL_WORDS))


@contextmanager
def full_disk_told(folder: Path, what: str) -> Iterator[None]:
    """Turn the error of a full disk into one that says what was being written, and how much room there is.

    Args:
        folder: what is written lies in it until it is finished.
        what: is written.

    Raises:
        NoSpaceLeft: the disk was full.
    """
    try:
        yield
    except (OSError, duckdb.Error) as error:
        if not is_full(error):
            raise
        raise NoSpaceLeft(
            f"{what}: no space left on the disk of {folder.parent}. {_size(_bytes_in(folder))} had been written, "
            f"{room(folder.parent)}. Nothing of it was published; what was there before is as it was. Free some space, "
            "several times what had been written, and run again."
        ) from error


@contextmanager
def refusal_told(folder: Path) -> Iterator[None]:
    """Turn a refused write into an error that says so.

    Raises:
        NotWritable: the file system is read-only or gives no locks, or the rights do not allow it.
        NoSpaceLeft: the disk was full.
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise NoSpaceLeft(
                f"{folder}: no space left on its disk, {room(folder)}. Nothing was changed. Free some space and run "
                "again."
            ) from error
        if error.errno in _NO_LOCKS:
            raise NotWritable(
                f"{folder} lies on a file system that gives no locks ({error.strerror}); nothing was changed. Tables "
                "can be read. To make some, mount it with locks, or take a data root on a disk of this machine, and "
                "run again."
            ) from error
        if error.errno not in _REFUSED:
            raise
        raise NotWritable(
            f"{folder} cannot be written ({error.strerror}); nothing was changed. Tables can be read. To make some, "
            "mount the disk for writing, or give the user that runs this the right to write there, and run again."
        ) from error


def room(folder: Path) -> str:
    """How much of a disk is free."""
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return f"{_size(usage.free)} of {_size(usage.total)} are free"


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _size(n: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "bytes" or n >= 10 else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} TB"
