"""Contracts: complete, consistent, and the data dictionary is current."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from sm_assets.contracts import TABLES, Column, Table
from sm_assets.contracts.columns import COLUMNS, pick
from sm_assets.contracts.delivered import DELIVERED
from sm_assets.contracts.docs import render
from sm_assets.errors import ContractError

PREFIXES = ("raw_", "stg_", "core_", "feat_", "out_")


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_every_table_is_complete(table: Table) -> None:
    assert table.name.startswith(PREFIXES)
    assert table.grain.startswith("one ")
    assert table.description.endswith(".")
    assert table.key
    assert table.owners
    assert not {name for name in table.key if table.by_name[name].nullable}
    for column in table.columns:
        assert column.description.endswith("."), f"{table.name}.{column.name} is not described in a sentence"
        assert column.type in {"struct", "text"} or column.duckdb_type
    for reference in table.references:
        target = TABLES[reference.target]
        for left, right in zip(reference.columns, reference.target_columns, strict=True):
            assert table.by_name[left].type == target.by_name[right].type


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_columns_differ_between_tables_in_words_and_nulls_only(table: Table) -> None:
    source = table.name.split("_")[1]
    for column in table.columns:
        # Homonyms are registered under a name with a dot: `<source>.<name>` or `<what it is about>.<name>`.
        twins = [
            twin
            for name, twin in COLUMNS.items()
            if twin.name == column.name
            and ("." not in name or name.split(".")[0] == source or name.split(".")[0] not in DELIVERED)
        ]
        kept = {(c.type, c.unit, c.allowed, c.minimum, c.maximum) for c in twins}
        assert (column.type, column.unit, column.allowed, column.minimum, column.maximum) in kept


def test_every_column_of_the_registry_is_used() -> None:
    used = {column.name for table in TABLES.values() for column in table.columns}
    assert {column.name for column in COLUMNS.values()} <= used


def test_ids_travel_with_their_platform() -> None:
    for table in TABLES.values():
        if table.layer != "raw":
            names = set(table.column_names)
            for name in names & {"account_id", "post_id"}:
                assert "platform" in names, f"{table.name}.{name} has no platform"


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_arrow_and_duckdb_agree_on_types(table: Table) -> None:
    with duckdb.connect() as con:
        relation = con.from_arrow(table.schema.empty_table())
        assert relation.columns == list(table.column_names)
        # Parquet has no lists of one length: DuckDB reads a signature from a file as a plain list.
        found = [str(kind).replace('"', "").replace("[128]", "[]") for kind in relation.types]
        assert found == [column.duckdb_type.replace('"', "") for column in table.columns]
        empty = con.sql(table.empty_sql())
        assert [str(kind).replace('"', "") for kind in empty.types] == found


def test_files_carry_descriptions_and_no_day() -> None:
    schema = TABLES["core_posts"].file_schema
    assert "day" not in schema.names
    assert schema.field("platform").metadata[b"description"]
    assert schema.metadata[b"grain"] == b"one post"
    assert not schema.field("post_id").nullable


def test_pick_names_what_is_wrong() -> None:
    with pytest.raises(ContractError, match="No column nonsense"):
        pick("platform nonsense")
    with pytest.raises(ContractError, match="not picked: text"):
        pick("platform", text="A text.")


def test_a_table_that_contradicts_itself_is_refused() -> None:
    day = Column("day", "date", "Day.")
    with pytest.raises(ContractError, match="key column post_id may be null"):
        Table("core_x", "X.", "one x", ("post_id",), (*pick("post_id?"), day))
    with pytest.raises(ContractError, match="last column must be day"):
        Table("core_x", "X.", "one x", ("post_id",), pick("post_id"))
    with pytest.raises(ContractError, match="listed twice"):
        Table("core_x", "X.", "one x", ("post_id",), (*pick("post_id post_id"), day))


def test_rules_find_broken_rows() -> None:
    table = TABLES["feat_post_language"]
    rows = (
        "select 'facebook' as platform, 'p' as post_id, 'a' as account_id, timestamp '2021-01-01' as posted_at, "
        "'en' as lang, 0.5::double as lang_prob, 'en' as best_lang, 'ok' as reason, 9::bigint as n_letters, "
        "'a model' as model, date '2021-01-01' as day"
    )
    with duckdb.connect() as con:
        for change, rule in (
            ("'myspace' as platform", "platform/allowed"),
            ("null as lang", "lang/not_null"),
            ("2::double as lang_prob", "lang_prob/allowed"),
        ):
            counts = (
                con.sql(table.rule_counts_sql(f"(select * replace ({change}) from ({rows}))"))
                .to_arrow_table()
                .to_pylist()[0]
            )
            assert {name for name, count in counts.items() if count} == {rule}
        assert con.sql(table.duplicates_sql(f"({rows} union all {rows})")).fetchall() == [(1,)]
        assert con.sql(table.duplicates_sql(f"({rows})")).fetchall() == [(0,)]


def test_the_data_dictionary_is_current() -> None:
    written = (Path(__file__).parents[1] / "docs" / "tables.md").read_text(encoding="utf-8")
    assert written == render(), "run: python -m sm_assets.contracts.docs"
