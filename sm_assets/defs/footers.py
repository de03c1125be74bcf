"""What published files say of themselves, each read once for as long as it lies there.

Here: footers of days, remembered by time, size and number of their files; one text for the state of all of them. Not
here: what a footer means (`made_from`).
"""

from __future__ import annotations

import hashlib
import os
from datetime import date
from typing import Final, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.sources import SOURCES
from sm_assets.storage import DIGEST, Lake

MADE_FROM: Final = "sm.made_from"
CODE: Final = "sm.code"

_Stamp: TypeAlias = tuple[object, ...]


class Footer(NamedTuple):
    """What one file says.

    Attributes:
        digest: of its rows; None: another program wrote the file.
        made_from: what it was made from, as JSON; None: it was written before files said so.
        code: version of the code that made it.
        rows: how many it has; None: it cannot be read.
    """

    digest: str | None
    made_from: str | None
    code: str | None
    rows: int | None


_KNOWN: WeakKeyDictionary[Lake, dict[tuple[str, date], tuple[_Stamp, Footer]]] = WeakKeyDictionary()


def footer(lake: Lake, table: str, day: date) -> Footer | None:
    """What the file of a day says; None: there is no file."""
    known = _KNOWN.setdefault(lake, {})
    # The time first: a file that is replaced meanwhile is read again next time.
    stamp = _stamp(lake, lake.file(table, day))
    if stamp is None:
        known.pop((table, day), None)
        return None
    found = known.get((table, day))
    if found is None or found[0] != stamp:
        found = known[table, day] = (stamp, _read(lake, table, day))
    return found[1]


def _read(lake: Lake, table: str, day: date) -> Footer:
    try:
        said = lake.metadata(table, day)
    except (OSError, pa.ArrowException):
        # Whoever reads its rows will say what is wrong with it.
        return Footer(None, None, None, None)
    return Footer(said.get(DIGEST), said.get(MADE_FROM), said.get(CODE), int(said["rows"]))


def state(lake: Lake) -> str:
    """One text for all published files and for what is known of landing files: another text, something changed."""
    known = hashlib.blake2b(digest_size=16)
    for table in TABLES:
        for day in lake.days(table):
            known.update(f"{table} {day} {_stamp(lake, lake.file(table, day))}\n".encode())
    for source in SOURCES:
        known.update(f"{source} {_stamp(lake, lake.path('lake', '_ingest', f'{source}.json'))}\n".encode())
    return known.hexdigest()


def _stamp(lake: Lake, path: str) -> _Stamp | None:
    try:
        if lake.is_local:
            found = os.stat(path)  # noqa: PTH116  # ten thousands of files, and Path costs more than the call
            return found.st_mtime_ns, found.st_size, found.st_ino
        info = lake.fs.info(path)
    except FileNotFoundError:
        return None
    return tuple(str(info.get(name)) for name in ("size", "ETag", "etag", "LastModified", "mtime", "created"))
