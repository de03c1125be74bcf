"""Contracts of the raw tables: records as delivered, with their position; rejects beside.

Here: one table per kind of record, and one of rejects per source. Not here: what a record holds (`delivered`), how
files are read (`sm_assets.sources`).
"""

from __future__ import annotations

from collections.abc import Iterator

from sm_assets.contracts.columns import COLUMNS, pick
from sm_assets.contracts.delivered import DELIVERED
from sm_assets.contracts.delivered.record import Record
from sm_assets.contracts.schema import Table

POSITION = ("source_sha256", "source_row", "source_item")
# What is the same for all rows of a file: not part of its conversion, added when they are published.
ADDED = ("source_file", "source_sha256", "vintage", "delivery")


def _records(source: str, record: Record) -> Table:
    names = [
        f"{source}.{name}" if f"{source}.{name.rstrip('?')}" in COLUMNS else name for name in record.columns.split()
    ]
    return Table(
        name=f"raw_{source}__{record.name}",
        description=record.description,
        grain=record.grain,
        key=POSITION,
        columns=pick(
            f"source_file source_sha256 source_row source_item vintage delivery {' '.join(names)} observed_at day",
            day=record.day,
        ),
        kinds=("python", "parquet"),
    )


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


def _tables() -> Iterator[Table]:
    for source, module in DELIVERED.items():
        for record in module.RECORDS:
            yield _records(source, record)
        yield _rejects(source)


TABLES = tuple(_tables())
