"""Checks of landing files: what was read, rejected, assumed; and that every raw row goes on into staging.

Here: judging the manifests that conversions left. Not here: reading files (`sm_assets.sources`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg

from sm_assets.analysis.usual import judged_rejects
from sm_assets.contracts import TABLES
from sm_assets.contracts.raw import POSITION
from sm_assets.defs.checking import Check, Group, one_step
from sm_assets.defs.usual_checks import NOT_OVER, over, told
from sm_assets.sources import SOURCES
from sm_assets.sources.intake import manifests
from sm_assets.storage import Lake

_MANY = (
    "Read reason, file, line and excerpt in the view {rejects} of catalog.duckdb: a changed form rejects all rows for "
    "one reason, a file that was cut in copying ends inside a record, a quote that nothing closes takes its row along. "
    "Say in a sidecar beside the file what it cannot say itself (docs/platforms.md), or export or copy it again, and "
    "materialise {again}."
)
_AGAIN = "its days again from {raw} on (in the field above the graph: key:{raw}+)"
# One row is lost by its form, and who knows how many with it: what is left of a file that was cut looks like this.
_CUT = frozenset(
    {"unterminated_quote", "unterminated_last_line", "truncated_record", "truncated_stream", "truncated_array"}
)


def landing_checks(lake: Lake, name: str) -> dg.AssetChecksDefinition:
    """The checks of one source's files."""
    source = SOURCES[name]
    raw, rejects, share = source.raw_tables[0], source.rejects_table, lake.settings.max_reject_share
    again = _AGAIN.format(raw=raw)
    many = _MANY.format(rejects=rejects, again=again)
    unknown = Check(
        table=raw,
        name="no_unknown_files",
        holds="Every landing file could be read.",
        what_to_do="The line of each file says what was found and expected: mend the file, explain it in a sidecar or "
        f"take it out of landing/{name}/, and materialise {again}; all other files were taken in.",
    )
    reconcile = Check(
        table=raw,
        name="rows_reconcile",
        holds="Rows in = accepted + rejected + ignored.",
        what_to_do=f"What was kept of these files is damaged: delete their folders below lake/_ingest/ and materialise "
        f"{raw} again, which converts them anew.",
    )
    few = Check(
        table=rejects,
        name="few_rejects",
        holds=f"At most {share:.2%} of each file's rows are rejected; no file breaks off inside a record or has a "
        "quote that nothing closes, however few rows that costs.",
        what_to_do=many,
        warns=True,
    )
    usual = Check(
        table=rejects,
        name="rejects_as_usual",
        holds="The rejected share of each day is at most four times the median of up to 28 days before (shares below "
        f"{share / 4:.3%} are never too many); without such days it is at most {share:.2%}. {NOT_OVER}",
        what_to_do=many,
        warns=True,
    )
    assumed = Check(
        table=raw,
        name="nothing_assumed",
        holds="Zones of times and directions of follows are delivered or stated, not assumed.",
        what_to_do="State `zone` or `direction` in a sidecar beside the files named here (for zones of all files: "
        f"SM_ASSETS_ZONE), and materialise {raw} again.",
        warns=True,
    )

    def judge(days: list[date] | None) -> Iterator[dg.AssetCheckResult]:
        state = lake.read_json("lake", "_ingest", f"{name}.json") or {"unknown": {}, "unusable": {}}
        aside = state["unknown"] | state["unusable"]
        named = dg.MetadataValue.md("\n".join(f"- `{path}`: {why}" for path, why in aside.items()) or "none")
        yield unknown.result(passed=not aside, files=named)
        found = manifests(lake, name)
        yield reconcile.counted({_kept(path, manifest): _gap(manifest) for path, manifest in found.items()})
        yield few.counted({path: sum(made["rejected"].values()) for path, made in found.items() if _many(made, share)})
        parts = _rejects_by_day(found.values())
        chosen, begun = over(parts if days is None else [day for day in days if day in parts])
        yield told(usual, [judged_rejects(day, parts, share) for day in chosen], "rejected", begun)
        yield assumed.counted(
            {
                f"{path}: {fact}": manifest["rows_out"]
                for path, manifest in found.items()
                for fact in ("zone", "direction")
                if manifest.get(f"{fact}_origin") == "assumed"
            }
        )

    return one_step(f"check_landing_{name}", [Group((unknown, reconcile, few, usual, assumed), judge)], can_subset=True)


def _many(manifest: dict[str, Any], share: float) -> bool:
    rejected = manifest["rejected"]
    return sum(rejected.values()) > share * manifest["rows_in"] or not _CUT.isdisjoint(rejected)


def _kept(path: str, manifest: Mapping[str, Any]) -> str:
    return f"{path} (lake/_ingest/{manifest.get('sha256', '')})"


def _gap(manifest: Mapping[str, Any]) -> int:
    accounted = manifest["rows_out"] + sum(manifest["rejected"].values()) + sum(manifest["ignored"].values())
    return abs(int(manifest["rows_in"]) - int(accounted))


def _rejects_by_day(found: Any) -> dict[date, tuple[int, int]]:
    """(rejected rows, accepted and rejected rows) of all files by day."""
    rejected, rows = Counter[str](), Counter[str]()
    for manifest in found:
        rejected.update(manifest["rejects_by_day"])
        for accepted in manifest["rows_by_day"].values():
            rows.update(accepted)
    return {date.fromisoformat(day): (rejected[day], rows[day] + rejected[day]) for day in {*rows, *rejected}}


def staging_checks(lake: Lake, name: str) -> dg.AssetChecksDefinition:
    """Every raw row of a source feeds at least one staged entity."""
    source = SOURCES[name]
    staged = tuple(table for table in TABLES if table.startswith(f"stg_{name}__") and "__post_" not in table)
    checks = {
        table: Check(
            table=table,
            name="every_row_is_staged",
            holds="Every row feeds at least one staged entity.",
            what_to_do=f"Raw and staging are of different runs: materialise {table} and the stg_{name} tables together "
            "for the days of this run again; where that does not help, report the kinds of rows that are lost.",
            reads=staged,
        )
        for table in source.raw_tables
    }

    def judge(days: list[date] | None) -> Iterator[dg.AssetCheckResult]:
        with lake.connect() as con:
            position = ", ".join(POSITION)
            for table in staged:
                lake.register(con, lake.ref(table, days))
            fed = " union all ".join(f"select {position} from {table}" for table in staged)
            for table, check in checks.items():
                lake.register(con, lake.ref(table, days))
                on = " and ".join(f"r.{name} = fed.{name}" for name in POSITION)
                lost = con.sql(f"select count(*) from {table} as r anti join ({fed}) as fed on {on}").fetchall()[0][0]
                yield check.counted({"rows that feed nothing": lost})

    return one_step(f"check_staging_{name}", [Group(tuple(checks.values()), judge)], can_subset=True)
