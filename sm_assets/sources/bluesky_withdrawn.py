"""What a capture itself withdraws: words that a later line of the same file purges are not kept to begin with.

Here: finding such lines before the rows are made, and emptying the rows. Not here: purges that other files state
(`purges`), which reach the same rows later; whatever is missed here they find.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.errors import KernelError
from sm_assets.kernels.json_lines import parse
from sm_assets.sources.bluesky_events import POST
from sm_assets.sources.bytestream import Windows, open_utf8

# A word in quotes inside a text has backslashes before them.
_MARKS = re.compile(rb'"deleted?"')
_MOST = 200_000


@dataclass(slots=True)
class Withdrawn:
    """Posts (address -> revision of the delete) and accounts that a file purges; at most 200,000 of them."""

    posts: dict[str, str] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)

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
    for line in _lines(path, compression, encoding, skip):
        if len(found.posts) + len(found.accounts) >= _MOST:
            break
        try:
            event = parse(line)
        except KernelError:
            continue
        if isinstance(event, dict):
            _note(found, event)
    return found


def _note(found: Withdrawn, event: dict[str, Any]) -> None:
    payload = event.get("payload")
    inner = payload if isinstance(payload, dict) else event
    did = inner.get("did")
    commit = inner.get("commit") if isinstance(inner.get("commit"), dict) else inner
    account = inner.get("account") if isinstance(inner.get("account"), dict) else inner
    assert isinstance(commit, dict)
    assert isinstance(account, dict)
    if not isinstance(did, str):
        return
    rkey, rev = commit.get("rkey"), commit.get("rev")
    if commit.get("operation") == "delete" and commit.get("collection") == POST and isinstance(rkey, str):
        key = f"at://{did}/{POST}/{rkey}"
        if isinstance(rev, str):
            found.posts[key] = max(rev, found.posts.get(key, rev))
    elif account.get("status") == "deleted" and account.get("active") is False:
        found.accounts.add(did)


def _lines(path: Path, compression: str | None, encoding: str, skip: int) -> Iterator[bytes]:
    """Lines that may withdraw something."""
    stream = open_utf8(path, compression, encoding, skip)
    windows = Windows(stream)
    try:
        for window in windows:
            data = bytes(window)
            whole = len(data) if windows.final else data.rfind(b"\n") + 1
            # A line longer than a window withdraws nothing.
            windows.used(whole or len(data))
            last = -1
            for mark in _MARKS.finditer(data, 0, whole):
                if mark.start() < last:
                    continue
                start = data.rfind(b"\n", 0, mark.start()) + 1
                last = data.find(b"\n", mark.start(), whole)
                last = whole if last < 0 else last
                yield data[start:last]
    finally:
        stream.close()


def _true(values: pa.Array) -> Any:
    return np.array(pc.fill_null(values, False).to_numpy(zero_copy_only=False))
