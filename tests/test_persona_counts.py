"""What members of personas did, counted: whose deed it is, and null against 0."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from cluster_lake import publish

from sm_assets.defs.sql import input_file, open_select, upstreams
from sm_assets.defs.windows import snapshot_refs
from sm_assets.storage import Lake

DAY = date(2024, 3, 20)
NEXT = DAY + timedelta(days=1)
COUNTS = input_file("out_persona_profiles_counts")
TABLES_READ = ("core_posts", "core_interactions", "core_follows", "core_tombstones", "out_estimated_exposures")


def fill(lake: Lake, personas: dict[str, int], **rows: Iterable[dict[str, Any]]) -> None:
    """Accounts are named `platform:account`; what is not given has no rows."""
    people = [dict(zip(("platform", "account_id"), name.split(":"), strict=True)) for name in personas]
    members = [who | {"persona_id": number, "day": DAY} for who, number in zip(people, personas.values(), strict=True)]
    publish(lake, "out_personas", members, [DAY])
    for table in TABLES_READ:
        found = [{"day": DAY} | row for row in rows.get(table, [])]
        publish(lake, table, found, sorted({DAY, *(row["day"] for row in found)}))


def counted(lake: Lake) -> dict[tuple[int, str], int]:
    with lake.connect() as con:
        refs = snapshot_refs([lake.ref(name) for name in upstreams(COUNTS)], DAY, 2)
        rows = open_select(con, lake, COUNTS, refs, []).fetchall()
    found = {(number, event): n for number, event, n in rows}
    assert len(found) == len(rows)
    return found


def like(who: str, day: date = DAY, **more: Any) -> dict[str, Any]:
    platform, account = who.split(":")
    return {"platform": platform, "account_id": account, "interaction_id": f"{who}{day}", "day": day} | more


def withdrawal(who: str, **more: Any) -> dict[str, Any]:
    platform, account = who.split(":")
    row = {"platform": platform, "account_id": account, "record_id": str(more), "deleted_at": datetime(2024, 3, 20)}
    return row | {"entity": "post", "action": "purge", "reason": "deleted"} | more


@pytest.mark.parametrize("away", [timedelta(days=-9), timedelta(days=1)])
def test_a_kind_that_comes_on_another_day_is_0_and_one_that_never_comes_is_null(lake: Lake, away: timedelta) -> None:
    fill(lake, {"bluesky:a": 0}, core_interactions=[like("bluesky:other", DAY + away, kind="like")])
    assert counted(lake) == {(0, "n_likes"): 0}


def test_a_kind_belongs_to_its_platform(lake: Lake) -> None:
    people = {"bluesky:a": 0, "twitter:b": 1, "bluesky:c": 2, "twitter:d": 2}
    fill(
        lake,
        people,
        core_interactions=[like("bluesky:a", kind="like"), like("twitter:x", kind="repost")],
        core_follows=[
            {"platform": "twitter", "follower_account_id": "b", "follow_id": "f", "is_snapshot": True},
        ],
    )
    assert counted(lake) == {(0, "n_likes"): 1, (1, "n_reposts"): 0, (2, "n_likes"): 0, (2, "n_reposts"): 0}


def test_whoever_delivers_withdrawals_delivers_those_of_each_kind(lake: Lake) -> None:
    fill(
        lake,
        {"bluesky:a": 0},
        core_interactions=[like("bluesky:x", kind="like")],
        core_follows=[{"platform": "bluesky", "follower_account_id": "a", "follow_id": "f", "is_snapshot": False}],
        core_tombstones=[withdrawal("bluesky:x", day=NEXT, entity="interaction", interaction_kind="block")],
    )
    kinds = {"likes": 0, "unlikes": 0, "follows": 1, "unfollows": 0, "blocks": 0, "unblocks": 0}
    expected = {(0, f"n_{kind}"): n for kind, n in (kinds | {"post_updates": 0, "post_deletes": 0}).items()}
    assert counted(lake) == expected


def test_edits_are_delivered_where_a_post_was_edited(lake: Lake) -> None:
    post = {"platform": "facebook", "post_id": "p", "account_id": "x", "edits_count": 1, "day": NEXT}
    fill(lake, {"facebook:a": 0}, core_posts=[post])
    assert counted(lake) == {(0, "n_post_updates"): 0}


@pytest.mark.parametrize(
    ("action", "reason", "n"),
    [("purge", "deleted", 1), ("hide", "suspended", 0), ("hide", "protected", 0), ("restore", "reactivated", 0)],
)
def test_what_a_platform_hides_is_no_deed_of_the_author(lake: Lake, action: str, reason: str, n: int) -> None:
    told = {"action": action, "reason": reason}
    fill(
        lake,
        {"bluesky:a": 0},
        core_tombstones=[
            withdrawal("bluesky:a", **told),
            withdrawal("bluesky:a", entity="interaction", interaction_kind="repost", **told),
            withdrawal("bluesky:a", entity="follow", **told),
        ],
    )
    found = counted(lake)
    assert [found[0, f"n_{name}"] for name in ("post_deletes", "unreposts", "unfollows")] == [n] * 3
    assert (found[0, "n_reposts"], found[0, "n_follows"]) == (0, 0)
