"""Rows of many days into one file per day: nothing lost, order kept, memory and open files bounded."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sm_assets.contracts import Table
from sm_assets.contracts.columns import pick
from sm_assets.errors import ContractError
from sm_assets.storage import PART, DayRouter, day_router, day_writer

TABLE = Table(
    name="raw_test__rows",
    description="Rows.",
    grain="one row",
    key=("source_row",),
    columns=pick("source_row text? day"),
)
FIRST = date(2024, 1, 1)


def batch(days: list[int], start: int = 0) -> pa.RecordBatch:
    rows = range(start, start + len(days))
    return pa.RecordBatch.from_pydict(
        {
            "source_row": pa.array([row + 1 for row in rows], pa.int64()),
            "text": pa.array([f"row {row} " * (row % 5) or None for row in rows], pa.string()),
            "day": pa.array([FIRST + timedelta(days=day) for day in days], pa.date32()),
        }
    )


def route(folder: Path, batches: list[pa.RecordBatch]) -> dict[date, pa.Table]:
    router = DayRouter(TABLE, folder, TABLE.file_schema)
    for rows in batches:
        router.write(rows)
    router.close()
    found = {date.fromisoformat(p.parent.name[4:]): pq.read_table(p, partitioning=None) for p in folder.rglob(PART)}
    assert {day: rows.num_rows for day, rows in found.items()} == router.rows
    assert [path.name for path in folder.rglob("*.parquet")] == [PART] * len(found), "pieces are left over"
    return found


def expected(batches: list[pa.RecordBatch]) -> dict[date, list[dict[str, object]]]:
    found: dict[date, list[dict[str, object]]] = {}
    for rows in batches:
        for row in rows.to_pylist():
            found.setdefault(row.pop("day"), []).append(row)
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.lists(st.integers(0, 6), max_size=40), min_size=1, max_size=12), group=st.integers(2, 9))
def test_every_row_lies_on_its_day_in_the_order_it_came(
    cuts: list[list[int]], group: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    batches, start = [], 0
    for days in cuts:
        batches.append(batch(days, start))
        start += len(days)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(day_router, "ROW_GROUP", group)
        patch.setattr(day_writer, "ROW_GROUP", group)
        patch.setattr(day_router, "_BLOCK_ROWS", 2 * group)
        patch.setattr(day_router, "_HELD_BYTES", 300)
        patch.setattr(day_router, "_OPEN_FILES", 2)
        found = route(tmp_path_factory.mktemp("days"), batches)
    assert {day: rows.to_pylist() for day, rows in found.items()} == expected(batches)


def test_how_many_days_may_be_open_changes_no_byte_of_a_day_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [batch([random.Random(k).randrange(9) for _ in range(100)], 100 * k) for k in range(8)]
    one = route(tmp_path / "a", batches)
    monkeypatch.setattr(day_router, "_OPEN_FILES", 1)
    two = route(tmp_path / "b", batches)
    assert one == two
    for path in (tmp_path / "a").rglob(PART):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_held_rows_do_not_keep_whole_blocks_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each block has one stray row; a slice of it would hold the block.
    monkeypatch.setattr(day_router, "_BLOCK_ROWS", 4096)
    router = DayRouter(TABLE, tmp_path, TABLE.file_schema)
    before = pa.total_allocated_bytes()
    for k in range(60):
        router.write(batch([0] * 4095 + [1 + k], 4096 * k))
    held = pa.total_allocated_bytes() - before
    assert held < 12 * 2**20, f"{held / 2**20:.1f} MiB held for {60 * 4096} rows, of which a row group is 32,768"
    router.close()
    assert sum(router.rows.values()) == 60 * 4096


def test_rows_without_a_day_are_refused(tmp_path: Path) -> None:
    rows = batch([0, 1])
    nulls = rows.set_column(2, "day", pa.nulls(2, pa.date32()))
    with pytest.raises(ContractError, match="2 rows without a day"):
        DayRouter(TABLE, tmp_path, TABLE.file_schema).write(nulls)
