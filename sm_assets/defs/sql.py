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
from sm_assets.defs import sql_names
from sm_assets.errors import ContractError, UncoveredDays
from sm_assets.storage import Lake, TableRef

SQL_ROOT = sql_names.SQL_ROOT
REQUESTED = "requested_days"
RUN_SETTINGS = "run_settings"
TEXT_RULES = "text_rules"
WANTED_POSTS = "wanted_posts"
HASHTAG_RULES = "hashtag_rules"
SUGGESTION_FORMS = "suggestion_forms"
JUDGED = "judged"
ALL_DAYS = "__all_days"
_JUDGED_COUNTS = f"""
    select disposition, count(*) from {JUDGED} where day in (select day from {REQUESTED}) group by disposition
"""
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


@cache
def check_files() -> tuple[Path, ...]:
    """SELECTs of broken rows, one per check, in folders named for their tables."""
    return tuple(sorted((SQL_ROOT / "checks").rglob("*.sql")))


def opening_line(path: Path) -> str:
    """The sentence that a SQL file opens with."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("--").strip() for line in takewhile(lambda text: text.startswith("--"), lines))


def judgement_file(table: str) -> Path | None:
    """SELECT that says of each staged row what becomes of it in `table`; None where no row loses."""
    path = SQL_ROOT / "judgements" / f"{table}.sql"
    return path if path.exists() else None


@cache
def named_in(path: Path) -> frozenset[str]:
    """What a SELECT reads, by the names it uses: tables, tables with `__all_days`, shared SELECTs, `judged`.

    Raises:
        ContractError: it reads something that is none of these.
    """
    registered = {REQUESTED, RUN_SETTINGS, TEXT_RULES, WANTED_POSTS, HASHTAG_RULES, SUGGESTION_FORMS, JUDGED}
    names = sql_names.relation_names(path) - registered
    shared = {name for name in names if _shared_file(name).exists()}
    unknown = sorted(name for name in names - shared if name.removesuffix(ALL_DAYS) not in TABLES)
    if unknown:
        raise ContractError(f"{path.name} reads {', '.join(unknown)}, which no contract names.")
    return names


def _shared_file(name: str) -> Path:
    return SQL_ROOT / "shared" / f"{name}.sql"


@cache
def shared_files(path: Path) -> tuple[Path, ...]:
    """The shared SELECTs that a SELECT reads, directly or through others, sorted."""
    direct = [_shared_file(name) for name in named_in(path) if _shared_file(name).exists()]
    return tuple(sorted({*direct, *(inner for each in direct for inner in shared_files(each))}))


@cache
def reads(path: Path) -> frozenset[str]:
    """Tables that a SELECT reads, directly or through shared SELECTs; with `__all_days` where it reads all days."""
    names = named_in(path)
    shared = {name for name in names if _shared_file(name).exists()}
    return frozenset(names - shared).union(*(reads(_shared_file(name)) for name in shared))


def upstreams(path: Path) -> tuple[str, ...]:
    """Tables that a SELECT reads, sorted."""
    return tuple(sorted({name.removesuffix(ALL_DAYS) for name in reads(path)}))


def table_reads(table: str) -> frozenset[str]:
    """What the SELECT of a table and its judgement read."""
    judgement = judgement_file(table)
    return reads(table_files()[table]).union(reads(judgement) if judgement else ())


def table_upstreams(table: str) -> tuple[str, ...]:
    """Tables that the SELECT of a table and its judgement read, sorted."""
    return tuple(sorted({name.removesuffix(ALL_DAYS) for name in table_reads(table)}))


def open_select(
    con: duckdb.DuckDBPyConnection, lake: Lake, path: Path, refs: Iterable[TableRef], days: Iterable[date]
) -> duckdb.DuckDBPyRelation:
    """The SELECT of `path` over the referenced partitions, not yet run; `requested_days` lists `days`."""
    prepare(con, lake, path, refs, days)
    return con.sql(path.read_text(encoding="utf-8"))


def prepare(
    con: duckdb.DuckDBPyConnection, lake: Lake, path: Path, refs: Iterable[TableRef], days: Iterable[date]
) -> None:
    """Make all that a SELECT reads: views over the days of the references and over all days, shared SELECTs."""
    for ref in refs:
        lake.register(con, ref)
    for name in reads(path):
        if name.endswith(ALL_DAYS):
            lake.register(con, lake.ref(name.removesuffix(ALL_DAYS)), name)
    con.register(REQUESTED, pa.table({"day": pa.array(sorted(days), pa.date32())}))
    prepare_shared(con, path)


def prepare_shared(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Make the shared SELECTs that a SELECT reads, as views over whatever is registered."""
    for name in sorted(named_in(path)):
        shared = _shared_file(name)
        if shared.exists():
            prepare_shared(con, shared)
            con.execute(f"create or replace temp view {name} as {shared.read_text(encoding='utf-8')}")


