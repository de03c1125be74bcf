"""Checks of out_personas: who must have a row, and how small a persona may be."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cluster_lake import publish

from sm_assets.analysis.text_rules import TextRules
from sm_assets.defs.cluster_checks import persona_sizes_group
from sm_assets.defs.clustering_record import PERSONAS, ClusteringRecord
from sm_assets.defs.sql import RUN_SETTINGS, SQL_ROOT, open_select
from sm_assets.settings import Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

DAY = date(2024, 3, 20)
WINDOW = 3
FIRST = DAY - timedelta(days=WINDOW - 1)


@pytest.fixture
def lake(data_root: Path) -> Lake:
    return Lake(Settings(data_root=str(data_root / "data"), profile="tiny", threads=1, window_days=WINDOW))


def account(name: str, **more: Any) -> dict[str, Any]:
    return {"platform": "bluesky", "account_id": name, "status": "too_few_texts", "day": DAY} | more


def post(name: str, day: date, **more: Any) -> dict[str, Any]:
    return {"platform": "bluesky", "post_id": f"{name} {day}", "account_id": name, "day": day} | more


def without_their_row(lake: Lake) -> list[tuple[Any, ...]]:
    """What the check of authors finds."""
    path = SQL_ROOT / "checks" / PERSONAS / "every_author_has_a_row.sql"
    with lake.connect() as con:
        con.register(RUN_SETTINGS, pa.table({"window_days": pa.array([WINDOW], pa.int32())}))
        rows = open_select(con, lake, path, [lake.ref(PERSONAS, [DAY])], [DAY]).select("account_id, is_no_author")
        return sorted(rows.fetchall())


WROTE = [post("a", FIRST), post("a", DAY), post("b", DAY)]
AROUND = [post("c", FIRST - timedelta(days=1)), post("c", DAY + timedelta(days=1))]


@pytest.mark.parametrize(
    ("rows", "posts", "found"),
    [
        ([account("a"), account("b")], WROTE, []),
        ([account("a")], WROTE, [("b", False)]),
        ([account("a"), account("b"), account("c")], WROTE, [("c", True)]),
        # Posts before and after the window ask for no row, and give no right to one.
        ([account("a"), account("b")], [*WROTE, *AROUND], []),
        ([account("a"), account("b"), account("c")], [*WROTE, *AROUND], [("c", True)]),
        # A platform that the snapshot leaves out; one that it holds has others of these names.
        ([account("a"), account("b")], [*WROTE, post("c", DAY, platform="twitter")], []),
        (
            [account("a"), account("b"), account("c", platform="twitter")],
            [*WROTE, post("c", DAY), post("c", DAY, platform="twitter")],
            [("c", False)],
        ),
        ([], WROTE, []),
    ],
)
def test_who_wrote_has_a_row(
    lake: Lake, rows: list[dict[str, Any]], posts: list[dict[str, Any]], found: list[tuple[str, bool]]
) -> None:
    publish(lake, PERSONAS, rows, [DAY])
    publish(lake, "core_posts", posts, sorted({row["day"] for row in posts}))
    assert without_their_row(lake) == found


def small_personas(lake: Lake, day: date) -> bool:
    """Whether the check of sizes fails in a run of one day."""
    (found,) = persona_sizes_group(lake).judge([day])
    return not found.passed


@pytest.mark.parametrize(
    ("method", "size_min", "fails"), [("constrained", 3, True), ("constrained", 2, False), ("reduced_kmeans", 3, False)]
)
def test_no_persona_is_smaller_than_promised(lake: Lake, method: str, size_min: int, fails: bool) -> None:
    record = ClusteringRecord("personas", "p", "e", TextRules(), {"method": method, "size_min": size_min})
    rows = [account(f"m{n}", status="member", persona_id=int(n > 2), similarity=0.5) for n in range(5)]
    publish(lake, PERSONAS, [*rows, account("other")], [DAY], record.metadata())
    assert small_personas(lake, DAY) == fails
    assert not small_personas(lake, DAY - timedelta(days=1))
