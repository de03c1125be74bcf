"""Repositories of Bluesky accounts, exported as CAR files: their records as they stood at one revision.

Here: which blocks of the file are records and under which keys. Not here: the encoding of blocks (`bluesky_cbor`),
what a record says (`bluesky_events`).

A repository knows no deletes and no receipt; its revision is the time of the last change to it, so no record is newer.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

from sm_assets.errors import InputError
from sm_assets.kernels.json_cells import NEVER, tid_micros
from sm_assets.sources.bluesky_cbor import BadBlock, Block, Blocks, Link, decode, roots_of
from sm_assets.sources.bluesky_events import (
    COLLECTIONS,
    EVENT_CELLS,
    RECORD_CELLS,
    EventReader,
    Events,
)
from sm_assets.sources.bluesky_posts import EMBED_PARTS, MISSHAPEN, WORDS, holds_text
from sm_assets.sources.bytestream import open_bytes
from sm_assets.sources.reading import Chunk, ReadOptions, Tally, excerpt

RECORD: Final = "records"
_CHUNK = 8192
_PATHS: Final = RECORD_CELLS | EMBED_PARTS


def is_car(head: bytes) -> bool:
    """Whether the bytes are the beginning of a CAR file of version 1."""
    if not head or head[0] > 127 or len(head) <= head[0]:
        return False
    try:
        roots_of(head[1 : 1 + head[0]])
    except BadBlock:
        return False
    return True


class CarReader:
    """One repository. The tree of keys is read first, then the records as they come."""

    def __init__(self, path: Path, options: ReadOptions, compression: str | None) -> None:
        self._path = path
        self._options = options
        self._compression = compression
        self._tally = Tally()
        exported = options.exported_at
        self._exported_us = None if exported is None else int(exported.timestamp() * 1_000_000)
        self._broken: str | None = None
        self._end = 0
        self._did, self._rev, self._keys = self._read_tree()
        self._received = int(tid_micros(pa.array([self._rev], pa.string()))[0])
        if self._received == NEVER and self._exported_us is not None:
            self._received = self._exported_us
        self._reader = EventReader(RECORD, self._tally, options.bounds, exported)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing is held open between chunks."""

    def _blocks(self) -> Iterator[Block]:
        stream = open_bytes(self._path, self._compression)
        blocks = Blocks(stream.read)
        try:
            yield from blocks
        except (BadBlock, EOFError, OSError, zlib.error) as problem:
            self._broken, self._end = str(problem) or type(problem).__name__, blocks.offset
        finally:
            stream.close()
        self._roots = blocks.roots

    def _read_tree(self) -> tuple[str | None, str | None, dict[Link, list[str]]]:
        """(DID, revision, CID of a record -> its keys) of the newest state."""
        commits: dict[Link, dict[str, Any]] = {}
        nodes: dict[Link, tuple[list[tuple[str, Link]], list[Link]]] = {}
        for block in self._blocks():
            try:
                value = decode(block.data)
            except BadBlock:
                continue
            if not isinstance(value, dict):
                continue
            if isinstance(value.get("did"), str) and isinstance(value.get("data"), Link):
                commits[block.cid] = value
            elif isinstance(value.get("e"), list) and "l" in value:
                nodes[block.cid] = _node(value)
        commit = next((commits[root] for root in self._roots if root in commits), None)
        if commit is None:
            raise InputError(
                f"{self._path}: a CAR file whose root is no commit of a repository; export it with "
                "com.atproto.sync.getRepo."
            )
        keys: dict[Link, list[str]] = {}
        waiting, seen = [commit["data"]], set()
        while waiting:
            at = waiting.pop()
            if at in seen or at not in nodes:
                continue
            seen.add(at)
            entries, below = nodes[at]
            waiting += below
            for key, cid in entries:
                keys.setdefault(cid, []).append(key)
        rev = commit.get("rev")
        return commit["did"], rev if isinstance(rev, str) else None, {cid: sorted(found) for cid, found in keys.items()}

    def __iter__(self) -> Iterator[Chunk]:
        waiting: list[tuple[int, int, str, Block]] = []
        found: set[Link] = set()
        row = 0
        for block in self._blocks():
            if block.cid not in self._keys or block.cid in found:
                continue
            found.add(block.cid)
            row += 1
            waiting += [(row, item, key, block) for item, key in enumerate(self._keys[block.cid])]
            if len(waiting) >= _CHUNK:
                yield self._chunk(waiting)
                waiting = []
        yield self._chunk(waiting)
        missing = sum(len(keys) for cid, keys in self._keys.items() if cid not in found)
        if missing:
            self._tally.notices.append(f"the repository lists {missing} records whose blocks the file lacks")
        if self._broken:
            self._tally.rows_in += 1
            self._tally.notices.append(f"the file ends early ({self._broken}); the records before the damage were read")
            self._tally.reject(
                "truncated_stream", f"the file ends early ({self._broken}); fetch it again",
                line=1, offset=self._end, length=0, record=None, excerpt="",
            )  # fmt: skip
        yield self._tally.chunk({})

    def _chunk(self, waiting: list[tuple[int, int, str, Block]]) -> Chunk:
        rows: list[dict[str, str | None]] = []
        placed: list[tuple[int, int, str, Block]] = []
        for place in waiting:
            self._tally.rows_in += 1
            _, _, key, block = place
            try:
                value = decode(block.data)
            except BadBlock as problem:
                self._refuse(place, "malformed_json", f"no DAG-CBOR: {problem}", None)
                continue
            if not isinstance(value, dict):
                self._refuse(place, "not_an_object", "a record that is no object", None)
                continue
            collection, _, rkey = key.partition("/")
            kept = collection in COLLECTIONS
            cells = {name: _first(value, paths) for name, paths in _PATHS.items()} if kept else {}
            wrong = [
                name
                for name in WORDS
                if (cells.get(name) or "").startswith(("{", "[")) and not holds_text(_plain(value), _PATHS[name])
            ]
            rows.append(
                {
                    **cells, **dict.fromkeys(wrong), MISSHAPEN: " ".join(wrong) or None,
                    "did": self._did, "kind": "commit", "rev": self._rev, "operation": "create",
                    "collection": collection or None, "rkey": rkey or None, "cid": block.cid,
                }
            )  # fmt: skip
            placed.append(place)
        columns = {
            name: pa.array([row.get(name) for row in rows], pa.string())
            for name in (*EVENT_CELLS, *EMBED_PARTS, MISSHAPEN)
        }
        positions = {
            "source_row": pa.array([place[0] for place in placed], pa.int64()),
            "source_item": pa.array([place[1] for place in placed], pa.int32()),
        }
        events = Events(columns, np.zeros(len(rows), np.int64), np.full(len(rows), self._received), positions)
        batch = self._reader.read(events, lambda k, reason, detail, day: self._refuse(placed[k], reason, detail, day))
        return self._tally.chunk({RECORD: batch})

    def _refuse(self, place: tuple[int, int, str, Block], reason: str, detail: str, day: int | None) -> None:
        row, item, _, block = place
        # A block may be a record under several keys; each reject has a place of its own.
        self._tally.reject(
            reason, detail, line=1, offset=block.offset + item, length=block.length - item, record=row,
            excerpt=excerpt(block.data, 0, len(block.data)), day=day,
        )  # fmt: skip

    @property
    def manifest(self) -> dict[str, Any]:
        """See `sm_assets.sources.reading.Reader`."""
        exported = self._options.exported_at
        return (
            {
                "vintage": "car",
                "compression": self._compression,
                "platform": "bluesky",
                "exported_at": exported.isoformat() if exported else None,
                "exported_at_origin": "sidecar" if exported else None,
                # It holds what was not deleted: a day without records proves nothing.
                "coverage_kind": "scattered",
            }
            | self._tally.facts
            | self._reader.facts
        )


def _node(value: dict[str, Any]) -> tuple[list[tuple[str, Link]], list[Link]]:
    """((key, CID of the record) of the entries, CIDs of the nodes below) of a node of the tree."""
    entries: list[tuple[str, Link]] = []
    below = [value["l"]] if isinstance(value["l"], Link) else []
    key = b""
    for entry in value["e"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("k"), bytes) or not isinstance(entry.get("p"), int):
            continue
        # Keys of a node share what they begin with.
        key = key[: entry["p"]] + entry["k"]
        if isinstance(entry.get("v"), Link):
            entries.append((key.decode("utf-8", "replace"), entry["v"]))
        if isinstance(entry.get("t"), Link):
            below.append(entry["t"])
    return entries, below


def _first(record: dict[str, Any], paths: tuple[str, ...]) -> str | None:
    """What the first of the paths holds, as JSON lines would deliver it."""
    for path in paths:
        value: Any = record
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        text = _text(value)
        if text:
            return text
    return None


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and not isinstance(value, Link)):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """The JSON form of a DAG-CBOR value."""
    if isinstance(value, Link):
        return {"$link": str(value)}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode("ascii").rstrip("=")}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
