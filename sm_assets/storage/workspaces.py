"""Private folders for unfinished files, and what becomes of them after a crash.

Here: claiming, locking, sweeping. A workspace is alive as long as its process holds the lock beside it; the kernel
releases the lock when the process ends, however it ends. Not here: what is written into a workspace.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sm_assets.storage.locks import try_lock


@contextmanager
def claimed(staging: Path, purpose: str) -> Iterator[Path]:
    """A fresh folder below `staging`; gone afterwards, and swept by the next claim after a crash."""
    staging.mkdir(parents=True, exist_ok=True)
    sweep(staging)
    name, lock = _claim(staging, purpose)
    folder = staging / name
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        (staging / f"{name}.lock").unlink(missing_ok=True)
        os.close(lock)


def sweep(staging: Path) -> list[str]:
    """Remove the workspaces of processes that are gone; names of what was removed."""
    removed: list[str] = []
    if not staging.is_dir():
        return removed
    for name in sorted({entry.name.removesuffix(".lock") for entry in staging.iterdir()}):
        lock_path = staging / f"{name}.lock"
        try:
            lock = os.open(lock_path, os.O_RDWR) if lock_path.exists() else None
        except (FileNotFoundError, PermissionError):
            # Swept by another, or of another user, who sweeps it.
            continue
        try:
            if lock is not None and not try_lock(lock):
                continue
            if (staging / name).is_dir():
                shutil.rmtree(staging / name, ignore_errors=True)
                removed.append(name)
            lock_path.unlink(missing_ok=True)
        finally:
            if lock is not None:
                os.close(lock)
    return removed


def _claim(staging: Path, purpose: str) -> tuple[str, int]:
    """A fresh name with a lock that the kernel releases when this process ends, however it ends."""
    while True:
        name = f"{purpose}-{uuid.uuid4().hex[:12]}"
        path = staging / f"{name}.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        is_ours = False
        try:
            # A sweeper may have taken the file for a leftover between these two calls.
            with suppress(FileNotFoundError):
                is_ours = try_lock(lock) and os.fstat(lock).st_ino == path.stat().st_ino
        finally:
            if not is_ours:
                os.close(lock)
        if is_ours:
            return name, lock


def others(folder: Path) -> list[str]:
    """Names of the workspaces of the same purpose that are in use beside this one, by whatever process."""
    purpose = folder.name.rsplit("-", 1)[0]
    alive = []
    for path in sorted(folder.parent.glob(f"{purpose}-*.lock")):
        name = path.name.removesuffix(".lock")
        if name == folder.name or name.rsplit("-", 1)[0] != purpose:
            continue
        try:
            lock = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            if not try_lock(lock):
                alive.append(name)
        finally:
            os.close(lock)
    return alive
