"""Asset checks: generated from the contracts, and those that hold several tables together.

Here: what is checked on published tables. Storage has checked key, nulls and values of each partition before it was
published; these checks show it in the UI, look over all days, and follow references. Not here: what a contract is.
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import duckdb
import pyarrow as pa

from sm_assets.contracts import TABLES, Reference, Table
from sm_assets.contracts.raw import POSITION
from sm_assets.contracts.schema import quoted
from sm_assets.defs.attribute_checks import stale_check
from sm_assets.defs.cluster_analyses import membership_tables
from sm_assets.defs.cluster_sources import IDS, LINKS, cluster_sources, stale_days
from sm_assets.defs.clustering_record import PERSONAS, clustering_records
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import RUN_SETTINGS, check_files, open_select, opening_line, upstreams
from sm_assets.sources import SOURCES
from sm_assets.sources.intake import manifests
from sm_assets.storage import Lake, keys_ascend, rule_counts

_SHOWN = 10
_BLOCKING = {"sums_close"}
_WARNING = {"direction_suspect", "few_pending_withdrawals"}


def all_checks(lake: Lake) -> list[dg.AssetChecksDefinition]:
    """Every check over one lake."""
    return [
        *(_contract_checks(lake, table) for table in TABLES.values()),
        *(_landing_checks(lake, name) for name in SOURCES),
        *(_staging_checks(lake, name) for name in SOURCES),
        *(_sql_checks(lake, table) for table in sorted({path.parent.name for path in check_files()})),
        _cluster_check(lake),
        _persona_sizes_check(lake),
        stale_check(lake),
    ]


def run_days(context: dg.AssetCheckExecutionContext) -> list[date] | None:
    """Days of the run that the check belongs to; None: all."""
    tags = context.run.tags
    first = tags.get("dagster/asset_partition_range_start", tags.get("dagster/partition"))
    last = tags.get("dagster/asset_partition_range_end", first)
    if first is None or last is None:
        return None
    start, end = partition_days([first, last])
    return [date.fromordinal(n) for n in range(start.toordinal(), end.toordinal() + 1)]


# -------------------------------------------------------------------- contracts


def reference_name(reference: Reference) -> str:
    """Name of the check that follows a reference."""
    return f"{'_and_'.join(reference.columns)}_in_{reference.target}"


def _contract_checks(lake: Lake, table: Table) -> dg.AssetChecksDefinition:
    values = any(name.endswith("/allowed") for name, _ in table.rules())
    named = {
        "key_unique": f"One row per {', '.join(table.key)}"
        + (" over all days." if table.unique_over_days else " and day."),
        "not_null": "No nulls where the contract allows none.",
        **({"values_allowed": "Only the values and bounds that the contract states."} if values else {}),
        **{reference_name(r): f"({', '.join(r.columns)}) is found in {r.target}." for r in table.references},
    }
    specs = [dg.AssetCheckSpec(name, asset=table.name, description=text) for name, text in named.items()]

    @dg.multi_asset_check(name=f"check_{table.name}", specs=specs)
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        days = run_days(context)
        with lake.connect() as con:
            lake.register(con, lake.ref(table.name, days))
            rules = rule_counts(con, table, quoted(table.name))
            yield _result(table, "key_unique", _duplicates(con, lake, table, days))
            yield _result(table, "not_null", {n: c for n, c in rules.items() if n.endswith("/not_null")})
            if values:
                yield _result(table, "values_allowed", {n: c for n, c in rules.items() if n.endswith("/allowed")})
            for reference in table.references:
                yield _result(table, reference_name(reference), _orphans(con, lake, table, reference, days))

    return check


def _result(table: Table, name: str, broken: dict[str, int]) -> dg.AssetCheckResult:
    found = {what: rows for what, rows in broken.items() if rows}
    return dg.AssetCheckResult(
        asset_key=table.name,
        check_name=name,
        passed=not found,
        metadata={"broken": counts_table(found)} if found else {},
    )


def _duplicates(con: duckdb.DuckDBPyConnection, lake: Lake, table: Table, days: list[date] | None) -> dict[str, int]:
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


# ---------------------------------------------------------------------- landing


def _landing_checks(lake: Lake, name: str) -> dg.AssetChecksDefinition:
    source = SOURCES[name]
    share = lake.settings.max_reject_share
    specs = [
        dg.AssetCheckSpec(
            "no_unknown_files", asset=source.raw_tables[0], description="Every landing file could be read."
        ),
        dg.AssetCheckSpec(
            "rows_reconcile", asset=source.raw_tables[0], description="Rows in = accepted + rejected + ignored."
        ),
        dg.AssetCheckSpec(
            "few_rejects",
            asset=source.rejects_table,
            description=f"At most {share:.2%} of each file's rows are rejected.",
        ),
        dg.AssetCheckSpec(
            "nothing_assumed",
            asset=source.raw_tables[0],
            description="Zones of times and directions of follows are delivered or stated, not assumed.",
        ),
    ]

    @dg.multi_asset_check(name=f"check_landing_{name}", specs=specs, can_subset=True)
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        results = {(result.asset_key, result.check_name): result for result in judged()}
        for key in context.selected_asset_check_keys:
            yield results[key.asset_key, key.name]

    def judged() -> Iterator[dg.AssetCheckResult]:
        state = lake.read_json("lake", "_ingest", f"{name}.json") or {"unknown": {}, "unusable": {}, "files": {}}
        aside = state["unknown"] | state["unusable"]
        named = dg.MetadataValue.md("\n".join(f"- `{path}`: {why}" for path, why in aside.items()) or "none")
        yield dg.AssetCheckResult(
            asset_key=source.raw_tables[0], check_name="no_unknown_files", passed=not aside, metadata={"files": named}
        )
        open_sums, many, assumed = {}, {}, {}
        for path, manifest in manifests(lake, name).items():
            rejected = sum(manifest["rejected"].values())
            gap = manifest["rows_in"] - manifest["rows_out"] - rejected - sum(manifest["ignored"].values())
            open_sums[path] = abs(gap)
            for fact in ("zone", "direction"):
                assumed[f"{path}: {fact}"] = manifest["rows_out"] if manifest.get(f"{fact}_origin") == "assumed" else 0
            many[path] = rejected if rejected > share * manifest["rows_in"] else 0
        yield _result(TABLES[source.raw_tables[0]], "rows_reconcile", open_sums)
        result = _result(TABLES[source.rejects_table], "few_rejects", many)
        yield result._replace(severity=dg.AssetCheckSeverity.WARN)
        result = _result(TABLES[source.raw_tables[0]], "nothing_assumed", assumed)
        yield result._replace(severity=dg.AssetCheckSeverity.WARN)

    return check


def _staging_checks(lake: Lake, name: str) -> dg.AssetChecksDefinition:
    """Every raw row feeds at least one staged entity."""
    source = SOURCES[name]
    staged = [table for table in TABLES if table.startswith(f"stg_{name}__") and "__post_" not in table]
    specs = [
        dg.AssetCheckSpec(
            "every_row_is_staged",
            asset=table,
            description="Every row feeds at least one staged entity.",
            additional_deps=staged,
        )
        for table in source.raw_tables
    ]

    @dg.multi_asset_check(name=f"check_staging_{name}", specs=specs, can_subset=True)
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        days = run_days(context)
        with lake.connect() as con:
            position = ", ".join(POSITION)
            for table in staged:
                lake.register(con, lake.ref(table, days))
            fed = " union all ".join(f"select {position} from {table}" for table in staged)
            chosen = {key.asset_key.path[-1] for key in context.selected_asset_check_keys}
            for table in (name for name in source.raw_tables if name in chosen):
                lake.register(con, lake.ref(table, days))
                on = " and ".join(f"r.{name} = fed.{name}" for name in POSITION)
                lost = con.sql(f"select count(*) from {table} as r anti join ({fed}) as fed on {on}").fetchall()[0][0]
                yield _result(TABLES[table], "every_row_is_staged", {"rows that feed nothing": lost})

    return check


# --------------------------------------------------------------------- clusters


def _cluster_check(lake: Lake) -> dg.AssetChecksDefinition:
    """What files say of themselves, which no SELECT can read; of all days, as one day made again changes others."""

    @dg.asset_check(
        asset=LINKS,
        name="links_are_current",
        description="Links and names of every day were made from the snapshots that are there now.",
        additional_deps=[IDS, *membership_tables()],
    )
    def check() -> dg.AssetCheckResult:
        with lake.connect() as con:
            days = stale_days(lake, cluster_sources(lake, con))
        result = _result(TABLES[LINKS], "links_are_current", {f"{day}, to be materialised again": 1 for day in days})
        return result._replace(severity=dg.AssetCheckSeverity.WARN)

    return check


# --------------------------------------------------------------------- personas


def _persona_sizes_check(lake: Lake) -> dg.AssetChecksDefinition:
    """How personas were made stands beside the rows, where no SELECT can read it."""

    @dg.asset_check(
        asset=PERSONAS,
        name="sizes_as_promised",
        description="Personas of the method constrained have at least size_min members.",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        small = {}
        with lake.connect() as con:
            for day in lake.ref(PERSONAS, run_days(context)).days:
                record = clustering_records(lake, PERSONAS, day).get("personas")
                if record is None or record.parameters.get("method") != "constrained":
                    continue
                rows = lake.register(con, lake.ref(PERSONAS, [day])).filter("persona_id is not null")
                for number, n in rows.aggregate("persona_id, count(*)").order("persona_id").fetchall():
                    if n < record.parameters["size_min"]:
                        small[f"members of persona {number} on {day}"] = n
        return _result(TABLES[PERSONAS], "sizes_as_promised", small)

    return check


# -------------------------------------------------------------------------- SQL


def _sql_checks(lake: Lake, name: str) -> dg.AssetChecksDefinition:
    """Every file sql/checks/<table>/<check>.sql: it selects broken rows, and its first line says what holds."""
    table = TABLES[name]
    paths = [path for path in check_files() if path.parent.name == name]
    specs = [
        dg.AssetCheckSpec(
            path.stem,
            asset=name,
            description=opening_line(path),
            additional_deps=others,
            blocking=path.stem in _BLOCKING,
        )
        for path, others in ((path, sorted({*upstreams(path)} - {name})) for path in paths)
    ]

    @dg.multi_asset_check(name=f"check_together_{name}", specs=specs)
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        days = run_days(context)
        with lake.connect() as con:
            con.register(RUN_SETTINGS, _run_settings(lake))
            for path in paths:
                # A snapshot looks back beyond the days of its run.
                refs = [
                    lake.ref(other, days if TABLES[other].partition == table.partition else None)
                    for other in upstreams(path)
                ]
                broken = open_select(con, lake, path, refs, days or []).to_arrow_table()
                yield _broken_rows(table, path.stem, broken)

    return check


def _run_settings(lake: Lake) -> pa.Table:
    """What checks may ask of the run beside the tables."""
    assumed = [
        path for path, manifest in manifests(lake, "edges").items() if manifest.get("direction_origin") == "assumed"
    ]
    return pa.table(
        {
            "window_days": pa.array([lake.settings.window_days], pa.int32()),
            "files_of_assumed_direction": pa.array([assumed], pa.list_(pa.string())),
        }
    )


def _broken_rows(table: Table, name: str, broken: pa.Table) -> dg.AssetCheckResult:
    """How many rows a check found, and the first of them."""
    result = _result(table, name, {"rows": len(broken)})
    if name in _WARNING:
        result = result._replace(severity=dg.AssetCheckSeverity.WARN)
    if not len(broken):
        return result
    shown = [{key: str(value) for key, value in row.items()} for row in broken.slice(0, _SHOWN).to_pylist()]
    examples = dg.MetadataValue.table([dg.TableRecord(row) for row in shown])
    return result._replace(metadata={**result.metadata, "first": examples})
