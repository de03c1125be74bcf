"""What a capture itself withdraws: words that a later line of the same file purges are not kept to begin with.

Here: finding such lines before the rows are made, and emptying the rows. Not here: purges that other files state
(`purges`), which reach the same rows later; whatever is missed here they find.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.kernels.json_lines import JsonScanner
from sm_assets.sources.bluesky_events import POST
from sm_assets.sources.bytestream import Windows, open_utf8

# Begins `"delete"` and `"deleted"`; inside a text the quote has a backslash before it.
_MARK = b'"delete'
_MOST = 200_000
_PATHS = {
    "did": ("did", "payload.did"),
    **{name: (f"commit.{name}", f"payload.{name}", name) for name in ("operation", "collection", "rkey", "rev")},
    **{name: (f"account.{name}", f"payload.{name}", f"payload.account.{name}", name) for name in ("active", "status")},
}


@dataclass(slots=True)
class Withdrawn:
    """Posts (address -> revision of the delete) and accounts that a file purges, at most some 200,000.

    `n_lines`: lines that purge; where the conversion finds as many, none was missed here.
    """

    posts: dict[str, str] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    n_lines: int = 0

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.posts or self.accounts)

    def empty_rows(self, batch: pa.RecordBatch, words: Sequence[str]) -> tuple[pa.RecordBatch, int]:
        """The batch without the words of purged posts and accounts, and how many rows had some."""
        if not self or not len(batch):
            return batch, 0
        parsed = batch.column("parsed")
        record, entity = parsed.field("record_id"), parsed.field("entity")
        hit = _true(pc.and_(pc.equal(entity, "post"), pc.is_in(record, pa.array(self.posts, pa.string()))))
        rev = batch.column("rev")
        for k in np.flatnonzero(hit).tolist():
            own = rev[k].as_py()
            # What is newer than its purge stands.
            hit[k] = own is None or own <= self.posts[record[k].as_py()]
        if self.accounts:
            hit |= _true(pc.is_in(batch.column("did"), pa.array(sorted(self.accounts), pa.string())))
        if not hit.any():
            return batch, 0
        wordy = np.zeros(len(batch), dtype=bool)
        for name in words:
            wordy |= np.asarray(pc.is_valid(batch.column(name)))
        hit &= wordy
        if not hit.any():
            return batch, 0
        mask = pa.array(hit)
        columns = [
            pc.if_else(mask, pa.scalar(None, column.type), column) if name in words else column
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema), int(hit.sum())


def withdrawn(path: Path, compression: str | None, encoding: str, skip: int) -> Withdrawn:
    """What the lines of a file purge."""
    found = Withdrawn()
    scanner = JsonScanner(list(_PATHS.values()))
    for lines in _lines(path, compression, encoding, skip):
        scanner.feed(lines, final=False)
        columns = dict(zip(_PATHS, (column.to_pylist() for column in scanner.take().columns), strict=True))
        for did, rkey, rev, operation, collection in zip(
            *(columns[name] for name in ("did", "rkey", "rev", "operation", "collection")), strict=True
        ):
            if operation == "delete" and collection == POST and did and rkey and rev:
                key = f"at://{did}/{POST}/{rkey}"
                known = found.posts.get(key)
                found.posts[key] = rev if known is None or rev > known else known
                found.n_lines += 1
        for did, active, status in zip(*(columns[name] for name in ("did", "active", "status")), strict=True):
            if status == "deleted" and active == "false" and did:
                found.accounts.add(did)
                found.n_lines += 1
        if len(found.posts) + len(found.accounts) >= _MOST:
            break
    return found


def _lines(path: Path, compression: str | None, encoding: str, skip: int) -> Iterator[bytes]:
    """Of each window the lines that may withdraw something."""
    stream = open_utf8(path, compression, encoding, skip)
    windows = Windows(stream)
    try:
        for window in windows:
            # The window's own buffer: a copy would cost as much as the search.
            data = window.obj
            assert isinstance(data, bytearray)
            whole = len(window) if windows.final else data.rfind(b"\n", 0, len(window)) + 1
            # A line longer than a window withdraws nothing.
            windows.used(whole or len(window))
            lines = []
            at = data.find(_MARK, 0, whole)
            while at >= 0:
                end = data.find(b"\n", at, whole)
                end = whole if end < 0 else end
                lines.append(data[data.rfind(b"\n", 0, at) + 1 : end])
                at = data.find(_MARK, end, whole)
            if lines:
                yield b"\n".join([*lines, b""])
    finally:
        stream.close()


def _true(values: pa.Array) -> Any:
    return np.array(pc.fill_null(values, False).to_numpy(zero_copy_only=False))
