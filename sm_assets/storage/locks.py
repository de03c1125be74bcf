"""Locks between processes: one writer at a time for what several runs share.

Here: taking a lock, waiting for it. Not here: what a lock guards. The kernel releases a lock when its process ends,
however it ends, so none is ever left behind; the empty files stay. Locks hold on local disks (and on network file
systems that keep flock). Object stores have none: there only one run at a time may write, see docs/operate.md.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_held = threading.local()


@contextmanager
def locked(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock of a file, which is made where it is missing; a thread that holds it already goes on.

    Args:
        path: never removed, for others may be waiting for it.
        on_wait: called once if somebody else holds it.
    """
    names: set[str] = _held.__dict__.setdefault("names", set())
    name = str(path)
    if name in names:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not try_lock(descriptor):
            on_wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        names.add(name)
        yield
    finally:
        names.discard(name)
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file, if nobody has it; whether we have it now. Closing the file releases it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
