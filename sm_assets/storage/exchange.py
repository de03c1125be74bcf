"""Two paths that change places in one step.

Here: the system call behind it, which Python has no name for. Not here: why they do.
"""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

_AT_FDCWD: Final = -100
_EXCHANGE: Final = 2
_RENAME: Final = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
# What kernels and file systems say that cannot exchange two names.
_UNABLE: Final = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}


def exchange(one: Path, other: Path) -> bool:
    """Let two paths of one file system change places in one step; false where the system cannot.

    Raises:
        OSError: the system can, and refused.
    """
    if _RENAME is None:
        return False
    if _RENAME(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNABLE:
        return False
    raise OSError(number, os.strerror(number), str(other))
