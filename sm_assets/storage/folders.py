"""Folders of files for other programs, replaced as a whole.

Here: moving a finished folder to its place. Not here: what lies in it, tables (`lake`).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sm_assets.storage.exchange import exchange
from sm_assets.storage.lake import Lake, sync_folder


def replace_folder(lake: Lake, staged: Path, *parts: str) -> str:
    """Put a finished folder in the place of another one; its path.

    Locally the two folders change places in one step: a reader finds all files of one of them. Where the file system
    cannot do that, the old one moves out and the new one in, and for a moment there is none. Object stores know no
    folders; there each file is uploaded, then those that are no longer part of it are removed.

    Args:
        lake: whose data root.
        staged: folder of files inside a workspace of the lake, without folders in it; it is gone afterwards.
        parts: names of the folder below the data root.
    """
    target = lake.path(*parts)
    if lake.is_local:
        for path in staged.iterdir():
            with path.open("rb") as written:
                os.fsync(written.fileno())
        sync_folder(staged)
        place = Path(target)
        place.parent.mkdir(parents=True, exist_ok=True)
        with lake.locked("folders"):
            put_folder(staged, place)
        return target
    names = sorted(path.name for path in staged.iterdir())
    for name in names:
        lake.fs.put_file(str(staged / name), f"{target}/{name}")
    for path in lake.fs.ls(target, detail=False, refresh=True):
        if str(path).rsplit("/", 1)[-1] not in names:
            lake.fs.rm_file(path)
    return target


def put_folder(staged: Path, place: Path) -> None:
    """Move a local folder to its place, where another one may be, which goes. One process at a time."""
    if not place.exists():
        staged.rename(place)
    elif not exchange(staged, place):
        old = staged.with_name(f"{staged.name}.old")
        place.rename(old)
        staged.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    sync_folder(place.parent)
    shutil.rmtree(staged, ignore_errors=True)
