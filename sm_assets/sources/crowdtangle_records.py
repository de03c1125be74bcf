"""What the reading of CrowdTangle exports passes from hand to hand: options, rows, files.

Here: shapes only. Not here: how a file is read (`crowdtangle_csv`, `crowdtangle_json`), how a row is decided
(`crowdtangle_rows`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

import pyarrow as pa

from sm_assets.sources import reading
from sm_assets.sources.crowdtangle_readings import Readings

Policy = Literal["tables", "command"]
SOURCE, RECORD = "crowdtangle", "posts"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user states about a file, for the tables or for the one-shot command; None: found out from the file.

    Attributes:
        zone: zone of times without one and of ambiguous abbreviations.
        default_zone: used, with a warning, where nothing else tells.
        number_format: thousands mark, one of , . ' or a blank.
        encoding: name of the text encoding.
        columns: delivered column name -> raw column.
        exported_at: when the export was made, UTC.
        platform: whose ids the file holds.
        policy: `tables` rejects rows without time, account or key; `command` accepts what can be compared at all.
        wanted: raw columns to read; None: all.
    """

    zone: str | None = None
    default_zone: str = "UTC"
    number_format: str | None = None
    encoding: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    exported_at: datetime | None = None
    platform: str | None = None
    policy: Policy = "tables"
    wanted: tuple[str, ...] | None = None

    @classmethod
    def for_tables(cls, options: reading.ReadOptions) -> ReadOptions:
        """The same for the tables."""
        return cls(
            zone=options.zone, number_format=options.number_format, encoding=options.encoding, columns=options.columns,
            exported_at=options.exported_at, platform=options.platform,
        )  # fmt: skip


class Rows(Protocol):
    """Rows of one stretch of a file: texts only, nothing decided yet."""

    def __len__(self) -> int: ...

    def column(self, name: str) -> pa.StringArray:
        """A raw column; all null where the file lacks it."""
        ...

    def positions(self) -> Mapping[str, pa.Array]:
        """source_row, source_item, source_line."""
        ...

    def extra(self) -> pa.Array:
        """Cells of unknown columns as JSON objects."""
        ...


class PostFile(Protocol):
    """What the deciding of rows must know of their file.

    Attributes:
        vintage: name of the vintage.
        platform: platform of all rows; None: each row tells.
        groups: the accounts are groups.
        exported_at: when the export was made, None where nothing tells.
        readings: how its counts and times are read.
        tally: counts what becomes of the rows.
    """

    vintage: str
    platform: str | None
    groups: bool
    exported_at: datetime | None
    readings: Readings
    tally: reading.Tally

    def reject(self, rows: Any, k: int, reason: str, detail: str, day: int | None) -> None:
        """The k-th of these rows cannot be used."""
        ...
