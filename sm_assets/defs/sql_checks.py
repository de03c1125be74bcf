"""Checks that are SELECTs of broken rows: every file sql/checks/<table>/<check>.sql.

The comment that a file opens with says what holds and, after `; else`, what to do where it does not.

Here: running them, and which of them warn or block. Not here: any SQL.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Final

import dagster as dg
import pyarrow as pa

from sm_assets.contracts import TABLES, Table
from sm_assets.contracts.schema import DAY
from sm_assets.defs.checking import Check, Group
from sm_assets.defs.sql import RUN_SETTINGS, check_files, open_select, opening_line, upstreams
from sm_assets.sources.intake import manifests
from sm_assets.storage import Lake

_SHOWN = 10
_ELSE = "; else "
_WITHDRAWN: Final = "no_withdrawn_"
_FACTS: Final = ("table_name", "source_file")
_WORDS: Final = ("ngram", "tag", "topic", "scope")
_BLOCKING: Final = {"sums_close", "no_withdrawn_members"}
_WARNING: Final = {"direction_suspect", "few_pending_withdrawals"}


def checked_tables() -> list[str]:
    """Tables with checks that do not block: a step of their own, as they may read what is made from the table."""
    return sorted({path.parent.name for path in check_files() if path.stem not in _BLOCKING})


def blocking_group(lake: Lake, table: Table) -> Group:
    """Checks that block; they read nothing that is made from the table, or it would wait for itself."""
    return _group(lake, table, lambda path: path.stem in _BLOCKING)


def together_group(lake: Lake, table: Table) -> Group:
    """All other checks of the table."""
    return _group(lake, table, lambda path: path.stem not in _BLOCKING)


def _group(lake: Lake, table: Table, chosen: Callable[[Path], bool]) -> Group:
    paths = {_check(table, path): path for path in check_files() if path.parent.name == table.name and chosen(path)}

    def judge(days: list[date] | None) -> Iterator[dg.AssetCheckResult]:
        if not paths:
            return
        with lake.connect() as con:
            con.register(RUN_SETTINGS, _run_settings(lake))
            for check, path in paths.items():
                # A snapshot looks back beyond the days of its run.
                refs = [
                    lake.ref(other, days if TABLES[other].partition == table.partition else None)
                    for other in upstreams(path)
                ]
                asked = lake.days(table.name) if days is None else days
                yield _broken_rows(check, open_select(con, lake, path, refs, asked).to_arrow_table())

    return Group(tuple(paths), judge)


def _check(table: Table, path: Path) -> Check:
    line = opening_line(path)
    holds, _, advice = line.partition(_ELSE)
    reads = upstreams(path)
    others = [name for name in reads if name != table.name]
    together = f"{table.name} together with {', '.join(others)}" if others else table.name
    return Check(
        table=table.name,
        name=path.stem,
        holds=holds.rstrip(".") + ".",
        what_to_do=f"{advice[0].upper()}{advice[1:]}"
        if advice
        else f"The tables are of different runs or were changed: materialise {together} for the days found here again; "
        f"where that does not help, report it with the rows of `first`.",
        warns=path.stem in _WARNING,
        blocks=path.stem in _BLOCKING,
        reads=reads,
    )


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


def _broken_rows(check: Check, broken: pa.Table) -> dg.AssetCheckResult:
    """How many rows a check found, and the first of them; of what was withdrawn only how much lies on which day."""
    if not len(broken):
        return check.counted({})
    shown = _by_day(broken) if check.name.startswith(_WITHDRAWN) else _told(check, broken)
    examples = dg.MetadataValue.table([dg.TableRecord(row) for row in shown])
    return check.counted({"rows": len(broken)}, first=examples)


def _told(check: Check, broken: pa.Table) -> list[dict[str, str]]:
    """The first rows, without the words of people: no purge reaches what Dagster keeps of a run."""
    names = [
        field.name
        for field in broken.schema
        if field.name not in _WORDS
        and (field.name in {*TABLES[check.table].full_key, *_FACTS} or not _is_text(field.type))
    ]
    return [{name: str(row[name]) for name in names} for row in broken.slice(0, _SHOWN).to_pylist()]


def _is_text(kind: pa.DataType) -> bool:
    # What is nested may hold text.
    return not (pa.types.is_primitive(kind) or pa.types.is_decimal(kind))


def _by_day(broken: pa.Table) -> list[dict[str, str]]:
    names = [name for name in ("table_name", DAY) if name in broken.column_names]
    rows = Counter(tuple(str(row[name]) for name in names) for row in broken.select(names).to_pylist())
    return [dict(zip(names, place, strict=True)) | {"rows": str(n)} for place, n in sorted(rows.items())]
