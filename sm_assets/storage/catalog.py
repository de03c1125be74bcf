"""catalog.duckdb: views over the tables, for people and BI tools.

Here: building the catalogue aside and swapping it in. Not here: any row of a table, and what its own lookup tables say
(`catalog_about`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq

from sm_assets.contracts import TABLES, Table
from sm_assets.contracts.schema import DAY, quoted
from sm_assets.storage.catalog_about import ABOUT, about
from sm_assets.storage.day_writer import PART
from sm_assets.storage.disk_errors import is_full
from sm_assets.storage.interrupts import Interrupts
from sm_assets.storage.sql_text import literal, parquet_sql

if TYPE_CHECKING:
    from sm_assets.storage.lake import Lake

# Read by every DuckDB since 0.10; the format that DuckDB 2 would choose is read by no earlier one.
STORAGE_VERSION = "v1.0.0"
LATEST = "_latest"
# What is written beside the contracts: another number has the catalogue built anew.
_LAYOUT = 3
_INCOMPLETE = "files without all columns"


def refresh_catalog(lake: Lake) -> bool:
    """Bring catalog.duckdb up to date if a table came, went or changed; whether it was written.

    It holds one view per table that has files, over an absolute glob, with the contract's descriptions as comments; a
    second one, `<table>_latest`, per table of snapshots; and tables in which people look up what all of this means.
    """
    present = [name for name in TABLES if lake.has_files(name)]
    stamp = {name: _stamp(TABLES[name]) for name in present}
    stamp["root"] = [lake.root, str(_LAYOUT)]
    target = lake.path("catalog.duckdb")
    known = lake.read_json("lake", "_catalog.json") if lake.fs.exists(target) else None
    # Views begin with an empty file; they cannot be read where somebody removed it.
    usable = {name for name in present if lake.fs.exists(_empty_file(lake, TABLES[name]))}
    if known == stamp and len(usable) == len(present):
        return False
    # Views that still hold are kept: a run over many tables changes the catalogue at each of them.
    kept = {name for name in usable if known and known.get("root") == stamp["root"] and known.get(name) == stamp[name]}
    gone = set(known or ()) - {"root", *present}
    with lake.workspace("catalog") as folder:
        place = folder / "catalog.duckdb"
        try:
            if kept:
                lake.fs.get_file(target, str(place))
            incomplete = _build(lake, place, present, kept, gone)
        except duckdb.Error as error:
            if not kept or is_full(error):
                raise
            # The one that is there is damaged. It holds nothing that is not made from what else is there.
            place.unlink()
            incomplete = _build(lake, place, present, set(), set())
        lake.replace(place, target)
    lake.write_json(stamp | {name: [*stamp[name], _INCOMPLETE] for name in incomplete}, "lake", "_catalog.json")
    return True


def _build(lake: Lake, place: Path, present: list[str], kept: set[str], gone: set[str]) -> list[str]:
    """Bring the file of a catalogue up to date; the tables of which some files lack columns."""
    with Interrupts(), duckdb.connect() as con:
        if not lake.is_local:
            con.register_filesystem(lake.fs)
        con.execute(f"attach '{literal(str(place))}' as catalog (storage_version '{STORAGE_VERSION}')")
        con.execute("use catalog")
        con.execute("begin")
        for name in gone if kept else ():
            con.execute(f"drop view if exists {quoted(name + LATEST)}")
            con.execute(f"drop view if exists {quoted(name)}")
        incomplete = [name for name in present if name not in kept and not _create_views(con, lake, TABLES[name])]
        for name, rows in about(lake.uri(lake.root), [TABLES[name] for name in present]).items():
            con.register("rows_about", rows)
            con.execute(f"create or replace table {name} as select * from rows_about")
            con.execute(f"comment on table {name} is '{literal(ABOUT[name])}'")
        con.execute("commit")
        con.execute("use memory")
        con.execute("detach catalog")
    return incomplete


def _stamp(table: Table) -> list[str]:
    columns = [f"{c.name} {c.duckdb_type} {c.description}" for c in table.columns]
    return [f"{table.description} {table.grain} {table.partition}", *columns]


def _create_views(con: duckdb.DuckDBPyConnection, lake: Lake, table: Table) -> bool:
    """Create the views of one table; whether all its files have all its columns.

    Where some lack columns (they were written before these were added), the views read null there. That costs a look
    into every file, and another at each publication until the days were materialised again.
    """
    glob = lake.uri(lake.path("lake", table.name, f"{DAY}=*", PART))
    lacking, nowhere = _columns_lacking(con, table, glob)
    safe, source = (
        parquet_sql(files, by_name=bool(lacking)) for files in ([lake.uri(_made_empty_file(lake, table)), glob], [glob])
    )
    columns = ", ".join(
        f"cast(null as {c.duckdb_type}) as {quoted(c.name)}" if c.name in nowhere else quoted(c.name)
        for c in table.columns
    )
    about = f"{table.description} One row: {table.grain}."
    _create_view(con, table, table.name, f"select {columns} from ({safe})", about)
    if table.partition == "as_of":
        # The newest day is read off the names of the folders, and before the files are listed: a day that comes in
        # between is not seen, where the other way round it would be looked for among files that lack it. Of a list that
        # begins with the empty file DuckDB opens other days than the newest.
        newest = (
            f"select cast(regexp_extract(max(file), '{DAY}=([-0-9]+)/{literal(PART)}$', 1) as date) as {DAY} "
            f"from glob('{literal(glob)}')"
        )
        latest = f"with newest as materialized ({newest}) select {columns} from newest join ({source}) using ({DAY})"
        about = f"The rows of {table.name} on its newest day. {about}"
        _create_view(con, table, table.name + LATEST, latest, about)
    return not lacking


def _empty_file(lake: Lake, table: Table) -> str:
    """Path of a file of a table without rows, which nobody ever replaces.

    DuckDB looks into the first file of a list when it plans a query, closes it, and takes rows from it by what it saw
    when it runs the query. Where that file was replaced in between it reports an error, or wrong rows. From this one
    it takes none.
    """
    name = f"{table.name}-{hashlib.sha256(str(table.plain_schema).encode()).hexdigest()[:8]}"
    return lake.path("lake", "_catalog", name, f"{DAY}=1970-01-01", PART)


def _made_empty_file(lake: Lake, table: Table) -> str:
    """The same path; the file is there."""
    place = _empty_file(lake, table)
    if not lake.fs.exists(place):
        with lake.workspace("catalog") as folder:
            pq.write_table(table.file_schema.empty_table(), folder / PART)
            lake.replace(folder / PART, place)
    return place


def _create_view(con: duckdb.DuckDBPyConnection, table: Table, name: str, select: str, about: str) -> None:
    con.execute(f"create or replace view {quoted(name)} as {select}")
    con.execute(f"comment on view {quoted(name)} is '{literal(about)}'")
    for column in table.columns:
        con.execute(f"comment on column {quoted(name)}.{quoted(column.name)} is '{literal(column.description)}'")


def _columns_lacking(con: duckdb.DuckDBPyConnection, table: Table, glob: str) -> tuple[set[str], set[str]]:
    """(columns that some files lack, columns that all lack)."""
    wanted = {name for name in table.column_names if name != DAY}
    # Files of one kind have the same names in them, those inside structs and lists included.
    kinds = con.execute(
        "select min(file_name) from (select file_name, list(name order by name) as names "
        f"from parquet_schema('{literal(glob)}') group by file_name) group by names"
    ).fetchall()
    lacks = [wanted - {row[0] for row in con.execute(f"describe {parquet_sql(path)}").fetchall()} for (path,) in kinds]
    return set().union(*lacks), wanted.intersection(*lacks)
