"""Checks that follow from the contracts: keys, nulls, values, references.

Here: what every table promises, looked at in what is published. Not here: what a contract is, and the checks of rows
before they are published (`storage.validation`).
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import duckdb

from sm_assets.contracts import Reference, Table
from sm_assets.contracts.schema import quoted
from sm_assets.defs.checking import Check, Group
from sm_assets.storage import Lake, keys_ascend, rule_counts

_SHOWN = 10
_CHANGED = (
    "Publishing refuses such rows, so a file was changed afterwards or is of an older version: materialise {} for the "
    "days of this run again, with all that follows."
)


def reference_name(reference: Reference) -> str:
    """Name of the check that follows a reference."""
    return f"{'_and_'.join(reference.columns)}_in_{reference.target}"


def contract_group(lake: Lake, table: Table) -> Group:
    """The checks of one table that its contract asks for; those of core block."""
    blocks = table.layer == "core"
    changed = _CHANGED.format(table.name)

    def check(name: str, holds: str, what_to_do: str = changed) -> Check:
        return Check(table=table.name, name=name, holds=holds, what_to_do=what_to_do, blocks=blocks)

    key = ", ".join(table.key)
    unique = (
        check(
            "key_unique",
            f"One row per {key} over all days.",
            f"The days listed here were made from different files: materialise {table.name} for all of them in one "
            "range again, with all that follows.",
        )
        if table.unique_over_days
        else check("key_unique", f"One row per {key} and day.")
    )
    not_null = check("not_null", "No nulls where the contract allows none.")
    allowed = check("values_allowed", "Only the values and bounds that the contract states.")
    has_values = any(name.endswith("/allowed") for name, _ in table.rules())
    references = {
        reference: check(
            reference_name(reference),
            f"({', '.join(reference.columns)}) is found in {reference.target}.",
            f"The two tables were made from different files: materialise {reference.target} and {table.name} together "
            "for the days of this run again, with all that follows.",
        )
        for reference in table.references
    }

    def judge(days: list[date] | None) -> Iterator[dg.AssetCheckResult]:
        with lake.connect() as con:
            lake.register(con, lake.ref(table.name, days))
            rules = rule_counts(con, table, quoted(table.name))
            yield unique.counted(duplicates(con, lake, table, days))
            yield not_null.counted({name: rows for name, rows in rules.items() if name.endswith("/not_null")})
            if has_values:
                yield allowed.counted({name: rows for name, rows in rules.items() if name.endswith("/allowed")})
            for reference, found in references.items():
                yield found.counted(_orphans(con, lake, table, reference, days))

    return Group((unique, not_null, *((allowed,) if has_values else ()), *references.values()), judge)


def duplicates(con: duckdb.DuckDBPyConnection, lake: Lake, table: Table, days: list[date] | None) -> dict[str, int]:
    """Keys that occur more than once, and the days on which they lie where that is more than one."""
    # Files are written in the order of their keys: looking at it costs a tenth of grouping.
    if not table.unique_over_days and keys_ascend(lake, table.name, lake.ref(table.name, days).days):
        return {"keys": 0}
    view = table.name
    if table.unique_over_days:
        view = "all_days"
        lake.register(con, lake.ref(table.name), view)
    found = con.sql(table.duplicates_sql(quoted(view), over_days=table.unique_over_days)).fetchall()[0][0]
    if not found or not table.unique_over_days:
        return {"keys": found}
    # Days that were made in another order than their files tell: made again together they agree.
    rows = con.sql(table.duplicate_days_sql(quoted(view))).fetchall()
    return {"keys": found} | {f"rows on {day}, to be materialised again": count for day, count in rows[:_SHOWN]}


def _orphans(
    con: duckdb.DuckDBPyConnection, lake: Lake, table: Table, reference: Reference, days: list[date] | None
) -> dict[str, int]:
    lake.register(con, lake.ref(reference.target, days if reference.scope == "day" else None), "target")
    pairs = list(zip(reference.columns, reference.target_columns, strict=True))
    on = [f"t.{quoted(left)} = r.{quoted(right)}" for left, right in pairs]
    if reference.scope == "day":
        on.append("t.day = r.day")
    filled = " and ".join(f"t.{quoted(name)} is not null" for name in reference.columns)
    lost = con.sql(
        f"select count(*) from {quoted(table.name)} as t where {filled} "
        f"and not exists (select 1 from target as r where {' and '.join(on)})"
    )
    return {f"rows without their {reference.target}": lost.fetchall()[0][0]}
