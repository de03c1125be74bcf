"""docs/bi.md: its blocks of Python and SQL run as they stand, over a small lake."""

from __future__ import annotations

import csv
import importlib.util
import os
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sm_assets.contracts import TABLES, Column
from sm_assets.settings import Settings
from sm_assets.storage import Lake
from sm_assets.storage.catalog import refresh_catalog

PAGE = Path(__file__).parents[1] / "docs" / "bi.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
SQL = [text for language, text in BLOCKS if language == "sql"]
DAYS = (date(2024, 3, 16), date(2024, 3, 17))
READ = (
    "core_posts",
    "out_cosharing_clusters",
    "out_cosharing_members",
    "out_cosharing_evidence",
    "out_audience_overlap",
    "out_audience_members",
    "out_persona_profiles",
    "out_cluster_ids",
    "out_personas",
)
# Values with which the questions of the page find rows.
PLANTED = {"handle": "some_handle", "cluster_id": 0, "analysis": "personas", "top_preview": "=1+1", "persona_id": 0}


def value(column: Column) -> Any:
    if column.name in PLANTED and column.type in ("text", "int64", "int32"):
        return PLANTED[column.name]
    by_type = {
        "int64": 1,
        "int32": 1,
        "float64": 0.5,
        "bool": True,
        "timestamp": datetime(2024, 3, 16),
        "text": "1" if column.name.endswith(("_id", "_id_a", "_id_b")) else (column.allowed or ("words",))[0],
        "list<text>": ["a", "b"],
    }
    return by_type.get(column.type)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which a reader works, with the data root in `data`."""
    folder = tmp_path_factory.mktemp("bi")
    lake = Lake(Settings(data_root=str(folder / "data"), threads=1))
    for name in READ:
        table = TABLES[name]
        row = {column.name: value(column) for column in table.columns if column.name != "day"}
        schema = pa.schema([field.with_nullable(True) for field in table.file_schema])
        for day in DAYS:
            path = Path(lake.file(name, day))
            path.parent.mkdir(parents=True)
            pq.write_table(pa.Table.from_pylist([row], schema), path)
    refresh_catalog(lake)
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def run(text: str) -> dict[str, Any]:
    for module in re.findall(r"^import (\w+)", text, re.MULTILINE):
        if module in ("pandas", "polars") or ".df()" in text:
            needed = "pandas" if ".df()" in text else module
            if importlib.util.find_spec(needed) is None:
                pytest.skip(f"{needed} is not installed: this recipe is not run")
    names: dict[str, Any] = {}
    exec(compile(text, str(PAGE), "exec"), names)  # noqa: S102  our own page
    return names


def test_there_are_recipes() -> None:
    assert len(PYTHON) >= 6
    assert len(SQL) >= 4


@pytest.mark.parametrize("text", PYTHON, ids=lambda text: re.sub(r"\W+", " ", text)[:40])
def test_python_runs(place: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = run(text)
    told = capsys.readouterr().out
    if "clusters.csv" in text:
        with (place / "clusters.csv").open(newline="", encoding="utf-8") as source:
            (row,) = csv.DictReader(source)
        assert row["top_preview"] == "'=1+1", "no formula"
        assert row["cluster_id"] == "0"
        assert row["day"] == "2024-03-17"
        return
    assert told, "a recipe shows something"
    if "frame" in names:
        assert len(names["frame"]) == 2
    if "mine" in names:
        (view,) = names["mine"].sql("select sql from duckdb_views() where view_name = 'core_posts'").fetchall()[0]
        assert str(place) not in view, "the copied views go by the reader's own path"


@pytest.mark.parametrize("text", SQL, ids=lambda text: text.split("from ")[1].split()[0])
def test_questions_find_rows(place: Path, text: str) -> None:
    with duckdb.connect(str(place / "data" / "catalog.duckdb"), read_only=True) as con:
        assert con.sql(text).fetchall()
