"""The catalogue's lookup tables: what the tables and their columns mean, in the words of the contracts.

Here: `about_catalog`, `about_tables`, `about_columns` as Arrow. Not here: views, files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa

from sm_assets.contracts import SCHEMA_VERSION, Column, Table

ABOUT: Mapping[str, str] = {
    "about_catalog": "Where the tables lie and the version of their schema; columns go only with a new one.",
    "about_tables": "What each table holds. One row: one table.",
    "about_columns": "What each column means; fields of a struct are named `column.field`. One row: one column.",
}


def about(root: str, tables: Iterable[Table]) -> dict[str, pa.Table]:
    """The lookup tables over `tables`, which lie under `root`."""
    listed = list(tables)
    return {
        "about_catalog": pa.Table.from_pylist(
            [{"schema_version": SCHEMA_VERSION, "data_root": root}],
            pa.schema([("schema_version", pa.int32()), ("data_root", pa.string())]),
        ),
        "about_tables": _texts(
            ("table_name", "layer", "description", "one_row", "key", "day"),
            [(t.name, t.layer, t.description, t.grain, ", ".join(t.key), t.day_means) for t in listed],
        ),
        "about_columns": _texts(
            ("table_name", "column_name", "type", "unit", "may_be_null", "description", "allowed"),
            [row for table in listed for row in _columns(table)],
        ),
    }


def _columns(table: Table) -> Iterator[tuple[str, ...]]:
    for column in table.columns:
        yield _column(table, column.name, column, may_be_null=column.nullable)
        for field in column.fields:
            yield _column(table, f"{column.name}.{field.name}", field, may_be_null=True)


def _column(table: Table, name: str, column: Column, *, may_be_null: bool) -> tuple[str, ...]:
    null = "yes" if may_be_null else "no"
    return table.name, name, column.type, column.unit, null, column.description, ", ".join(column.allowed)


def _texts(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [() for _ in names]
    return pa.table([pa.array(values, pa.string()) for values in columns], names=list(names))
