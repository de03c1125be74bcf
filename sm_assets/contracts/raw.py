"""Contracts of the raw tables: records as delivered, with their position; rejects beside.

Here: one pair of tables per source. Not here: how files are read (`sm_assets.sources`).
"""

from __future__ import annotations

from sm_assets.contracts.columns import DELIVERED, pick
from sm_assets.contracts.schema import Table

POSITION = ("source_sha256", "source_row", "source_item")


def _rejects(source: str) -> Table:
    return Table(
        name=f"raw_{source}__rejects",
        description=(
            f"Records of {source} files that could not be read or lack key, account or time. The day is that of the "
            "event if it is readable, else the first day that the file covers, else the day of the export, else of "
            "the first conversion."
        ),
        grain="one rejected piece of one landing file",
        key=("source_sha256", "line", "byte_offset"),
        columns=pick(
            "source source_file source_sha256 line byte_offset byte_length record? reason detail? raw_excerpt? day"
        ),
        kinds=("python", "parquet"),
    )


_delivered = " ".join(f"crowdtangle.{name}?" for name in DELIVERED["crowdtangle"])

TABLES = (
    Table(
        name="raw_crowdtangle__posts",
        description="Posts of CrowdTangle exports as delivered: every cell as text, whatever the vintage.",
        grain="one data row of one landing file",
        key=POSITION,
        columns=pick(
            f"source_file source_sha256 source_row source_item source_line vintage {_delivered} extra? warnings? zone? "
            "exported_at? observed_at parsed day",
            day="Day of the post in UTC; the partition.",
        ),
        kinds=("python", "parquet"),
    ),
    _rejects("crowdtangle"),
)
