"""The checks `up_to_date` and `fresh` of every table: which days are to be made again, and which are missing.

Here: what people are told, and what they may do. One step judges all tables that a run asks for. Not here: how it is
found out (`staleness`, `freshness`), the sensor that looks by itself (`stale_sensor`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

import dagster as dg

from sm_assets.contracts import TABLES
from sm_assets.defs.checking import Check
from sm_assets.defs.day_ranges import day_ranges
from sm_assets.defs.freshness import Coverage, Freshness
from sm_assets.defs.made_from import source_of
from sm_assets.defs.metadata import small_table
from sm_assets.defs.staleness import Standing, standings
from sm_assets.sources.pending import Waiting, waiting
from sm_assets.sources.taken import spans
from sm_assets.storage import Lake

UP_TO_DATE: Final = "up_to_date"
FRESH: Final = "fresh"
_SHOWN: Final = 10


def _checks(table: str) -> tuple[Check, Check]:
    return (
        Check(
            table=table,
            name=UP_TO_DATE,
            holds="Every published day was made of the rows, the landing files and by the code that there are now.",
            what_to_do="Materialise the days it names, together with the tables before it that are stale.",
            warns=True,
        ),
        Check(
            table=table,
            name=FRESH,
            holds="There is each day that landing files speak of up to yesterday; of snapshots, one of the last week.",
            what_to_do="Materialise the days it names.",
            warns=True,
        ),
    )


def day_checks(lake: Lake) -> list[dg.AssetChecksDefinition]:
    """Both checks of every table, over one lake; of all days, as a late file reaches days that no run asks for."""
    specs = [check.spec() for table in TABLES for check in _checks(table)]

    @dg.multi_asset_check(name="check_days", specs=specs, can_subset=True)
    def check_days(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        judged = judgements(lake)
        for key in sorted(context.selected_asset_check_keys):
            yield judged[key.asset_key.path[-1], key.name]

    return [check_days]


def judgements(lake: Lake, today: date | None = None) -> dict[tuple[str, str], dg.AssetCheckResult]:
    """What both checks find, by table and check; `today` (UTC) None: by the clock."""
    found = standings(lake)
    coverage = Coverage(lake, found, today)
    gone = waiting(lake, date.min, date.max)
    judged = {}
    for table, standing in found.items():
        up_to_date, fresh = _checks(table)
        told = _unknown(standing) | _stale(table, standing, found, gone)
        judged[table, UP_TO_DATE] = up_to_date.result(passed=not standing.stale, **told)
        told = _missing(coverage.freshness(table))
        judged[table, FRESH] = fresh.result(passed="materialise" not in told, **told)
    return judged


def _unknown(standing: Standing) -> dict[str, Any]:
    if not standing.unknown:
        return {}
    return {"unknown": f"{spans(standing.unknown)}: made before files said of what; taken as current"}


def _stale(table: str, standing: Standing, others: Mapping[str, Standing], gone: Waiting) -> dict[str, Any]:
    if not standing.stale:
        return {}
    by_reason: dict[str, list[date]] = defaultdict(list)
    for day, reasons in standing.stale.items():
        for reason in reasons:
            by_reason[reason].append(day)
    # A run over days whose files are gone fails until somebody decides: they are no days to materialise.
    sources = {source_of(table)} if TABLES[table].layer in ("raw", "stg") else set(gone.vanished)
    lost = replace(gone, vanished={name: files for name, files in gone.vanished.items() if name in sources})
    lost_days = lost.vanished_days & set(standing.stale) if TABLES[table].partition == "event" else set()
    days, first = ranges(set(standing.stale) - lost_days), _stale_before(table, others)
    before = f" of this table and of those before it that are stale, in one go: {_named(first)}" if first else ""
    told = [f"Materialise {days}{before}."] if days else []
    if lost_days:
        told += [f"{each}." for each in lost.vanished_in_words()]
    return {
        "what_to_do": " ".join(told),
        "materialise": days or "nothing until that is decided",
        "stale_days": len(standing.stale),
        "reasons": small_table(
            [{"why": why, "days": len(found), "which": spans(found)} for why, found in sorted(by_reason.items())]
        ),
    }


def _missing(found: Freshness) -> dict[str, Any]:
    if not found.missing:
        return {"told": found.told}
    days = ranges(found.missing)
    return {"what_to_do": f"{found.told}: materialise {days}.", "materialise": days, "missing_days": len(found.missing)}


def _stale_before(table: str, others: Mapping[str, Standing]) -> list[str]:
    """Stale tables that a table is made from, directly or through others, in the order of the chain."""
    seen: set[str] = set()
    waiting = [table]
    while waiting:
        for name in others[waiting.pop()].upstream:
            if name in others and name not in seen:
                seen.add(name)
                waiting.append(name)
    return [name for name in others if name in seen and name != table and others[name].stale]


def ranges(days: Iterable[date]) -> str:
    """Days as the launch dialog of the UI takes them: `[2024-03-13...2024-03-17], 2024-03-20`."""
    stretches = day_ranges(days, nearer_than=2)
    return ", ".join(str(first) if first == last else f"[{first}...{last}]" for first, last in stretches)


def _named(tables: list[str]) -> str:
    more = f" and {len(tables) - _SHOWN} more" if len(tables) > _SHOWN else ""
    return ", ".join(tables[:_SHOWN]) + more
