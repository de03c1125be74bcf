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
from sm_assets.defs.day_checks import ranges
from sm_assets.defs.metadata import counts_table
from sm_assets.storage import Lake, keys_ascend, rule_counts

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
            f"One row per {key} over all days; rows of the days of a run that other days hold too are a warning.",
            f"The days of this run hold a row twice among themselves: materialise {table.name} for all of them in one "
            "range again, with all that follows; where that does not help, report it.",
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
            yield _uniqueness(con, lake, table, days, unique)
            yield not_null.counted({name: rows for name, rows in rules.items() if name.endswith("/not_null")})
            if has_values:
                yield allowed.counted({name: rows for name, rows in rules.items() if name.endswith("/allowed")})
            for reference, found in references.items():
                yield found.counted(_orphans(con, lake, table, reference, days))

    return Group((unique, not_null, *((allowed,) if has_values else ()), *references.values()), judge)


def _uniqueness(
    con: duckdb.DuckDBPyConnection, lake: Lake, table: Table, days: list[date] | None, check: Check
) -> dg.AssetCheckResult:
    within, across = duplicates(con, lake, table, days)
    if within or not across:
        own = {f"rows on {day}": rows for day, rows in across.items() if days is None or day in days}
        return check.counted({"keys": within} | own)
    # Runs over single days leave such rows where a record came again later: no mistake of this run.
    again = ranges(across)
    return check.warning(
        f"Rows of {table.name} lie on several days, as the days were made one after the other from more and more "
        f"files: materialise {again} of {table.name} again, in one range where that is possible, with all that "
        "follows. Nothing was held back.",
        materialise=again,
        broken=counts_table({f"rows on {day}": rows for day, rows in across.items()}),
    )


def duplicates(
    con: duckdb.DuckDBPyConnection, lake: Lake, table: Table, days: list[date] | None
) -> tuple[int, dict[date, int]]:
    """Keys that the days of a run hold more than once among themselves, and rows by day of keys that several days hold.

    `days` None: all, which are not of one run: keys that a single day holds more than once.
    """
    # Files are written in the order of their keys: looking at it costs a tenth of grouping.
    if not table.unique_over_days and keys_ascend(lake, table.name, lake.ref(table.name, days).days):
        return 0, {}
    lake.register(con, lake.ref(table.name, days))
    is_one_run = table.unique_over_days and days is not None
    within = con.sql(table.duplicates_sql(quoted(table.name), over_days=is_one_run)).fetchall()[0][0]
    if not table.unique_over_days:
        return within, {}
    lake.register(con, lake.ref(table.name), "all_days")
    # First without the days, which cost more than the question whether there are any.
    if not con.sql(table.duplicates_sql("all_days", over_days=True)).fetchall()[0][0]:
        return within, {}
    return within, dict(con.sql(table.duplicate_days_sql("all_days")).fetchall())


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
