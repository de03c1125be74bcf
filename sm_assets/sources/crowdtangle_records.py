"""What the reader of CrowdTangle exports takes and gives: options, schemas, chunks.

Here: shapes only. Not here: how a file is read (`crowdtangle`), how a row is decided (`crowdtangle_rows`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import pyarrow as pa

from sm_assets.kernels import scan
from sm_assets.sources.crowdtangle_columns import COUNT_COLUMNS, RAW_COLUMNS

Policy = Literal["tables", "command"]

FLOOR = datetime(2004, 2, 4, tzinfo=UTC)
EXCERPT = 512

PARSED = pa.struct(
    [
        ("platform", pa.string()),
        ("account_id", pa.string()),
        ("post_id", pa.string()),
        ("posted_at", pa.timestamp("us")),
        ("page_created_at", pa.timestamp("us")),
        *((name, pa.int64()) for name in COUNT_COLUMNS),
        ("video_seconds", pa.float64()),
    ]
)
RECORD_SCHEMA = pa.schema(
    [
        ("source_row", pa.int64()),
        ("source_item", pa.int32()),
        ("source_line", pa.int64()),
        *((name, pa.string()) for name in RAW_COLUMNS),
        ("extra", pa.string()),
        ("warnings", pa.list_(pa.string())),
        ("zone", pa.string()),
        ("exported_at", pa.timestamp("us")),
        ("observed_at", pa.timestamp("us")),
        ("day", pa.date32()),
        ("parsed", PARSED),
    ]
)
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


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user states about a file; None: found out from the file.

    Attributes:
        zone: zone of times without one and of ambiguous abbreviations.
        default_zone: used, with a warning, where nothing else tells.
        number_format: thousands mark, one of , . ' or a blank.
        encoding: name of the text encoding.
        columns: delivered column name -> raw column.
        exported_at: when the export was made, UTC.
        policy: `tables` rejects rows without time, account or key; `command` accepts what can be compared at all.
        wanted: raw columns to read; None: all.
    """

    zone: str | None = None
    default_zone: str = "UTC"
    number_format: str | None = None
    encoding: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    exported_at: datetime | None = None
    policy: Policy = "tables"
    wanted: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class RawChunk:
    """Rows as scanned: texts only, nothing decided yet. `window` is valid until the next chunk is asked for."""

    columns: dict[str, pa.StringArray]
    unknown: dict[str, pa.StringArray]
    scanned: scan.Scanned
    window: memoryview
    window_offset: int

    def __len__(self) -> int:
        return len(self.scanned.row)

    def column(self, name: str) -> pa.StringArray:
        """A raw column; all null where the file lacks it."""
        found = self.columns.get(name)
        return found if found is not None else pa.nulls(len(self), pa.string())

    def excerpt(self, offset: int, length: int) -> str:
        """The first bytes of a stretch of the file, readable."""
        at = offset - self.window_offset
        return bytes(self.window[at : at + min(length, EXCERPT)]).decode("utf-8", "replace").replace("\0", "\ufffd")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Accepted rows (RECORD_SCHEMA) and rejects (REJECT_SCHEMA) of one window."""

    records: pa.RecordBatch
    rejects: pa.RecordBatch
