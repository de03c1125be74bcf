"""catalog.duckdb: one view per table, for people and BI tools.

Here: building the catalogue aside and swapping it in. Not here: any table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from sm_assets.contracts import TABLES, Table
from sm_assets.contracts.schema import DAY, quoted
from sm_assets.storage.day_writer import PART
from sm_assets.storage.sql_text import literal, parquet_sql

if TYPE_CHECKING:
    from sm_assets.storage.lake import Lake


def refresh_catalog(lake: Lake) -> bool:
    """Bring catalog.duckdb up to date if a table came, went or changed; whether it was written.

    It holds one view per table that has files, over an absolute glob, with the contract's descriptions as comments.
    """
    present = [name for name in TABLES if lake.has_files(name)]
    stamp = {name: [f"{c.name} {c.duckdb_type} {c.description}" for c in TABLES[name].columns] for name in present}
    stamp["root"] = [lake.root]
    target = lake.path("catalog.duckdb")
    known = lake.read_json("lake", "_catalog.json") if lake.fs.exists(target) else None
    if known == stamp:
        return False
    # Views that still hold are kept: a run over many tables changes the catalogue at each of them.
    kept = {name for name in present if known and known.get("root") == stamp["root"] and known.get(name) == stamp[name]}
    with lake.workspace("catalog") as folder:
        if kept:
            lake.fs.get_file(target, str(folder / "catalog.duckdb"))
        with duckdb.connect(str(folder / "catalog.duckdb")) as con:
            if not lake.is_local:
                con.register_filesystem(lake.fs)
            for name in set(known or ()) - {"root", *present} if kept else ():
                con.execute(f"drop view if exists {quoted(name)}")
            for name in present:
                if name not in kept:
                    _create_view(con, TABLES[name], lake.uri(lake.path("lake", name, f"{DAY}=*", PART)))
        lake.replace(folder / "catalog.duckdb", target)
    lake.write_json(stamp, "lake", "_catalog.json")
    return True


def _create_view(con: duckdb.DuckDBPyConnection, table: Table, glob: str) -> None:
    columns = ", ".join(quoted(name) for name in table.column_names)
    con.execute(f"create or replace view {quoted(table.name)} as select {columns} from ({parquet_sql(glob)})")
    about = f"{table.description} One row: {table.grain}."
    con.execute(f"comment on view {quoted(table.name)} is '{literal(about)}'")
    for column in table.columns:
        con.execute(f"comment on column {quoted(table.name)}.{quoted(column.name)} is '{literal(column.description)}'")
