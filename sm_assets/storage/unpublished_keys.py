"""Notes of runs that store vectors before they publish the rows that use them.

Here: writing a note, taking it back once the rows are there, finding the notes of runs that died. A vector of a dead
run is good for the next one; but where its text is withdrawn before a row uses it, nothing else tells that it is there.
Not here: the vectors (`vector_cache`).

Layout: lake/_embeddings/_unpublished/<kind>-<unique>.parquet, one column of keys. Its writer holds a lock on it; where
files cannot be locked, a note counts as a dead run's after a day.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.storage.lake import Lake
from sm_assets.storage.locks import try_lock
from sm_assets.storage.vector_rows import Keys, key_column

_FOLDER: Final = ("lake", "_embeddings", "_unpublished")
_SCHEMA: Final = pa.schema([("key", pa.binary(16))])
_DEAD_AFTER: Final = timedelta(days=1)


@contextmanager
def noting_keys(lake: Lake, kind: str = "posts") -> Iterator[Callable[[Keys], None]]:
    """Give a function that notes S16[n] keys, in place of those before; leaving without an error takes the note back.

    Args:
        lake: the data root.
        kind: whose vectors; what a dead run of one kind stored waits for the next run of that kind.
    """
    path = lake.path(*_FOLDER, f"{kind}-{uuid.uuid4().hex}.parquet")
    held: list[int] = []

    def note(keys: Keys) -> None:
        if not len(keys):
            return
        with lake.workspace("note") as folder:
            staged = folder / "note.parquet"
            # As bytes: numpy takes zeros at the end of a key for padding.
            whole = pa.py_buffer(np.ascontiguousarray(keys).tobytes())
            column = pa.FixedSizeBinaryArray.from_buffers(_SCHEMA.field("key").type, len(keys), [None, whole])
            pq.write_table(pa.table([column], schema=_SCHEMA), staged)
            if lake.is_local:
                held.append(os.open(staged, os.O_RDWR))
                try_lock(held[-1])
            lake.replace(staged, path)

    try:
        yield note
        if lake.fs.exists(path):
            lake.fs.rm(path)
    finally:
        for descriptor in held:
            os.close(descriptor)


def abandoned_notes(lake: Lake, kind: str = "posts") -> dict[str, Keys]:
    """Notes of runs of a kind that died: S16[n] keys by path."""
    folder = lake.path(*_FOLDER)
    if not lake.fs.isdir(folder):
        return {}
    found = {}
    for path in sorted(map(str, lake.fs.ls(folder, detail=False, refresh=True))):
        name = path.rsplit("/", 1)[-1]
        if name.startswith(f"{kind}-") and name.endswith(".parquet") and _is_abandoned(lake, path):
            with lake.fs.open(path, "rb") as source:
                found[path] = key_column(pq.read_table(source)["key"])
    return found


def forget_notes(lake: Lake, notes: Iterable[str]) -> None:
    """Remove notes by path; another run may have done so."""
    for path in notes:
        with suppress(FileNotFoundError):
            lake.fs.rm(path)


def _is_abandoned(lake: Lake, path: str) -> bool:
    if not lake.is_local:
        modified: datetime = lake.fs.modified(path)
        return datetime.now(UTC) - modified.astimezone(UTC) > _DEAD_AFTER
    try:
        descriptor = os.open(Path(path), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return try_lock(descriptor)
    finally:
        os.close(descriptor)
