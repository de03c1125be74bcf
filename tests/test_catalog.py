"""The catalogue: views that follow the files, snapshots by their newest day, words to look up, readers of any age."""

from __future__ import annotations

import shutil
import struct
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from sm_assets.contracts import SCHEMA_VERSION, TABLES, Table
from sm_assets.settings import Settings
from sm_assets.storage import Lake, day_range
from sm_assets.storage.catalog import LATEST, refresh_catalog
from sm_assets.storage.catalog_about import ABOUT

EVENTS = TABLES["core_post_mentions"]
SNAPSHOTS = TABLES["out_cosharing_members"]
DAYS = day_range(date(2024, 3, 1), date(2024, 3, 4))
FAR = date(2024, 3, 9)
_ANY = {pa.string(): "x", pa.int64(): 1, pa.int32(): 1, pa.float64(): 0.5, pa.bool_(): True}


def rows(table: Table, *, lacking: str = "", handles: int = 2) -> pa.Table:
    """Rows that the catalogue can show; no contract is asked."""
    schema = pa.schema([field for field in table.file_schema if field.name != lacking])
    filled = {name: [str(n) for n in range(handles)] for name in ("account_id", "post_id") if name in schema.names}
    arrays = [pa.array(filled.get(f.name, [_ANY.get(f.type)] * handles), f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=pa.schema([f.with_nullable(True) for f in schema]))


def put(lake: Lake, table: Table, days: list[date], **how: Any) -> None:
    for day in days:
        path = Path(lake.file(table.name, day))
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows(table, **how), path)


