"""Checks and figure of the traits of accounts: each finds what it is there to find."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from cluster_lake import publish

from sm_assets.contracts import TABLES
from sm_assets.defs.sql import RUN_SETTINGS, SQL_ROOT, open_select
from sm_assets.plots import account_traits
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

DAY = date(2024, 3, 20)
WINDOW = 3
TABLE = "out_account_traits"
WHOLE = {
    "hours_00_05": 0.5, "hours_06_11": 0.25, "hours_12_17": 0.25, "hours_18_23": 0.0, "rhythm_posts": 1.0,
    "n_posts": 9, "rhythm_posts_a_day": 3.0, "rhythm_active_days": 3.0, "rhythm_replies": 0.5, "rhythm_quotes": 0.5,
    "language_en": 0.5, "language_de": 0.5,
}  # fmt: skip
WHOLE |= {f"language_{code}": 0.0 for code in ("es", "fr", "pt", "it", "ja")}
WHOLE |= {f"links_{code}": 0.0 for code in ("us", "uk", "de", "fr", "es", "br")}


def account(name: str, **more: Any) -> dict[str, Any]:
    return {"platform": "bluesky", "account_id": name, "day": DAY} | WHOLE | more


def post(name: str, day: date, platform: str = "bluesky") -> dict[str, Any]:
    return {"platform": platform, "post_id": f"{name} {day}", "account_id": name, "day": day}


def found(lake: Lake, check: str) -> list[str]:
    """Accounts that a check finds."""
    path = SQL_ROOT / "checks" / TABLE / f"{check}.sql"
    with lake.connect() as con:
        con.register(RUN_SETTINGS, pa.table({"window_days": pa.array([WINDOW], pa.int32())}))
        rows = open_select(con, lake, path, [lake.ref(TABLE, [DAY])], [DAY]).select("account_id").fetchall()
    return sorted(name for (name,) in rows)


@pytest.mark.parametrize(
    ("names", "others", "missing_or_too_many"),
    [
        (["a", "b"], [], []),
        (["a"], [], ["b"]),
        (["a", "b", "c"], [], ["c"]),
        # Before and after the window.
        (["a", "b"], [post("c", DAY - timedelta(days=WINDOW)), post("c", DAY + timedelta(days=1))], []),
        # Another platform is a window too.
        (["a", "b"], [post("a", DAY, "twitter")], ["a"]),
    ],
)
def test_who_wrote_has_traits(
    lake: Lake, names: list[str], others: list[dict[str, Any]], missing_or_too_many: list[str]
) -> None:
    publish(lake, TABLE, [account(name) for name in names], [DAY])
    posts = [post("a", DAY - timedelta(days=WINDOW - 1)), post("b", DAY), *others]
    publish(lake, "core_posts", posts, sorted({row["day"] for row in posts}))
    assert found(lake, "every_author_has_a_row") == missing_or_too_many


@pytest.mark.parametrize(
    "broken",
    [
        {"hours_00_05": 0.6},
        {"rhythm_quotes": 0.6},
        {"language_en": 0.6},
        {"n_posts": 10},
        {"rhythm_active_days": 2.0},
        {"links_us": 0.6, "links_de": 0.6},
        {"place_country": "DE"},
        {"place_rule": "city"},
    ],
)
def test_numbers_that_contradict_each_other_are_found(lake: Lake, broken: dict[str, Any]) -> None:
    publish(lake, TABLE, [account("a"), account("b", **broken)], [DAY])
    assert found(lake, "numbers_agree") == ["b"]


def test_the_figure_names_platforms_and_stands_without_values() -> None:
    schema = TABLES[TABLE].plain_schema
    rows = pa.Table.from_pylist([dict.fromkeys(schema.names) | account(name) for name in "abc"], schema)
    drawn = account_traits.draw(rows)
    assert drawn == account_traits.draw(rows)
    assert drawn.startswith("![Traits of accounts by platform](data:image/svg+xml;base64,")
    assert "no account wrote" in account_traits.draw(schema.empty_table())
