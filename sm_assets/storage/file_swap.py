"""Putting a file in the place of one that others read.

Here: a swap that waits for readers. Not here: what the files hold.

A rename is one step for whoever opens a file once. DuckDB (2.0 at least) opens a Parquet file twice for one scan: it
takes the footer from the first and the rows from the second, and where the file was replaced in between it reports an
error or, where the bytes happen to fit, wrong rows. It holds the first one open until the query ends. So a file is
swapped at a moment when nobody has it open. Linux tells: it lends a file (a lease, see fcntl(2)) only to whoever alone
has it open, and keeps others waiting who then come to open it. Two gaps are left that no call closes: a reader who
found the old file and took longer than two thousandths of a second from there to having it open; and, where such a one
is noticed and the swap taken back, a reader who in those two thousandths opened the new file and then opens the old
one. Where a file system lends nothing (NFS, CIFS, others than Linux), and where readers leave no gap, a rename has to
do.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path
from typing import Final

from sm_assets.storage.exchange import exchange

# Seconds between two looks; and for how long somebody may be between finding a file and having opened it.
_PAUSE: Final = 0.001
_ON_THE_WAY: Final = 0.002
_CAN_LEND: Final = all(hasattr(fcntl, name) for name in ("F_SETLEASE", "F_GETLEASE", "F_SETSIG"))


def swap(staged: Path, place: Path, until: float) -> bool:
    """Move a finished file to its place; whether nobody was reading the file that was there.

    Args:
        staged: the file; afterwards gone.
        place: where it goes.
        until: when waiting for readers ends, by time.monotonic().
    """
    if not _CAN_LEND:
        staged.replace(place)
        return False
    try:
        old = os.open(place, os.O_RDONLY)
    except FileNotFoundError:
        staged.replace(place)
        return True
    try:
        # A file that nobody else can have open: if that one is not lent, waiting for another is in vain.
        if not _is_lent(staged):
            staged.replace(place)
            return False
        # Whoever comes to open it meanwhile is announced by a signal, by default one that would end this process.
        fcntl.fcntl(old, fcntl.F_SETSIG, signal.SIGURG)
        while True:
            try:
                fcntl.fcntl(old, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            except BlockingIOError:
                is_read = True
            except OSError:
                # A file system that lends nothing, or a file of somebody else's.
                break
            else:
                is_read = False
            if not is_read and _swap_lent(staged, place, old):
                return True
            if time.monotonic() >= until:
                break
            time.sleep(_PAUSE)
        staged.replace(place)
        return False
    finally:
        os.close(old)


def _is_lent(path: Path) -> bool:
    """Whether the file system lends this file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError:
        return False
    else:
        return True
    finally:
        # This also gives it back.
        os.close(descriptor)


def _swap_lent(staged: Path, place: Path, old: int) -> bool:
    """Swap a file that nobody else has open; false: somebody came to open it, and nothing was changed."""
    try:
        if not exchange(staged, place):
            staged.replace(place)
            return True
        time.sleep(_ON_THE_WAY)
        if fcntl.fcntl(old, fcntl.F_GETLEASE) != fcntl.F_WRLCK:
            # Somebody found the old file just before and waits to open it: the rows must be the old ones, too.
            exchange(staged, place)
            return False
        staged.unlink()
        return True
    finally:
        fcntl.fcntl(old, fcntl.F_SETLEASE, fcntl.F_UNLCK)
