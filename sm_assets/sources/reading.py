"""What every reader takes and gives: options, chunks, rejects, the tally of what became of the rows.

Here: shapes and counting that all sources share. Not here: any format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self

import pyarrow as pa

from sm_assets.contracts import TABLES, Table
from sm_assets.contracts.columns import pick
from sm_assets.contracts.raw import ADDED

EXCERPT = 512
REJECT_SCHEMA = pa.schema(
    [
        ("line", pa.int64()),
        ("byte_offset", pa.int64()),
        ("byte_length", pa.int64()),
        ("record", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("raw_excerpt", pa.string()),
        ("day", pa.date32()),
    ]
)
INGESTED_REJECTS = pa.schema(
    [
        column.arrow_field
        for column in pick("source source_sha256 line byte_offset byte_length record? reason detail? raw_excerpt? day")
    ]
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a client's clock is believed (formats 4.4)."""

    client_ahead: timedelta = timedelta(minutes=5)
    client_behind: timedelta = timedelta(hours=24)
    key_agreement: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user states about a file; None: found out from the file.

    Attributes:
        place: path of the file below landing/, with `/`; folders may tell something (`bluesky/03/17/events`).
        zone: zone of times without one and of ambiguous abbreviations.
        number_format: thousands mark, one of , . ' or a blank.
        encoding: name of the text encoding.
        columns: delivered column name -> raw column.
        exported_at: when the export was made, UTC.
        platform: whose ids the file holds.
        direction: `first_follows_second`, `second_follows_first` or `mutual`.
        is_snapshot: whether a file of follows is a list as it stood at one time; None: the format decides.
        bounds: how far client clocks are believed.
    """

    place: str = ""
    zone: str | None = None
    number_format: str | None = None
    encoding: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    exported_at: datetime | None = None
    platform: str | None = None
    direction: str | None = None
    is_snapshot: bool | None = None
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Accepted rows by kind of record (see `record_schema`) and rejects (REJECT_SCHEMA) of one stretch of a file.

    The rows of one kind come in the order of (source_row, source_item) over all chunks.
    """

    records: Mapping[str, pa.RecordBatch]
    rejects: pa.RecordBatch


class Reader(Protocol):
    """One file: iterate for its chunks, then look at its manifest."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def __iter__(self) -> Iterator[Chunk]: ...

    @property
    def manifest(self) -> dict[str, Any]:
        """Facts about the file, JSON-ready, and `Tally.facts`; the counts are complete once the chunks were iterated.

        Required: vintage. Where known: encoding, compression, zone, zone_origin, number_format, exported_at,
        exported_at_origin, platform, direction, direction_origin, coverage_kind, coverage (first and last day it is
        declared for, ISO), observed_days (first and last day on which it was captured, ISO, where other days than those
        of its rows are what it proves), columns_missing, also_days (days on which staged rows lie although no raw row
        does, ISO), profile_days (days on which profiles were observed in rows of other kinds), touched_days (days of
        records that its withdrawals reach; null among them: any day), rows_withheld and purges_applied (rows left
        without words, and purges of the file itself that did so), notices (sentences).
        """
        ...


def record_schema(source: str, record: str) -> pa.Schema:
    """Schema of the batches of one kind of record: the raw table without what the conversion adds. All nullable."""
    table = TABLES[f"raw_{source}__{record}"]
    return pa.schema([item for item in table.plain_schema if item.name not in ADDED])


def ingest_schema(table: Table) -> pa.Schema:
    """Schema of the converted records of a raw table: what does not depend on where the file lies."""
    fields = [item for item in table.file_schema if item.name not in ADDED]
    # The time of the last event is known only when all rows are written; publication fills it in.
    return pa.schema([item.with_nullable(True) if item.name == "observed_at" else item for item in fields])


class Tally:
    """Counts what became of the rows of one file, and keeps the rejects until they are taken."""

    def __init__(self) -> None:
        self.rows_in = 0
        self.rows_out: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.repairs: Counter[str] = Counter()
        self.notices: list[str] = []
        self.first_event_us: int | None = None
        self.last_event_us: int | None = None
        self._rejects: list[dict[str, Any]] = []

    def ignore(self, reason: str, rows: int = 1) -> None:
        """Rows that are well-formed but carry nothing that is kept; they count as rows in."""
        if rows:
            self.ignored[reason] += rows

    def repair(self, column: str, reason: str, cells: int = 1) -> None:
        """Cells that were mended or became null."""
        if cells:
            self.repairs[f"{column}/{reason}"] += cells

    def reject(
        self,
        reason: str,
        detail: str | None,
        *,
        line: int,
        offset: int,
        length: int,
        record: int | None,
        excerpt: str,
        day: int | None = None,
    ) -> None:
        """A record that cannot be used. `day`: days since 1970 of its event, where that is readable."""
        self.rejected[reason] += 1
        self._rejects.append(
            {
                "line": line,
                "byte_offset": offset,
                "byte_length": length,
                "record": record,
                "reason": reason,
                "detail": detail,
                "raw_excerpt": excerpt,
                "day": day,
            }
        )

    def saw(self, first: int, last: int | None = None) -> None:
        """Remember the times of the earliest and the latest event, microseconds; `last` None: there is one."""
        last = first if last is None else last
        self.first_event_us = first if self.first_event_us is None else min(first, self.first_event_us)
        self.last_event_us = last if self.last_event_us is None else max(last, self.last_event_us)

    def chunk(self, records: Mapping[str, pa.RecordBatch]) -> Chunk:
        """What was accepted together with the rejects since the last chunk, in the order of the file."""
        for name, batch in records.items():
            self.rows_out[name] += batch.num_rows
        rows = sorted(self._rejects, key=lambda row: (row["byte_offset"], row["record"] or 0))
        self._rejects = []
        return Chunk(records, pa.RecordBatch.from_pylist(rows, REJECT_SCHEMA))

    @property
    def facts(self) -> dict[str, Any]:
        """The counts as the manifest holds them."""
        last = self.last_event_us
        return {
            "rows_in": self.rows_in,
            "rows_out": sum(self.rows_out.values()),
            "rejected": dict(sorted(self.rejected.items())),
            "ignored": dict(sorted(self.ignored.items())),
            "repairs": dict(sorted(self.repairs.items())),
            "notices": list(self.notices),
            "last_event_at": None if last is None else datetime.fromtimestamp(last / 1e6, tz=UTC).isoformat(),
        }


def excerpt(window: memoryview | bytes, start: int, length: int) -> str:
    """The first bytes of a piece of a window, readable."""
    piece = bytes(window[start : start + min(length, EXCERPT)])
    return piece.decode("utf-8", "replace").replace("\0", "\ufffd")
