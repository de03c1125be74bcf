"""Which as-of days of a run get a snapshot, whatever range they are asked for in."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from sm_assets.contracts import TABLES
from sm_assets.defs.windows import Snapshots, chosen_days, window_days_of
from sm_assets.settings import Settings
from sm_assets.storage import Lake

FIRST = date(2024, 3, 1)


def days(*numbers: int) -> list[date]:
    """Days of March 2024; the 3rd, 10th and 17th are Sundays."""
    return [date(2024, 3, number) for number in numbers]


def test_weekly_snapshots_do_not_depend_on_how_a_range_is_cut() -> None:
    whole = chosen_days(days(*range(1, 20)), "weekly", [])
    parts = [chosen_days(days(*range(first, min(first + 4, 20))), "weekly", []) for first in range(1, 20, 4)]
    assert whole == days(3, 10, 17) == [day for part in parts for day in part]


def test_the_last_day_is_of_the_range_and_every_day_is_all() -> None:
    assert chosen_days(days(4, 5, 6), "last_day", []) == days(6)
    assert chosen_days(days(4, 5, 6), "every_day", []) == days(4, 5, 6)
    assert chosen_days([], "last_day", []) == []
    assert chosen_days(days(*range(1, 13)), "weekly_and_last", []) == days(3, 10, 12)
    assert chosen_days(days(4), "weekly_and_last", []) == days(4)


@pytest.mark.parametrize("snapshots", ["weekly_and_last", "weekly", "last_day"])
def test_days_that_have_a_snapshot_are_made_again(snapshots: Snapshots) -> None:
    assert set(days(5, 6)) <= set(chosen_days(days(4, 5, 6), snapshots, days(1, 5, 6, 9)))


def test_days_without_files_have_a_snapshot_whatever_is_asked_for(tmp_path: Path) -> None:
    lake = Lake(Settings(data_root=str(tmp_path), window_days=3))
    table = TABLES["feat_account_embeddings"]
    lake.publish(table, table.plain_schema.empty_table(), days(1, 2, 4))
    asked = [FIRST + timedelta(days=n) for n in range(8)]
    assert window_days_of(lake, table.name, asked) == days(1, 2, 3, 4)
    halves = window_days_of(lake, table.name, asked[:3]) + window_days_of(lake, table.name, asked[3:])
    assert halves == days(1, 2, 3, 4)
