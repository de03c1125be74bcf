"""What lies under landing/, by names, sizes and times: enough to see that something came, changed or went.

Here: listings of a source, sidecars included, and their digests; no file is opened. Not here: what is delivered
(`landing`), what became of it (`intake`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sm_assets.errors import LandingError
from sm_assets.sources.landing import is_ignored, is_sidecar, stamp
from sm_assets.storage import Lake


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies under landing/<source>/.

    Attributes:
        digest: of paths, sizes and times; two listings are alike if their digests are.
        paths: of the files, below the data root; sidecars are not among them.
        changed_at: seconds since 1970 of the latest change; 0 where there is no file.
        last_changed: the file that changed last.
        is_there: whether the folder is; an object store has none, so there it always is.
    """

    digest: str
    paths: frozenset[str]
    changed_at: float
    last_changed: str
    is_there: bool = True


def listing(lake: Lake, source_name: str, now: float = float("inf")) -> Listing:
    """What lies there now. Times that a file claims for itself but lie after `now` are no times of change.

    Raises:
        LandingError: something there cannot be looked at.
    """
    digest = hashlib.blake2b(digest_size=16)
    paths: set[str] = set()
    changed_at, last_changed = 0.0, ""
    for path, size, changed, times in sorted(_entries(lake, source_name)):
        digest.update(f"{path}\0{size}\0{changed}\n".encode("utf-8", "surrogateescape"))
        name = path.rsplit("/", 1)[-1]
        if not is_sidecar(name):
            paths.add(path)
        latest = max((when for when in times if when <= now), default=0.0)
        if latest > changed_at:
            changed_at, last_changed = latest, path
    is_there = not lake.is_local or Path(lake.path("landing", source_name)).is_dir()
    return Listing(digest.hexdigest(), frozenset(paths), changed_at, last_changed, is_there)


def _entries(lake: Lake, source_name: str) -> Iterator[tuple[str, int, str, tuple[float, ...]]]:
    """(path, size, time of the last change as text, times by which it may have changed) of every file."""
    if lake.is_local:
        yield from _walk(lake.path("landing", source_name), f"landing/{source_name}")
        return
    lake.fs.invalidate_cache()
    root = lake.path("landing", source_name)
    if not lake.fs.isdir(root):
        return
    for path, entry in lake.fs.find(root, detail=True).items():
        below = path[len(lake.path("")) :]
        if any(_passed_over(part) for part in below.split("/")[2:]):
            continue
        # Objects come whole.
        yield below, int(entry["size"]), stamp(entry), ()


def _walk(folder: str, below: str) -> Iterator[tuple[str, int, str, tuple[float, ...]]]:
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        # It went while we looked, or never was.
        return
    except OSError as error:
        raise _unreadable(below, error) from error
    with entries:
        for entry in entries:
            if _passed_over(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, f"{below}/{entry.name}")
                continue
            try:
                # A link to a folder may lead in a circle; whoever takes it in refuses it.
                found = entry.stat(follow_symlinks=not entry.is_dir())
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _unreadable(f"{below}/{entry.name}", error) from error
            # A copy may bring its time along; the change of the entry itself cannot be set.
            yield f"{below}/{entry.name}", found.st_size, str(found.st_mtime_ns), (found.st_mtime, found.st_ctime)


def _unreadable(below: str, error: OSError) -> LandingError:
    return LandingError(f"{below} cannot be looked at ({error.strerror}). Remove it, or mend its rights or its link.")


def _passed_over(name: str) -> bool:
    return is_ignored(name) and not is_sidecar(name)
