"""out_cluster_links and out_cluster_ids over a lake: days made together, one by one, in any order, with gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from cluster_lake import publish
from follow_lake import read
from forgetful import forgetful

from sm_assets.analysis.text_rules import TextRules
from sm_assets.contracts import TABLES
from sm_assets.defs.cluster_checks import current_links_group
from sm_assets.defs.cluster_sources import cluster_sources, stale_days
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.defs.run import materialise_range
from sm_assets.defs.sql import SQL_ROOT
from sm_assets.settings import Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

DAY = date(2024, 3, 1)
NAMES = ("out_cluster_links", "out_cluster_ids")
# Accounts of each persona by day: a rename on day 1, a merger on day 2, three days without snapshot, a split on day 6,
# more than a week without.
Story = Mapping[int, Sequence[tuple[str, int, int]]]
STORY: Story = {
    0: [("a", 12, 0), ("b", 9, 1), ("c", 7, 2)],
    1: [("b", 9, 0), ("a", 12, 1), ("c", 7, 2)],
    2: [("a", 12, 0), ("c", 7, 0), ("b", 9, 1)],
    6: [("a", 12, 0), ("b", 9, 1), ("c", 7, 2)],
    14: [("a", 12, 0), ("b", 9, 1), ("c", 7, 2)],
}


def day_number(n: int) -> date:
    return DAY + timedelta(n)


def publish_personas(lake: Lake, days: Sequence[int], story: Story = STORY) -> None:
    for n in days:
        day = day_number(n)
        params = "1" * 16 if n < 6 else "2" * 16
        rows: list[dict[str, Any]] = [
            {"platform": "bluesky", "account_id": f"{name}{i}", "persona_id": number, "status": "member", "day": day}
            for name, size, number in story[n]
            for i in range(size)
        ]
        # In no persona on any day.
        rows += [
            {"platform": "bluesky", "account_id": f"x{i}", "status": "too_few_texts", "day": day} for i in range(5)
        ]
        record = ClusteringRecord("personas", params, "e" * 16, TextRules(("en",), ("post",), ()))
        told = [row | {"params_hash": params} for row in rows]
        publish(lake, "out_personas", told, [day], record.metadata())


def run(lake: Lake, first: int, last: int) -> None:
    assert materialise_range(
        lake.settings,
        day_number(first),
        day_number(last),
        tables=NAMES,
        instance=forgetful(),
        raise_on_error=True,
        log_level="ERROR",
    )


def stale(lake: Lake) -> list[date]:
    with lake.connect() as con:
        return stale_days(lake, cluster_sources(lake, con))


def judged(lake: Lake, n: int) -> tuple[dg.AssetCheckResult, str | None]:
    """The check of a lake, and what a run of one day tells of other days."""
    (result,) = current_links_group(lake).judge(None)
    instance = forgetful()
    assert materialise_range(
        lake.settings, day_number(n), day_number(n), tables=NAMES, instance=instance, log_level="ERROR"
    )
    event = instance.get_latest_materialization_event(dg.AssetKey("out_cluster_ids"))
    assert event is not None
    assert event.asset_materialization is not None
    told = event.asset_materialization.metadata.get("stale_links")
    return result, None if told is None else str(told.value)


def tables(lake: Lake) -> dict[tuple[str, date], list[dict[str, Any]]]:
    return {(name, day): read(lake, name, day).to_pylist() for name in NAMES for day in lake.days(name)}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """All days in one run."""
    lake = Lake(Settings(data_root=str(tmp_path_factory.mktemp("together")), profile="tiny", start_day=DAY))
    publish_personas(lake, list(STORY))
    run(lake, 0, 14)
    return lake


def test_what_became_of_whom(together: Lake) -> None:
    found = tables(together)
    assert together.days("out_cluster_ids") == [day_number(n) for n in STORY]
    ids = {n: {row["cluster_id"]: row for row in found["out_cluster_ids", day_number(n)]} for n in STORY}
    named = {n: {number: row["persistent_id"] for number, row in rows.items()} for n, rows in ids.items()}
    a, b, c = (f"personas-20240301-{number}" for number in range(3))
    assert named[0] == {0: a, 1: b, 2: c}
    assert named[1] == {0: b, 1: a, 2: c}
    assert named[2] == {0: a, 1: b}
    assert named[6] == {0: a, 1: b, 2: "personas-20240307-2"}
    assert named[14] == {number: f"personas-20240315-{number}" for number in range(3)}
    events = {n: [row["event"] for row in rows.values()] for n, rows in ids.items()}
    assert events == {
        0: ["born"] * 3, 1: ["continued"] * 3, 2: ["merged", "continued"], 6: ["continued", "continued", "split"],
        14: ["born"] * 3,
    }  # fmt: skip
    assert ids[6][2]["parent_id"] == a

    links = {n: found["out_cluster_links", day_number(n)] for n in STORY}
    assert links[0] == []
    assert links[14] == []
    assert {row["previous_day"] for row in links[6]} == {day_number(2)}
    assert [row["params_changed"] for row in links[2] + links[6]] == [False] * len(links[2]) + [True] * len(links[6])
    assert {row["params_hash"] for row in links[6]} == {"2" * 16}
    assert {(row["previous_cluster_id"], row["cluster_id"], row["relation"]) for row in links[2]} == {
        (1, 0, "continued"), (2, 0, "merged"), (0, 1, "continued"),
    }  # fmt: skip


def test_any_order_of_runs_gives_the_same_tables(together: Lake, tmp_path: Path) -> None:
    lake = Lake(Settings(data_root=str(tmp_path / "apart"), profile="tiny", start_day=DAY))
    publish_personas(lake, list(STORY))
    for n in (6, 14, 1, 0, 2):
        run(lake, n, n)
    assert tables(lake) == tables(together)


@pytest.mark.parametrize("again", [(2, 6), (6, 2)], ids=str)
def test_members_that_came_in_two_halves(together: Lake, tmp_path: Path, again: Sequence[int]) -> None:
    lake = Lake(Settings(data_root=str(tmp_path / "halves"), profile="tiny", start_day=DAY))
    publish_personas(lake, (2, 6, 14))
    run(lake, 2, 14)
    assert stale(lake) == []
    publish_personas(lake, (0, 1))
    run(lake, 0, 1)
    # The links of day 6 are what they were, but its names go further back; nothing reaches day 14.
    assert stale(lake) == [day_number(2), day_number(6)]
    for n in again:
        run(lake, n, n)
    assert tables(lake) == tables(together)
    assert stale(lake) == []


def test_an_earlier_snapshot_that_was_made_again(together: Lake, tmp_path: Path) -> None:
    lake = Lake(Settings(data_root=str(tmp_path / "again"), profile="tiny", start_day=DAY))
    # The same groups by other numbers, and one group that is another.
    other = {**STORY, 1: [("b", 9, 2), ("a", 12, 0), ("d", 7, 1)]}
    publish_personas(lake, list(STORY), other)
    run(lake, 0, 14)
    before = tables(lake)
    publish_personas(lake, [1])
    assert stale(lake) == [day_number(n) for n in (1, 2, 6)]
    run(lake, 1, 1)
    result, told = judged(lake, 6)
    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.WARN
    assert all(str(day_number(n)) in str(result.metadata) for n in (2, 6))
    assert not any(str(day_number(n)) in str(result.metadata) for n in (0, 1, 14))
    assert told is not None
    assert told.startswith("days 2024-03-03: ")
    found, right = tables(lake), tables(together)
    assert found["out_cluster_ids", day_number(6)] == right["out_cluster_ids", day_number(6)]
    assert found["out_cluster_links", day_number(2)] == before["out_cluster_links", day_number(2)]
    assert found["out_cluster_links", day_number(2)] != right["out_cluster_links", day_number(2)]
    run(lake, 2, 2)
    assert tables(lake) == right
    result, told = judged(lake, 6)
    assert result.passed
    assert told is None


def test_a_day_without_clusters_breaks_no_names(together: Lake, tmp_path: Path) -> None:
    lake = Lake(Settings(data_root=str(tmp_path / "thin"), profile="tiny", start_day=DAY))
    publish_personas(lake, [*STORY, 4], {**STORY, 4: []})
    run(lake, 0, 14)
    thin: dict[tuple[str, date], list[dict[str, Any]]] = {(name, day_number(4)): [] for name in NAMES}
    assert tables(lake) == tables(together) | thin
    # Once it has clusters, the day after is linked with it.
    publish_personas(lake, [4], {4: STORY[2]})
    assert stale(lake) == [day_number(4), day_number(6)]
    run(lake, 6, 6)
    assert {row["previous_day"] for row in tables(lake)["out_cluster_links", day_number(6)]} == {day_number(4)}


@pytest.mark.parametrize(
    ("table", "column", "wrong"),
    [
        ("out_cluster_ids", "persistent_id", "'personas-20240301-0'"),
        ("out_cluster_ids", "born_on", "day + 1"),
        ("out_cluster_links", "share_current", "share_current / 2"),
        ("out_cluster_links", "previous_day", "day - 8"),
        ("out_cluster_links", "relation", "'ended'"),
    ],
)
def test_checks_hold_and_find_what_is_wrong(together: Lake, table: str, column: str, wrong: str) -> None:
    (check,) = (SQL_ROOT / "checks" / table).glob("*.sql")
    with together.connect() as con:
        together.register(con, together.ref(table), "made")
        con.execute(f"create temp view {table} as select * from made")
        assert con.sql(check.read_text()).fetchall() == []
        con.execute(f"create or replace temp view {table} as select * replace ({wrong} as {column}) from made")
        assert con.sql(check.read_text()).fetchall()


def test_a_day_without_snapshot_is_not_published(together: Lake) -> None:
    assert not set(together.days("out_cluster_links")) - {day_number(n) for n in STORY}
    assert [b - a for a, b in pairwise(STORY)] == [1, 1, 4, 8]


def test_lives_are_drawn_and_empty_ones_are_told() -> None:
    from sm_assets.plots import cluster_lives

    schema = TABLES["out_cluster_ids"].plain_schema
    told: dict[str, Any] = {"analysis": "personas", "params_hash": "1" * 16}
    rows: list[dict[str, Any]] = [
        {
            "day": day_number(n),
            "cluster_id": c,
            "persistent_id": name,
            "born_on": DAY,
            "parent_id": parent,
            "event": event,
        }
        for n, c, name, parent, event in [
            (0, 0, "personas-20240301-0", None, "born"),
            (1, 0, "personas-20240301-0", None, "merged"),
            (1, 1, "personas-20240302-1", "personas-20240301-0", "split"),
            (0, 1, "personas-20240301-<b>1", None, "born"),
        ]
    ]
    table = pa.Table.from_pylist([row | told for row in rows], schema)
    drawn = cluster_lives.draw(table)
    assert drawn.startswith("![Lives of clusters](data:image/svg+xml;base64,")
    assert drawn == cluster_lives.draw(table.take([3, 1, 0, 2]))
    assert drawn != cluster_lives.draw(table, limit=2)
    assert "no clusters" in cluster_lives.draw(schema.empty_table())
