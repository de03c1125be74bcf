"""Words of SQL about files.

Here: literals, the SELECT over partition files, a SELECT over a relation. Not here: any SQL about rows.
"""

from __future__ import annotations

import duckdb

from sm_assets.contracts.schema import DAY


def literal(text: str) -> str:
    """Text inside single quotes."""
    return text.replace("'", "''")


def parquet_sql(paths: list[str] | str, *, day_from_folder: bool = True, by_name: bool = False) -> str:
    """SELECT over Parquet files, `day` taken from the folders' names or, else, from the files.

    `by_name`: columns that some files lack are null there; all files are looked into.
    """
    listed = [paths] if isinstance(paths, str) else paths
    files = ", ".join(f"'{literal(path)}'" for path in listed)
    hive = (
        f"hive_partitioning = true, hive_types = {{'{DAY}': date}}" if day_from_folder else "hive_partitioning = false"
    )
    union = ", union_by_name = true" if by_name else ""
    return f"select * from read_parquet([{files}], {hive}{union})"


def select(relation: duckdb.DuckDBPyRelation, name: str, sql: str) -> duckdb.DuckDBPyRelation:
    """Run a SELECT over a relation, which it calls `name`."""
    found = relation.query(name, sql)
    assert found is not None, "a SELECT always gives a relation"
    return found
