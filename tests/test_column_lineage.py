"""Column lineage: current, told to the UI, and true: a column that changes moves those that name it and no other.

To renew sql/column_lineage.json: python -m sm_assets.defs.lineage_from_sql
"""

from __future__ import annotations

import random
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from sm_assets.contracts import TABLES, Column
from sm_assets.defs import sql
from sm_assets.defs.column_lineage import column_lineage, stored
from sm_assets.defs.metadata import definition_metadata
from sm_assets.storage import Lake

DAYS = [date(2024, 3, 1), date(2024, 3, 2)]
IDS = tuple(f"a{n}" for n in range(6))
# SQL that changes every value of a type; columns of other types are left alone.
CHANGES = {
    "text": "{c} || '~'",
    "int64": "{c} + 1",
    "int32": "{c} + 1",
    "float64": "{c} + 1",
    "bool": "not {c}",
    "timestamp": "{c} + interval 7 minute",
    "list<text>": "list_append({c}, '~')",
}
# Staging over a struct, a judgement with shared SELECTs, sums of groups joined to a second table.
TRIED = ("stg_edges__follows", "core_follows", "feat_account_content")


def values(column: Column, draws: random.Random) -> Any:  # noqa: PLR0911  one line per type
    if column.type == "struct":
        return {inner.name: values(inner, draws) for inner in column.fields}
    if column.nullable and draws.random() < 0.1:
        return None
    match column.type:
        case "text" if column.allowed:
            return draws.choice(column.allowed)
        case "text" if column.name == "entity":
            return "follow"
        case "text" | "list<text>":
            text = draws.choice(IDS) if column.name.endswith("_id") else f"{column.name}{draws.randint(0, 9)}"
            return text if column.type == "text" else [text]
        case "int64" | "int32":
            return draws.randint(1, 3)
        case "float64":
            return draws.random()
        case "bool":
            return draws.random() < 0.5
        case "timestamp":
            return datetime(2024, 3, 1) + timedelta(seconds=draws.randint(0, 170_000))
        case "date":
            return draws.choice(DAYS)
    return None


class World:
    """All that one SQL table reads, as random rows, of which one column can be changed."""

    def __init__(self, table: str) -> None:
        draws = random.Random(table)
        self.table = table
        self.con = duckdb.connect(config={"threads": 1})
        self.con.register(sql.REQUESTED, pa.table({"day": pa.array(DAYS, pa.date32())}))
        for name in sql.table_upstreams(table):
            rows = [{c.name: values(c, draws) for c in TABLES[name].columns} for _ in range(60)]
            self.con.register("drawn", pa.Table.from_pylist(rows, TABLES[name].plain_schema))
            self.con.execute(f"create table base_{name} as from drawn")
            self.show(name)
        self.run("usual")

    def show(self, upstream: str, what: str = "*") -> None:
        for view in (upstream, upstream + sql.ALL_DAYS):
            self.con.execute(f"create or replace temp view {view} as select {what} from base_{upstream}")

    def run(self, result: str) -> None:
        judgement = sql.judgement_file(self.table)
        for path, target in ((judgement, sql.JUDGED), (sql.table_files()[self.table], result)):
            if path:
                sql.prepare_shared(self.con, path)
                self.con.execute(f"create or replace temp table {target} as {path.read_text(encoding='utf-8')}")

    def moved(self, columns: list[str]) -> int:
        """Rows whose `columns` are not as usual."""
        listed = ", ".join(f'"{name}"' for name in columns)
        both = (f"from (select {listed} from {a} except all select {listed} from {b})" for a, b in _SIDES)
        return sum(self.con.sql(f"select count(*) {part}").fetchall()[0][0] for part in both) if columns else 0


_SIDES = (("found", "usual"), ("usual", "found"))


def changes(column: Column) -> list[str]:
    """SELECT lists that change a column, or one field of a struct."""
    if column.type == "struct":
        parts = [(inner, f'"{column.name}"."{inner.name}"') for inner in column.fields if inner.type in CHANGES]
        whole = 'struct_update("{0}", "{1}" := {2})'
        return [
            f"* replace ({whole.format(column.name, inner.name, CHANGES[inner.type].format(c=place))} as {column.name})"
            for inner, place in parts
        ]
    change = CHANGES.get(column.type)
    return [f'* replace ({change.format(c=column.name)} as "{column.name}")'] if change else []


