"""What people see on an asset's page: counts, a preview, the columns, the place of the files.

Here: turning contracts and publications into Dagster metadata. Not here: the figures (`sm_assets.plots`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.definitions.metadata.table import TableColumnConstraints

from sm_assets.contracts import TABLES, Column, Table
from sm_assets.defs.column_lineage import column_lineage, stored
from sm_assets.storage import Lake, Published, TableRef

PREVIEW_ROWS = 5
PREVIEW_COLUMNS = 20
_CELL = 70
_MAX_DAYS = 400
_MAX_COUNTS = 100
_DAGSTER_CELLS = 40


def column_schema(table: Table) -> dg.TableSchema:
    """The contract's columns as the UI shows them, each with the columns that its values come from, where SQL says."""
    origins = stored().get(table.name, {})
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.type,
                description=_described(column, origins.get(column.name, ())),
                constraints=TableColumnConstraints(nullable=column.nullable, other=_limits(column)),
            )
            for column in table.columns
        ],
        constraints=dg.TableConstraints(other=[f"key: {table.key_in_words}"]),
    )


def _described(column: Column, origins: Sequence[str]) -> str:
    unit = f" Unit: {column.unit}." if column.unit else ""
    # The UI that comes with Dagster draws no lineage of columns.
    return f"{column.description}{unit}" + (f" From {', '.join(origins)}." if origins else "")


def _limits(column: Column) -> list[str]:
    limits = [f"one of {', '.join(column.allowed)}"] if column.allowed else []
    if column.minimum is not None:
        limits.append(f">= {column.minimum:g}")
    if column.maximum is not None:
        limits.append(f"<= {column.maximum:g}")
    return limits


def definition_metadata(table: Table, lake: Lake) -> dict[str, Any]:
    """Metadata that an asset always has."""
    lineage = column_lineage(table.name)
    return {
        **({"dagster/column_lineage": lineage} if lineage else {}),
        "dagster/column_schema": column_schema(table),
        "dagster/table_name": table.name,
        "dagster/uri": lake.uri(lake.path("lake", table.name)),
        "grain": table.grain,
        "key": table.key_in_words,
    }


def published_metadata(lake: Lake, table: Table, published: Published, counts: Mapping[str, int]) -> dict[str, Any]:
    """Metadata of one materialisation.

    Args:
        lake: where the table lies, for the preview.
        table: its contract.
        published: what was replaced.
        counts: rows by disposition, as `rows_in`, `rejected/bad_time`, ...; one metadata entry each.
    """
    entries: dict[str, Any] = dict(counts)
    entries["rows_out"] = published.total
    entries["dagster/row_count"] = published.total
    filled = [day for day, rows in published.rows.items() if rows]
    if filled:
        entries["preview"] = preview(lake, TableRef(table.name, (filled[-1],)))
    entries["rows_per_day"] = rows_per_day(published.rows)
    return entries


def rows_per_day(rows: Mapping[date, int]) -> dg.MetadataValue:
    """Per-day counts; a run over a range shows the same metadata on each of its days."""
    days = sorted(rows.items())[-_MAX_DAYS:]
    return small_table([{"day": str(day), "rows": count} for day, count in days])


def preview(lake: Lake, ref: TableRef) -> dg.MetadataValue:
    """The first rows of a day, without columns that are empty in all of them or hold what people wrote.

    Dagster keeps metadata for good, and no purge reaches it.
    """
    with lake.connect() as con:
        rows = lake.register(con, ref).limit(PREVIEW_ROWS).to_arrow_table().to_pylist()
    shown = [column.name for column in TABLES[ref.table].columns if not _may_hold_words(column)]
    filled = [name for name in shown if any(row[name] is not None for row in rows)]
    return small_table([{name: _cell(row[name]) for name in filled[:PREVIEW_COLUMNS]} for row in rows])


def _may_hold_words(column: Column) -> bool:
    """Whether people may have written what is in a column; ids and words of our own they have not."""
    if column.type not in ("text", "list<text>", "struct"):
        return False
    own = column.allowed or column.name.endswith(("_id", "_sha256", "_version", "language", "lang", "vintage", "model"))
    return not own


def counts_table(counts: Mapping[str, int], name: str = "what", unit: str = "rows") -> dg.MetadataValue:
    """A small table of counts; of very many the first, and how many more there are."""
    records: list[dict[str, Any]] = [{name: key, unit: rows} for key, rows in list(counts.items())[:_MAX_COUNTS]]
    if len(counts) > _MAX_COUNTS:
        rest = list(counts.values())[_MAX_COUNTS:]
        records.append({name: f"{len(rest)} more", unit: sum(rest)})
    return small_table(records)


def small_table(records: list[dict[str, Any]]) -> dg.MetadataValue:
    """Rows as a table: Dagster's own where it is small, else as Markdown.

    Each partition of a run stores all metadata of the run again, and Dagster's tables cost tens of times a text.
    """
    if not records:
        return dg.MetadataValue.table([dg.TableRecord({"note": "no rows"})])
    if len(records) * len(records[0]) <= _DAGSTER_CELLS:
        return dg.MetadataValue.table([dg.TableRecord(record) for record in records])
    names = list(records[0])
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(_escaped(record[name]) for name in names) + " |" for record in records]
    return dg.MetadataValue.md("\n".join(lines))


def _escaped(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _cell(value: Any) -> str | int | float | bool:
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
