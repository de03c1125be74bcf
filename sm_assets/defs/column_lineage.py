"""Column lineage of SQL tables as the UI draws it.

Here: what sql/column_lineage.json says, in Dagster's words. Not here: how it is read out of the SQL
(`lineage_from_sql`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import dagster as dg

from sm_assets.defs.sql import SQL_ROOT

FILE = SQL_ROOT / "column_lineage.json"


@cache
def stored() -> Mapping[str, Mapping[str, list[str]]]:
    """By table and column: the columns `table.column` that its values come from; empty where they come from none."""
    found: dict[str, dict[str, list[str]]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def column_lineage(table: str) -> dg.TableColumnLineage | None:
    """From which columns of which assets the columns of a table come; None: it is not made by one SELECT."""
    if table not in stored():
        return None
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(asset_key=dg.AssetKey(source), column_name=name)
                for source, name in (origin.split(".", 1) for origin in origins)
            ]
            for column, origins in stored()[table].items()
        }
    )