def judged_tables() -> tuple[str, ...]:
    """Tables that have a judgement."""
    return tuple(sorted(path.stem for path in (SQL_ROOT / "judgements").glob("*.sql")))


def judge(
    con: duckdb.DuckDBPyConnection, lake: Lake, table: str, refs: Iterable[TableRef], days: Iterable[date]
) -> None:
    """Make the judgement of a table, `judged`: what becomes of each staged row."""
    judgement = judgement_file(table)
    assert judgement is not None, f"{table} has no judgement"
    prepare(con, lake, judgement, refs, days)
    con.execute(f"create or replace temp table {JUDGED} as {judgement.read_text(encoding='utf-8')}")


def judged_by_day_and_file(
    con: duckdb.DuckDBPyConnection, lake: Lake, table: str, refs: Iterable[TableRef], days: Iterable[date]
) -> list[tuple[date, str, str, int]]:
    """(day, file, disposition, rows) of the staged rows of `days`."""
    judge(con, lake, table, refs, days)
    return con.sql(
        f"select day, source_file, disposition, count(*) from {JUDGED} where day in (select day from {REQUESTED}) "
        "group by all order by all"
    ).fetchall()


def open_table(
    con: duckdb.DuckDBPyConnection, lake: Lake, table: str, refs: Iterable[TableRef], days: Iterable[date]
) -> duckdb.DuckDBPyRelation:
    """The SELECT of a table, not yet run; its judgement, if it has one, is made on the way."""
    listed, asked = list(refs), list(days)
    if judgement_file(table):
        judge(con, lake, table, listed, asked)
    return open_select(con, lake, table_files()[table], listed, asked)


def counts(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    """Rows by disposition over the registered views: from the judgement, else from sql/counts/<table>.sql.

    Empty where there is neither.
    """
    path = SQL_ROOT / "counts" / f"{table}.sql"
    if judgement_file(table):
        judged = dict(con.sql(_JUDGED_COUNTS).fetchall())
        lost = {entry: rows for entry, rows in judged.items() if entry != "out"}
        return {"rows_in": sum(judged.values()), **dict(sorted(lost.items()))}
    if not path.exists():
        return {}
    found = dict(con.sql(path.read_text(encoding="utf-8")).fetchall())
    return {"rows_in": found.pop("rows_in"), **dict(sorted(found.items()))}


def days_with_input(table: str, refs: Iterable[TableRef], days: list[date], *, required: bool = False) -> list[date]:
    """Those of `days` on which at least one upstream has a partition, be it an empty one.

    A day without any is not a day without rows: nothing is published for it.

    Raises:
        UncoveredDays: `required`, and no upstream has any of the days.
    """
    listed = list(refs)
    present = {day for ref in listed for day in ref.days}
    chosen = [day for day in days if day in present]
    if required and not chosen:
        named = ", ".join(ref.table for ref in listed)
        raise UncoveredDays(
            f"{table}: {named} have no partition on {days[0]} to {days[-1]}: no file under landing/ speaks of these "
            "days, or the tables were not materialised. Nothing was replaced. Ask for days that the files cover: for "
            "each source the log of its raw tables names them (level WARNING)."
        )
    return chosen


def read_by_day(table: str, refs: Iterable[TableRef]) -> list[TableRef]:
    """The references whose days decide which days of `table` there are: all days of the others are looked through."""
    listed = list(refs)
    names = table_reads(table)
    return [ref for ref in listed if ref.table in names] or listed
