"""Captures of Bluesky's stream: Jetstream lines of version 1 and of version 2, also mixed in one file.

Here: the paths of both forms, chosen line by line; recognition; folders DD/HH. Not here: what an event says
(`bluesky_events`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.kernels.json_cells import rfc3339_micros, whole_numbers
from sm_assets.kernels.json_lines import JsonScanner, parse, shortest
from sm_assets.sources.bluesky_events import (
    DAY_US,
    ERROR,
    HOUR_US,
    KINDS,
    NO_KIND,
    NOTICE,
    RECORD_CELLS,
    EventReader,
    Events,
    codes,
    present,
    true,
)
from sm_assets.sources.bluesky_posts import EMBED_PARTS, MISSHAPEN, PURGED_WORDS, WORDS, holds_text
from sm_assets.sources.bluesky_withdrawn import withdrawn
from sm_assets.sources.client_times import NEVER
from sm_assets.sources.json_file import JsonFile, Records
from sm_assets.sources.reading import Chunk, ReadOptions, Tally

RECORD: Final = "events"
CHUNK_ROWS: Final = 65_536
_V2: Final = "network.bsky.jetstream.subscribeEvents#"
_KINDS: Final = (*KINDS, *(f"{_V2}{kind}" for kind in KINDS))
# Both versions of Jetstream, and whatever wrote their lines anew, shall give equal cells.
_FRAGMENTS: Final = ("langs", "embed", "facets", "tags", "labels")
_FOLDER = re.compile(r"(?:^|/)(\d{2})/(\d{2})/[^/]+$")


def _paths() -> dict[str, tuple[str, ...]]:
    """Cell -> where it may stand: in version 1, in a frame of version 2, in a bare payload of version 2."""
    below = ("commit.record.", "payload.record.", "record.")
    found = {
        name: tuple(f"{prefix}{path}" for prefix in below for path in paths)
        for name, paths in (RECORD_CELLS | EMBED_PARTS).items()
    }
    found |= {
        name: (f"commit.{name}", f"payload.{name}", name) for name in ("rev", "operation", "collection", "rkey", "cid")
    }
    # Accounts and identities may be flat in a payload or have the upstream event inside.
    for name, inner in (("handle", "identity"), ("active", "account"), ("status", "account")):
        found[name] = (f"{inner}.{name}", f"payload.{name}", f"payload.{inner}.{name}", name)
    return found | {
        "did": ("did", "payload.did"),
        "kind": ("kind", "payload.$type", "$type"),
        "time_us": ("time_us", "payload.time_us"),
        "time": ("payload.time", "time"),
    }


_PATHS: Final = _paths()
_NAMES: Final = tuple(_PATHS)


def recognised(head: bytes) -> str | None:
    """The version of the first event in the head of a file, None if no line is one."""
    scanner = JsonScanner([_PATHS["kind"], "time_us", _PATHS["did"]])
    scanner.feed(head, final=False)
    kind, time_us, did = scanner.take().columns
    for name, micros, account in zip(kind.to_pylist(), time_us.to_pylist(), did.to_pylist(), strict=True):
        if name is None:
            continue
        if micros and account and name in KINDS:
            return "jetstream_v1"
        if name.startswith(_V2) or name == "error":
            return "jetstream_v2"
    return None


class StreamReader:
    """One capture."""

    def __init__(self, path: Path, options: ReadOptions, vintage: str) -> None:
        self._tally = Tally()
        self._file = JsonFile(path, self._tally, options.encoding)
        self._options = options
        exported = options.exported_at
        self._reader = EventReader(RECORD, self._tally, options.bounds, exported)
        folder = _FOLDER.search(options.place)
        self._folder = (int(folder.group(1)), int(folder.group(2))) if folder else None
        if self._folder and not (1 <= self._folder[0] <= 31 and self._folder[1] <= 23):
            self._folder = None
        self._vintage = "dd_hh" if self._folder else vintage
        self._elsewhere = self._events = self._withheld = self._purges = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing is held open between chunks."""

    def __iter__(self) -> Iterator[Chunk]:
        file = self._file
        gone = withdrawn(file.path, file.compression, file.encoding, file.skip)
        self._purges = gone.n_lines
        for records in file.records([_PATHS[name] for name in _NAMES]):
            self._tally.rows_in += len(records)
            batch = self._reader.read(self._decoded(records), self._refuse_of(records))
            batch, rows = gone.empty_rows(batch, PURGED_WORDS)
            self._withheld += rows
            self._compare_folder(batch)
            for at in range(0, max(len(batch), 1), CHUNK_ROWS):
                yield self._tally.chunk({RECORD: batch.slice(at, CHUNK_ROWS)})
        if self._elsewhere:
            day, hour = self._folder or (0, 0)
            self._tally.notices.append(
                f"{self._elsewhere} of {self._events} events were not received in hour {hour:02d} of day {day:02d}, "
                "as the file's folders say; days are those of the events"
            )
        yield self._tally.chunk({})

    def _decoded(self, records: Records) -> Events:
        columns = dict(zip(_NAMES, records.scanned.columns, strict=True))
        for name in _FRAGMENTS:
            if columns[name].null_count < len(columns[name]):
                columns[name] = shortest(columns[name])
        self._blank_misshapen(columns, records)
        received = whole_numbers(columns.pop("time_us"))
        times = columns.pop("time")
        if (received == NEVER).any() and times.null_count < len(times):
            received = np.where(received == NEVER, rfc3339_micros(times), received)
        kinds = _kinds(columns["kind"])
        columns["kind"] = pa.array((*KINDS, None), pa.string()).take(
            pa.array(np.where((kinds >= 0) & (kinds < len(KINDS)), kinds, len(KINDS)))
        )
        scanned = records.scanned
        positions = {
            "source_row": pa.array(scanned.row),
            "source_item": pa.array(scanned.item),
            "source_line": pa.array(scanned.line),
        }
        return Events(columns, kinds, received, positions)

    def _blank_misshapen(self, columns: dict[str, pa.StringArray], records: Records) -> None:
        """Objects and lists where a text belongs: the scanner gives their JSON, which nobody wrote."""
        found: dict[int, list[str]] = {}
        for name in WORDS:
            column = columns[name]
            if column.null_count == len(column):
                continue
            bracketed = true(pc.starts_with(column, "{")) | true(pc.starts_with(column, "["))
            wrong = [
                k for k in np.flatnonzero(bracketed).tolist() if not holds_text(parse(records.record(k)), _PATHS[name])
            ]
            for k in wrong:
                found.setdefault(k, []).append(name)
            if wrong:
                bracketed[:] = False
                bracketed[wrong] = True
                columns[name] = pc.if_else(pa.array(bracketed), pa.scalar(None, pa.string()), column)
        if found:
            columns[MISSHAPEN] = pa.array(
                [" ".join(found.get(k, ())) or None for k in range(len(records))], pa.string()
            )

    def _refuse_of(self, records: Records) -> Any:
        scanned = records.scanned

        def refuse(k: int, reason: str, detail: str, day: int | None) -> None:
            self._tally.reject(
                reason, detail, line=int(scanned.line[k]), offset=int(scanned.start[k]), length=int(scanned.length[k]),
                record=int(scanned.row[k]), excerpt=records.excerpt(k), day=day,
            )  # fmt: skip

        return refuse

    def _compare_folder(self, batch: pa.RecordBatch) -> None:
        if self._folder is None or not len(batch):
            return
        micros = batch.column("observed_at").cast(pa.int64()).to_numpy()
        months_day = (micros // DAY_US).astype("datetime64[D]")
        day = (months_day - months_day.astype("datetime64[M]")).astype(np.int64) + 1
        hour = micros % DAY_US // HOUR_US
        self._elsewhere += int(((day != self._folder[0]) | (hour != self._folder[1])).sum())
        self._events += len(batch)

    @property
    def manifest(self) -> dict[str, Any]:
        """See `sm_assets.sources.reading.Reader`."""
        exported = self._options.exported_at
        facts: dict[str, Any] = {
            "vintage": self._vintage,
            "encoding": self._file.encoding,
            "compression": self._file.compression,
            "platform": "bluesky",
            "exported_at": exported.isoformat() if exported else None,
            "exported_at_origin": "sidecar" if exported else None,
        }
        if self._folder:
            facts["coverage_kind"] = "declared"
        if self._purges:
            facts |= {"rows_withheld": self._withheld, "purges_applied": self._purges}
        first, last = self._tally.first_event_us, self._tally.last_event_us
        if first is not None and last is not None:
            # A replayed old post proves nothing about its old day.
            facts["observed_days"] = [_day(first), _day(last)]
        return facts | self._tally.facts | self._reader.facts


def _day(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, tz=UTC).date().isoformat()


def _kinds(texts: pa.StringArray) -> npt.NDArray[np.int64]:
    """Index into KINDS; NOTICE for other messages of the stream, ERROR for its errors, NO_KIND where nothing tells."""
    found = codes(texts, _KINDS)
    kinds = np.where(found >= len(KINDS), found - len(KINDS), found)
    if (found < 0).any():
        other = (found < 0) & present(texts) & ~true(pc.equal(texts, "message"))
        kinds = np.where(found >= 0, kinds, np.where(other, NOTICE, NO_KIND))
        kinds = np.where(true(pc.equal(texts, "error")), ERROR, kinds)
    return kinds