def ask(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(lake.path("catalog.duckdb"), read_only=True) as con:
        return con.sql(sql).fetchall()


@pytest.fixture
def filled(lake: Lake) -> Lake:
    put(lake, EVENTS, DAYS)
    put(lake, SNAPSHOTS, DAYS)
    assert refresh_catalog(lake)
    return lake


def test_a_table_of_snapshots_has_a_view_of_its_newest_day(filled: Lake) -> None:
    latest = f"select day, count(*) from {SNAPSHOTS.name}{LATEST} group by day"
    assert ask(filled, latest) == [(DAYS[3], 2)]
    stamp = Path(filled.path("catalog.duckdb")).stat()
    put(filled, SNAPSHOTS, [FAR], handles=5)
    assert ask(filled, latest) == [(FAR, 5)]
    put(filled, SNAPSHOTS, [FAR], handles=0)
    assert ask(filled, latest) == [], "the newest snapshot found nothing: an older one is not the newest"
    assert Path(filled.path("catalog.duckdb")).stat() == stamp, "nobody touched the catalogue"
    views = ask(filled, "select view_name, comment from duckdb_views() where not internal order by 1")
    assert [name for name, _ in views] == [EVENTS.name, SNAPSHOTS.name, SNAPSHOTS.name + LATEST]
    assert views[2][1] == (
        f"The rows of {SNAPSHOTS.name} on its newest day. {SNAPSHOTS.description} One row: {SNAPSHOTS.grain}."
    )
    columns = ask(filled, f"select comment from duckdb_columns() where table_name = '{SNAPSHOTS.name}{LATEST}'")
    assert [comment for (comment,) in columns] == [column.description for column in SNAPSHOTS.columns]


def test_the_newest_day_is_found_without_opening_the_others(filled: Lake) -> None:
    # The first file gives the columns; any other than the newest may be unreadable.
    for day in DAYS[1:3]:
        Path(filled.file(SNAPSHOTS.name, day)).write_bytes(b"not Parquet")
    assert ask(filled, f"select count(account_id) from {SNAPSHOTS.name}{LATEST}") == [(2,)]
    with pytest.raises(duckdb.Error):
        ask(filled, f"select count(account_id) from {SNAPSHOTS.name}")


def test_a_snapshot_that_arrives_during_a_query_hides_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day may come between the two times that a query lists the files; whichever comes first, rows are found."""
    lake = Lake(Settings(data_root="memory://latest-root", threads=1))
    whole = rows(SNAPSHOTS)

    def write(day: date) -> None:
        with lake.fs.open(lake.file(SNAPSHOTS.name, day), "wb") as sink:
            pq.write_table(whole, sink)

    listed = MemoryFileSystem.glob
    coming = iter(day_range(date(2024, 4, 1), date(2024, 6, 30)))

    def glob(self: MemoryFileSystem, *args: Any, **how: Any) -> Any:
        found = listed(self, *args, **how)
        write(next(coming))
        return found

    write(DAYS[0])
    refresh_catalog(lake)
    place = lake.fs.cat_file(lake.path("catalog.duckdb"))
    assert place
    with duckdb.connect() as con, lake.workspace("test") as folder:
        (folder / "catalog.duckdb").write_bytes(place)
        con.register_filesystem(lake.fs)
        con.execute(f"attach '{folder}/catalog.duckdb' as kept (read_only)")
        monkeypatch.setattr(MemoryFileSystem, "glob", glob)
        for _ in range(3):
            found = con.sql(f"select count(*), count(distinct day) from kept.{SNAPSHOTS.name}{LATEST}").fetchall()
            assert found == [(2, 1)]
    monkeypatch.undo()
    assert next(coming) > date(2024, 4, 4), "days did come during the queries"
    lake.fs.rm("/latest-root", recursive=True)


def test_older_readers_can_open_it(filled: Lake) -> None:
    # Magic word, then the version of the format: 64 is what DuckDB 0.10 to 1.1 write, and all later ones read.
    magic, version = struct.unpack_from("<4sQ", Path(filled.path("catalog.duckdb")).read_bytes(), 8)
    assert (magic, version) == (b"DUCK", 64)
    # Also after views were kept from one to the next.
    put(filled, TABLES["core_post_links"], DAYS[:1])
    assert refresh_catalog(filled)
    assert struct.unpack_from("<Q", Path(filled.path("catalog.duckdb")).read_bytes(), 12) == (64,)


def test_words_to_look_up(filled: Lake) -> None:
    assert ask(filled, "from about_catalog") == [(SCHEMA_VERSION, filled.root)]
    assert ask(filled, "select table_name, one_row, key, day from about_tables order by 1") == [
        (EVENTS.name, EVENTS.grain, ", ".join(EVENTS.key), "day of the event"),
        (SNAPSHOTS.name, SNAPSHOTS.grain, ", ".join(SNAPSHOTS.key), "last day of a trailing window"),
    ]
    platform = EVENTS.by_name["platform"]
    found = ask(filled, f"from about_columns where table_name = '{EVENTS.name}' and column_name = 'platform'")
    assert found == [
        (EVENTS.name, "platform", "text", "", "no", platform.description, ", ".join(platform.allowed)),
    ]
    told = ask(filled, "select table_name, comment from duckdb_tables() where not internal")
    assert dict(told) == dict(ABOUT)


def test_names_of_the_catalogue_meet_no_table() -> None:
    assert not [name for name in TABLES if name.endswith(LATEST) or name in ABOUT]


def test_files_from_before_a_column_was_added_read_null_there(lake: Lake) -> None:
    column = "mentioned_handle"
    put(lake, EVENTS, DAYS[:2], lacking=column)
    refresh_catalog(lake)
    count = f"select count(*), count({column}) from {EVENTS.name}"
    assert ask(lake, count) == [(4, 0)], "no file has it"
    put(lake, EVENTS, DAYS[2:])
    assert refresh_catalog(lake)

    assert ask(lake, count) == [(8, 4)], "some have it"
    put(lake, EVENTS, DAYS)
    assert refresh_catalog(lake), "looked at again"
    assert not refresh_catalog(lake), "all have it: nothing more to look for"


def test_it_moves_with_the_data_root(filled: Lake, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    Path(filled.root).rename(place)
    moved = Lake(Settings(data_root=str(place)))
    with pytest.raises(duckdb.IOException):
        ask(moved, f"from {EVENTS.name}")
    assert refresh_catalog(moved)
    assert ask(moved, f"select count(*) from {EVENTS.name}") == [(8,)]
    assert ask(moved, "select data_root from about_catalog") == [(str(place),)]


def test_tables_that_went_leave_the_catalogue(filled: Lake) -> None:
    for day in DAYS:
        Path(filled.file(SNAPSHOTS.name, day)).unlink()
    assert refresh_catalog(filled)
    assert ask(filled, "select view_name from duckdb_views() where not internal") == [(EVENTS.name,)]
    assert ask(filled, "select distinct table_name from about_columns") == [(EVENTS.name,)]


def test_views_whose_empty_file_was_removed_are_made_anew(filled: Lake) -> None:
    shutil.rmtree(Path(filled.path("lake", "_catalog")))
    count = f"select count(*) from {EVENTS.name}"
    with pytest.raises(duckdb.IOException):
        ask(filled, count)
    assert refresh_catalog(filled)
    assert ask(filled, count) == [(8,)]
    assert not refresh_catalog(filled)


@pytest.mark.parametrize("keep", [0, 5_000], ids=["nothing of it", "a part of it"])
def test_a_damaged_catalogue_is_built_anew(filled: Lake, keep: int) -> None:
    place = Path(filled.path("catalog.duckdb"))
    place.write_bytes(place.read_bytes()[:keep] + b"x" * 10_000)
    put(filled, TABLES["core_post_links"], DAYS[:1])
    assert refresh_catalog(filled)
    views = ask(filled, "select view_name from duckdb_views() where not internal order by 1")
    assert [name for (name,) in views] == ["core_post_links", EVENTS.name, SNAPSHOTS.name, SNAPSHOTS.name + LATEST]
    assert ask(filled, f"select count(*) from {EVENTS.name}") == [(8,)]
