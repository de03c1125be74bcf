"""Writes the data dictionary docs/tables.md from the contracts: `python -m sm_assets.contracts.docs [PATH]`.

Here: Markdown. Not here: any fact about a table.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sm_assets.contracts import TABLES, Column, Table

_LAYERS = {
    "raw": "Raw: as delivered",
    "stg": "Staging: renamed and typed, one table per source and entity",
    "core": "Core: all platforms as one",
    "feat": "Features: numbers about entities",
    "out": "Outputs: results for readers",
}
_HEAD = """# Tables

Generated from `sm_assets/contracts/` by `python -m sm_assets.contracts.docs`; do not edit.

Every table lies in `<data root>/lake/<table>/day=YYYY-MM-DD/part-0.parquet`, and as a view of its name in
`<data root>/catalog.duckdb`; of tables of snapshots `<table>_latest` has the newest day. `day` is the name of the
folder, not a column of the file; DuckDB, Polars, pandas and Spark read it from there. Ids are text and mean something
only together with `platform`. Times are UTC.
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _column(column: Column) -> list[str]:
    meaning = column.description
    if column.allowed:
        meaning += " One of: " + ", ".join(f"`{value}`" for value in column.allowed) + "."
    kind = column.type + (" or null" if column.nullable else "")
    rows = [f"| `{column.name}` | {kind} | {column.unit} | {_cell(meaning)} |"]
    rows += [
        f"| `{column.name}.{c.name}` | {c.type} or null | {c.unit} | {_cell(c.description)} |" for c in column.fields
    ]
    return rows


def _table(table: Table) -> list[str]:
    unique = ", unique over all days" if table.unique_over_days else ""
    lines = [
        f"### {table.name}",
        "",
        table.description,
        "",
        f"- One row: {table.grain}.",
        f"- Key: {', '.join(f'`{name}`' for name in table.key)}{unique}.",
        f"- Partition `day`: {table.day_means}.",
    ]
    lines += [
        f"- ({', '.join(r.columns)}) is found in {r.target} ({', '.join(r.target_columns)})." for r in table.references
    ]
    lines += ["", "| column | type | unit | meaning |", "|---|---|---|---|"]
    for column in table.columns:
        lines += _column(column)
    return [*lines, ""]


def render() -> str:
    """The data dictionary as Markdown."""
    lines = _HEAD.splitlines()
    for layer, title in _LAYERS.items():
        lines += ["", f"## {title}", ""]
        for table in TABLES.values():
            if table.layer == layer:
                lines += _table(table)
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Write the dictionary to the given path, else to docs/tables.md of the checkout."""
    parser = argparse.ArgumentParser(description="Write the data dictionary.")
    parser.add_argument("path", nargs="?", type=Path, default=Path(__file__).parents[2] / "docs" / "tables.md")
    target: Path = parser.parse_args().path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
