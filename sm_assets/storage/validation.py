"""Whether data keeps its contract.

Here: comparing columns and counting broken rows through DuckDB. Not here: what a contract says (`sm_assets.contracts`).
"""

from __future__ import annotations

import duckdb

from sm_assets.contracts import Table
from sm_assets.errors import ContractError

# Types that are widened without loss or doubt.
_NARROWER = {
    "BIGINT": {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "HUGEINT"},
    "INTEGER": {"TINYINT", "SMALLINT", "UTINYINT", "USMALLINT"},
    "DOUBLE": {"FLOAT"},
    "TIMESTAMP": {"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"},
}


def rule_counts(con: duckdb.DuckDBPyConnection, table: Table, view: str, *, nulls: bool = True) -> dict[str, int]:
    """How many rows of `view` break each rule inside a row: `{"<column>/<rule>": rows}`; `nulls`: those rules too."""
    if not table.rules(nulls=nulls):
        return {}
    counts = con.sql(table.rule_counts_sql(view, nulls=nulls)).fetchall()[0]
    return dict(zip((name for name, _ in table.rules(nulls=nulls)), counts, strict=True))


def check_columns(table: Table, relation: duckdb.DuckDBPyRelation) -> None:
    """Compare names and types with the contract.

    Raises:
        ContractError: a column that is missing, unknown, or of a type that would have to be read differently.
    """
    missing, unknown = table.missing_from(relation.columns)
    problems = [f"lacks {', '.join(missing)}"] if missing else []
    if unknown:
        problems.append(f"has {', '.join(unknown)}, which the contract does not know")
    for name, kind in zip(relation.columns, (str(kind) for kind in relation.types), strict=True):
        column = table.by_name.get(name)
        expected = column.duckdb_type if column else kind
        simple = kind == expected or kind in _NARROWER.get(expected, ()) or kind.strip('"') in ("NULL", "NULL[]")
        if not simple and kind.replace('"', "") != expected.replace('"', ""):
            problems.append(f"has {name} as {kind}, not {expected}")
    if problems:
        raise ContractError(f"{table.name}: the data {'; '.join(problems)}. Nothing was published.")
