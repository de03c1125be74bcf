"""SQL assets: one file per table, its upstreams read out of it.

Here: finding and running the files of sql/, and the counts that belong to a table. Not here: any SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from itertools import takewhile
from pathlib import Path

import duckdb
import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.errors import ContractError, UncoveredDays
from sm_assets.storage import Lake, TableRef

SQL_ROOT = Path(__file__).parents[2] / "sql"
REQUESTED = "requested_days"
RUN_SETTINGS = "run_settings"
_TABLE_FOLDERS = ("staging", "core", "features", "outputs")


@cache
def table_files() -> Mapping[str, Path]:
    """SQL file of each table that has one, in a fixed order."""
    found = [path for folder in _TABLE_FOLDERS for path in sorted((SQL_ROOT / folder).rglob("*.sql"))]
    unknown = [path.name for path in found if path.stem not in TABLES]
    if unknown:
        raise ContractError(f"No contract for {', '.join(unknown)}; add the table to sm_assets/contracts/.")
    return {path.stem: path for path in found}


def input_file(table: str) -> Path:
    """SELECT whose rows an analysis turns into `table`."""
    return SQL_ROOT / "inputs" / f"{table}.sql"


def check_files() -> list[Path]:
    """SELECTs of broken rows, one per check, in folders named for their tables."""
    return sorted((SQL_ROOT / "checks").rglob("*.sql"))


def opening_line(path: Path) -> str:
    """The sentence that a SQL file opens with."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("--").strip() for line in takewhile(lambda text: text.startswith("--"), lines))


@cache
def upstreams(path: Path) -> tuple[str, ...]:
    """Tables that a SELECT reads, sorted.

    Raises:
        ContractError: it reads something that is no table.
    """
    names = duckdb.get_table_names(path.read_text(encoding="utf-8")) - {REQUESTED, RUN_SETTINGS}
    unknown = sorted(names - set(TABLES))
    if unknown:
        raise ContractError(f"{path.name} reads {', '.join(unknown)}, which no contract names.")
    return tuple(sorted(names))


def open_select(
    con: duckdb.DuckDBPyConnection, lake: Lake, path: Path, refs: Iterable[TableRef], days: Iterable[date]
) -> duckdb.DuckDBPyRelation:
    """The SELECT of `path` over the referenced partitions, not yet run; `requested_days` lists `days`."""
    for ref in refs:
        lake.register(con, ref)
    con.register(REQUESTED, pa.table({"day": pa.array(sorted(days), pa.date32())}))
    return con.sql(path.read_text(encoding="utf-8"))


def counts(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    """Rows by disposition from sql/counts/<table>.sql over the registered views; empty where there is no such file."""
    path = SQL_ROOT / "counts" / f"{table}.sql"
    if not path.exists():
        return {}
    found = dict(con.sql(path.read_text(encoding="utf-8")).fetchall())
    return {"rows_in": found.pop("rows_in"), **dict(sorted(found.items()))}


def days_with_input(table: str, refs: Iterable[TableRef], days: list[date]) -> list[date]:
    """Those of `days` on which at least one upstream has a partition, be it an empty one.

    A day without any is not a day without rows: nothing is published for it.

    Raises:
        UncoveredDays: no upstream has any of the days.
    """
    listed = list(refs)
    present = {day for ref in listed for day in ref.days}
    chosen = [day for day in days if day in present]
    if not chosen:
        named = ", ".join(ref.table for ref in listed)
        raise UncoveredDays(
            f"{table}: {named} have no partition on {days[0]} to {days[-1]}; materialise them first. Nothing was "
            "replaced."
        )
    return chosen