@pytest.mark.parametrize("table", TRIED)
def test_only_columns_that_name_a_column_change_with_it(table: str) -> None:
    pytest.importorskip("sqlglot", reason="sqlglot, which reads SELECTs, is not installed")
    from sm_assets.defs.lineage_from_sql import of_table

    world = World(table)
    lineage = of_table(table)
    moving: set[tuple[str, str, str]] = set()
    tried = 0
    for upstream in sql.table_upstreams(table):
        for column in TABLES[upstream].columns:
            if (upstream, column.name) in lineage.chosen_by and column.type != "struct":
                continue  # other rows would come out: nothing to compare
            for change in changes(column):
                world.show(upstream, change)
                world.run("found")
                named = [name for name, origins in lineage.columns.items() if (upstream, column.name) in origins]
                others = [name for name in lineage.columns if name not in named]
                same_rows = world.con.sql("select (select count(*) from found) = (from (select count(*) from usual))")
                if column.type == "struct" and (not same_rows.fetchall()[0][0] or not named):
                    continue
                tried += 1
                assert world.moved(others) == 0, f"{upstream}.{column.name} moves others than {named}: {change}"
                moving |= {(name, upstream, column.name) for name in named if world.moved([name])}
            world.show(upstream)
    direct = {(name, *origin) for name, origins in lineage.columns.items() for origin in origins if len(origins) == 1}
    assert tried >= 5
    assert moving, "something did change"
    assert {part for part in direct if part[2] in {"url", "text", "title", "weight"}} <= moving


@pytest.mark.parametrize(
    ("column", "origins"),
    [
        # A coalesce of both sides of a union by name; the alias map of Twitter's versions names other posts.
        (
            "core_interactions.object_post_id",
            [
                "stg_bluesky__interactions.object_post_id",
                "stg_twitter__interactions.object_post_id",
                "stg_twitter__posts.post_id",
            ],
        ),
        # The latest count that was delivered: ordered by times and places, which are not its origin.
        (
            "core_posts.likes_count",
            [f"stg_{s}__posts.likes_count" for s in ("bluesky", "crowdtangle", "tiktok", "twitter")],
        ),
        # A field of a struct of one branch, a column of the other.
        (
            "stg_bluesky__posts.post_id",
            ["raw_bluesky__events.parsed", "raw_bluesky__post_views.uri", "raw_bluesky__records.parsed"],
        ),
        # From the second of two joined tables.
        ("feat_account_content.sample_url", ["core_posts.url"]),
        # A constant, a count of rows.
        ("stg_bluesky__posts.platform", []),
        ("feat_account_content.n_posts", []),
        # A sum of what was computed three steps before.
        ("feat_account_activity.n_words", ["core_posts.text"]),
    ],
)
def test_by_hand(column: str, origins: list[str]) -> None:
    table, name = column.split(".")
    assert stored()[table][name] == origins


def test_the_file_is_current() -> None:
    pytest.importorskip("sqlglot", reason="sqlglot, which reads SELECTs, is not installed")
    from sm_assets.defs.column_lineage import FILE
    from sm_assets.defs.lineage_from_sql import render

    assert render() == FILE.read_text(encoding="utf-8"), (
        "A SELECT below sql/ changed: run python -m sm_assets.defs.lineage_from_sql and look at what changed in "
        "sql/column_lineage.json."
    )


def test_all_that_is_named_exists() -> None:
    assert set(stored()) == set(sql.table_files())
    for table, columns in stored().items():
        assert list(columns) == list(TABLES[table].column_names)
        upstreams = set(sql.table_upstreams(table))
        for origin in {origin for origins in columns.values() for origin in origins}:
            source, name = origin.split(".")
            assert source in upstreams, f"{table} does not read {source}"
            assert name in TABLES[source].by_name


def test_the_ui_is_told(lake: Lake) -> None:
    told = definition_metadata(TABLES["core_posts"], lake)["dagster/column_lineage"]
    assert isinstance(told, dg.TableColumnLineage)
    assert told.deps_by_column["text"] == [
        dg.TableColumnDep(dg.AssetKey(f"stg_{source}__posts"), "text")
        for source in ("bluesky", "crowdtangle", "tiktok", "twitter")
    ]
    assert column_lineage("out_personas") is None, "made by an analysis, not by one SELECT"
    assert "dagster/column_lineage" not in definition_metadata(TABLES["out_personas"], lake)


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ("select columns('.*') from core_posts", "without a name"),
        ("select text as t from core_posts limit 1", "limit of a SELECT"),
        ("select exists (select 1 from core_posts) as found from core_posts", "Exists"),
        ("select text as t from core_posts join core_accounts using (platform)", "Join"),
        ("select text as t from core_posts, lateral (select 1)", "Lateral"),
        ("select nobody as t from core_posts", "nobody, in 0 relations"),
        ("select platform as t from core_posts cross join core_accounts", "platform, in 2 relations"),
        ("select text as t from (pivot core_posts on platform using count(*))", "Pivot"),
        ("select row_number() over w as t from core_posts", "Window"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, select: str, message: str) -> None:
    pytest.importorskip("sqlglot", reason="sqlglot, which reads SELECTs, is not installed")
    from sm_assets.defs.lineage_from_sql import UnknownSql, of_file

    place = tmp_path / "odd.sql"
    place.write_text(select)
    with pytest.raises(UnknownSql, match=re.escape(message)):
        of_file(place)
