"""Which row of core wins, what withdrawals reach, and on which day a record lies, on staged rows written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from staged import DAY, at, make, rows, stage

from sm_assets.settings import Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

NEXT = DAY + timedelta(days=1)
LATER = DAY + timedelta(days=9)
DAYS = (DAY, NEXT, LATER)


def post(key: str = "p1", author: str = "did:a", revision: str = "3r1", **more: Any) -> dict[str, Any]:
    return {"post_id": key, "account_id": author, "revision": revision, **more}


def tombstone(record: str, entity: str = "post", revision: str = "3r5", **more: Any) -> dict[str, Any]:
    return {"record_id": record, "entity": entity, "revision": revision, **more}


def posts_of(
    lake: Lake, staged: list[dict[str, Any]], gone: Sequence[dict[str, Any]] = (), columns: str = "post_id"
) -> Any:
    stage(lake, "stg_bluesky__posts", staged, DAYS)
    stage(lake, "stg_bluesky__tombstones", gone, DAYS)
    make(lake, "core_tombstones", DAYS)
    _, counts = make(lake, "core_posts", DAYS)
    return rows(lake, "core_posts", columns), counts


# ---------------------------------------------------------------- withdrawals


@pytest.mark.parametrize(
    ("created", "deleted", "stands"),
    [
        ("3r1", "3r5", False),
        ("3r5", "3r5", False),
        ("3r6", "3r5", True),
        # A time of observation is no revision of the platform: nothing can be newer than the delete.
        ("9999-01-01T00:00:00.000000Z", "3r5", False),
        ("3r6", "2024-03-01T00:00:00.000000Z", False),
    ],
)
@pytest.mark.parametrize("deleted_on", DAYS)
def test_a_delete_wins_unless_the_record_is_newer(
    lake: Lake, created: str, deleted: str, stands: bool, deleted_on: date
) -> None:
    found, counts = posts_of(
        lake, [post(revision=created, day=NEXT)], [tombstone("p1", revision=deleted, day=deleted_on)]
    )
    assert found == ([("p1",)] if stands else [])
    assert counts == ({"rows_in": 1} if stands else {"rows_in": 1, "withdrawn/purged": 1})


def test_after_a_delete_only_what_is_newer_is_left(lake: Lake) -> None:
    staged = [post(revision="3r1", text="old"), post(revision="3r9", text="new")]
    found, counts = posts_of(lake, staged, [tombstone("p1")], "text, files_count, edits_count")
    assert found == [("new", 1, 0)]
    assert counts == {"rows_in": 2, "withdrawn/purged": 1}


@pytest.mark.parametrize(
    ("story", "stands"),
    [
        ([("hide", 1)], False),
        ([("hide", 1), ("restore", 2)], True),
        ([("restore", 1), ("hide", 2)], False),
        ([("purge", 1), ("restore", 2)], False),
        ([("restore", 2), ("purge", 1)], False),
        ([("hide", 1), ("restore", 2), ("hide", 3)], False),
    ],
)
def test_an_account_takes_all_its_records_along(lake: Lake, story: list[tuple[str, int]], stands: bool) -> None:
    gone = [
        tombstone("did:a", "account", f"3r{n}", action=action, deleted_at=at(LATER, n), day=LATER)
        for action, n in story
    ]
    found, _ = posts_of(lake, [post("p1", "did:a"), post("p2", "did:b")], gone)
    assert found == ([("p1",), ("p2",)] if stands else [("p2",)])
    acts = [
        {"interaction_id": "l1", "kind": "like", "account_id": "did:a", "object_post_id": "p2", "revision": "3r1"},
        {"interaction_id": "l2", "kind": "like", "account_id": "did:b", "object_post_id": "p1", "revision": "3r1"},
    ]
    stage(lake, "stg_bluesky__interactions", acts, DAYS)
    make(lake, "core_interactions", DAYS)
    # What others did to it stays; what it did goes.
    assert rows(lake, "core_interactions", "interaction_id") == ([("l1",), ("l2",)] if stands else [("l2",)])
    follow = {"revision": "3r1"}
    pairs = [("did:a", "did:b"), ("did:b", "did:a"), ("did:b", "did:c")]
    staged = [follow | {"follow_id": f"{a}{b}", "follower_account_id": a, "followed_account_id": b} for a, b in pairs]
    stage(lake, "stg_bluesky__follows", staged, DAYS)
    make(lake, "core_follows", DAYS)
    assert len(rows(lake, "core_follows", "follow_id")) == (3 if stands else 1)
    profile = {"account_id": "did:a", "handle": "a.example", "day": NEXT}
    stage(lake, "stg_bluesky__accounts", [profile], DAYS)
    for table in ("core_account_history", "core_accounts"):
        make(lake, table, DAYS)
        assert (("did:a",) in rows(lake, table, "distinct account_id")) == stands


def test_replies_and_quotes_go_with_their_post_and_likes_by_their_own_delete(lake: Lake) -> None:
    acts = [
        {"interaction_id": f"p1#{kind}", "kind": kind, "account_id": "did:a", "object_post_id": "q", "revision": "3r1"}
        for kind in ("reply", "quote")
    ]
    acts += [
        {"interaction_id": name, "kind": "like", "account_id": "did:a", "object_post_id": "q", "revision": "3r1",
         "object_account_id": "did:q"}
        for name in ("l1", "l2")
    ]  # fmt: skip
    stage(lake, "stg_bluesky__interactions", acts, DAYS)
    gone = [tombstone("p1"), tombstone("l1", "interaction", interaction_kind="like", day=LATER)]
    stage(lake, "stg_bluesky__tombstones", gone, DAYS)
    make(lake, "core_tombstones", DAYS)
    _, counts = make(lake, "core_interactions", DAYS)
    assert rows(lake, "core_interactions", "interaction_id") == [("l2",)]
    assert counts == {"rows_in": 4, "withdrawn/purged": 3}
    # The withdrawal tells what the like was about.
    assert rows(lake, "core_tombstones", "record_id, object_post_id, object_account_id") == [
        ("l1", "q", "did:q"),
        ("p1", None, None),
    ]


def test_one_withdrawal_of_a_record_is_kept_over_all_days(lake: Lake) -> None:
    gone = [tombstone("p1", revision="3r2", day=DAY), tombstone("p1", revision="3r7", day=LATER)]
    gone.append(gone[1] | {"source_row": 9})
    stage(lake, "stg_bluesky__tombstones", gone, DAYS)
    _, counts = make(lake, "core_tombstones", DAYS)
    assert rows(lake, "core_tombstones", "revision, day") == [("3r7", LATER)]
    assert counts == {"rows_in": 3, "duplicate/same_record": 1, "duplicate/superseded": 1}


# -------------------------------------------------------------- who wins, and where


def test_one_key_on_two_days_is_decided_across_days(lake: Lake) -> None:
    # A client's clock that was refused in one file and accepted in another.
    staged = [
        post(revision="3r1", day=DAY, posted_at=at(DAY), text="x"),
        post(revision="3r1", day=LATER, posted_at=at(LATER), time_source="received", text="x", observed_at=at(LATER)),
    ]
    found, counts = posts_of(lake, staged, columns="day, files_count")
    assert found == [(LATER, 1)]
    assert counts == {"rows_in": 2, "duplicate/superseded": 1}
    # Day by day the result is the same.
    for day in DAYS:
        make(lake, "core_posts", [day])
    assert rows(lake, "core_posts", "day, files_count") == found


def test_a_full_text_beats_a_cut_one_and_own_beats_context(lake: Lake) -> None:
    staged = [
        post(text="cut ...", text_is_truncated=True, observed_at=at(DAY, 15)),
        post(text="whole, inside another", is_context=True, observed_at=at(DAY, 14)),
        post(text="whole", observed_at=at(DAY, 13)),
    ]
    found, _ = posts_of(lake, staged, columns="text")
    assert found == [("whole",)]


def test_each_count_keeps_its_latest(lake: Lake) -> None:
    staged = [
        post(observed_at=at(DAY, 1), likes_count=5, comments_count=1, operation="observe"),
        post(observed_at=at(DAY, 2), likes_count=9, operation="observe", source_sha256="e" * 64),
        post(observed_at=at(DAY, 3), operation="observe", source_sha256="d" * 64),
    ]
    found, _ = posts_of(
        lake, staged, columns="likes_count, comments_count, metrics_observed_at, observed_at, files_count, edits_count"
    )
    assert found == [(9, 1, at(DAY, 2), at(DAY, 3), 3, 0)]


def test_every_version_of_an_edited_post_is_the_post(lake: Lake) -> None:
    versions = ["100", "200"]
    edited = post("100", "1", "0200", text="second", alias_ids=versions, day=NEXT, time_source="platform")
    plain = post("200", "1", "0200", text="second", day=NEXT, time_source="platform")
    first = post("100", "1", "0100", text="first", day=NEXT, time_source="platform")
    reply = post(
        "300", "2", "0300", parent_post_id="200", root_post_id="200", quoted_post_id="100", time_source="platform"
    )
    stage(lake, "stg_twitter__posts", [edited, plain, first, reply], DAYS)
    acts = [
        {
            "interaction_id": "300#reply",
            "kind": "reply",
            "account_id": "2",
            "object_post_id": "200",
            "revision": "0300",
        },
        {"interaction_id": "200#quote", "kind": "quote", "account_id": "1", "object_post_id": "7", "revision": "0200"},
        {"interaction_id": "100#quote", "kind": "quote", "account_id": "1", "object_post_id": "7", "revision": "0100"},
    ]
    stage(lake, "stg_twitter__interactions", acts, DAYS)
    stage(lake, "stg_twitter__tombstones", [tombstone("999")], DAYS)
    for table in ("core_tombstones", "core_posts", "core_interactions"):
        make(lake, table, DAYS)
    assert rows(lake, "core_posts", "post_id, text, edits_count, parent_post_id, root_post_id, quoted_post_id") == [
        ("100", "second", 1, None, None, None),
        ("300", None, 0, "100", "100", "100"),
    ]
    assert rows(lake, "core_interactions", "interaction_id, object_post_id, revision") == [
        ("100#quote", "7", "0200"),
        ("300#reply", "100", "0300"),
    ]
    # A withdrawal that names a later version withdraws the post.
    stage(lake, "stg_twitter__tombstones", [tombstone("200", revision="2024-03-09T00:00:00.000000Z")], DAYS)
    for table in ("core_tombstones", "core_posts", "core_interactions"):
        make(lake, table, DAYS)
    assert rows(lake, "core_tombstones", "record_id") == [("100",)]
    assert rows(lake, "core_posts", "post_id") == [("300",)]
    assert rows(lake, "core_interactions", "interaction_id") == [("300#reply",)]


def follow(a: str, b: str, **more: Any) -> dict[str, Any]:
    return {"follow_id": f"{a}>{b}", "follower_account_id": a, "followed_account_id": b, **more}


def test_a_pair_from_lists_lies_on_the_day_of_its_first_list(lake: Lake) -> None:
    def listed(day: date) -> dict[str, Any]:
        return {"day": day, "is_snapshot": True, "followed_at": None, "revision": f"{day}T12:00:00.000000Z",
                "time_source": "observed"}  # fmt: skip

    second = [follow("1", "2", **listed(NEXT)), follow("3", "2", **listed(NEXT))]
    stage(lake, "stg_edges__follows", second)
    make(lake, "core_follows", [NEXT])
    assert [day for (day,) in rows(lake, "core_follows", "day")] == [NEXT, NEXT]
    # An earlier list arrives later, and a list of a later day tells nothing new.
    earlier, later = follow("1", "2", **listed(DAY)), follow("1", "2", **listed(LATER))
    stage(lake, "stg_edges__follows", [*second, earlier, later])
    _, counts = make(lake, "core_follows", DAYS)
    assert rows(lake, "core_follows", "follower_account_id, day") == [("1", DAY), ("3", NEXT)]
    assert counts == {"rows_in": 4, "duplicate/superseded": 2}


def test_the_latest_follow_of_a_pair_stands_and_a_withdrawn_one_makes_room(lake: Lake) -> None:
    staged = [
        follow("a", "b", revision="3r1", day=DAY) | {"follow_id": "f1"},
        follow("a", "b", revision="3r4", day=LATER) | {"follow_id": "f2"},
    ]
    stage(lake, "stg_bluesky__follows", staged, DAYS)
    stage(lake, "stg_bluesky__tombstones", [tombstone("f1", "follow", "3r2", day=NEXT)], DAYS)
    make(lake, "core_tombstones", DAYS)
    make(lake, "core_follows", DAYS)
    assert rows(lake, "core_follows", "follow_id, day") == [("f2", LATER)]
    stage(lake, "stg_bluesky__tombstones", [tombstone("f2", "follow", "3r6", day=NEXT)], DAYS)
    make(lake, "core_tombstones", DAYS)
    make(lake, "core_follows", DAYS)
    assert rows(lake, "core_follows", "follow_id, day") == [("f1", DAY)]
    assert rows(lake, "core_tombstones", "object_account_id") == [("b",)]


# ------------------------------------------------------------------- accounts


def test_accounts_are_seen_in_every_role_with_the_profile_of_the_day(lake: Lake) -> None:
    stage(lake, "stg_bluesky__posts", [post(author="did:a"), post("p2", "did:a", day=LATER)], DAYS)
    mention = {"post_id": "p1", "account_id": "did:a", "posted_at": at(DAY), "revision": "3r1", "ordinal": 0}
    stage(lake, "stg_bluesky__post_mentions", [mention | {"mentioned_account_id": "did:m"}], DAYS)
    like = {"interaction_id": "l", "kind": "like", "object_post_id": "p1", "object_account_id": "did:a"}
    stage(lake, "stg_bluesky__interactions", [like | {"account_id": "did:l", "revision": "3r1"}], DAYS)
    stage(lake, "stg_bluesky__follows", [follow("did:l", "did:a", revision="3r1", day=NEXT)], DAYS)
    profiles = [
        {"account_id": "did:a", "handle": "a.example", "followers_count": 10, "day": NEXT},
        {"account_id": "did:a", "display_name": "A", "day": LATER},
        {"account_id": "did:n", "handle": "n.example", "day": DAY},
    ]
    stage(lake, "stg_bluesky__accounts", profiles, DAYS)
    stage(lake, "stg_bluesky__tombstones", [], DAYS)
    for table in ("core_tombstones", "core_posts", "core_post_mentions", "core_interactions", "core_follows",
                  "core_account_history", "core_accounts"):  # fmt: skip
        make(lake, table, DAYS)
    columns = "account_id, day, roles, handle, display_name, followers_count, profile_from_later, first_seen_day"
    a, n, link, m = "did:a", "did:n", "did:l", "did:m"
    assert rows(lake, "core_accounts", columns) == [
        (a, DAY, ["author", "object"], "a.example", "A", 10, True, DAY),
        (a, NEXT, ["followed", "profile"], "a.example", "A", 10, True, DAY),
        (a, LATER, ["author", "profile"], "a.example", "A", 10, False, DAY),
        (link, DAY, ["actor"], None, None, None, False, DAY),
        (link, NEXT, ["follower"], None, None, None, False, DAY),
        (m, DAY, ["mentioned"], None, None, None, False, DAY),
        (n, DAY, ["profile"], "n.example", None, None, False, DAY),
    ]


def test_a_name_and_a_handle_of_one_day_make_one_profile(lake: Lake) -> None:
    profiles = [
        {"account_id": "did:a", "display_name": "Old", "handle": "old.example", "observed_at": at(DAY, 1)},
        {"account_id": "did:a", "display_name": "New", "observed_at": at(DAY, 3)},
        {"account_id": "did:a", "handle": "new.example", "observed_at": at(DAY, 2)},
    ]
    stage(lake, "stg_bluesky__accounts", profiles, DAYS)
    _, counts = make(lake, "core_account_history", DAYS)
    columns = "display_name, handle, observed_at, source_row"
    assert rows(lake, "core_account_history", columns) == [("New", "new.example", at(DAY, 3), 2)]
    assert counts == {"rows_in": 3, "duplicate/superseded": 2}


# --------------------------------------------------------------- against brute force

_CANDIDATE = st.fixed_dictionaries(
    {
        "post_id": st.sampled_from(["p1", "p2"]),
        "account_id": st.sampled_from(["did:a", "did:b"]),
        "revision": st.sampled_from(["3r1", "3r2", "3r3"]),
        "text": st.sampled_from(["x", "y"]),
        "text_is_truncated": st.booleans(),
        "is_context": st.booleans(),
        "likes_count": st.sampled_from([None, 1, 2, 3]),
        "hour": st.integers(0, 3),
        "day": st.sampled_from(DAYS),
        "source_file": st.sampled_from(["landing/bluesky/a", "landing/bluesky/b"]),
    }
)
_GONE = st.fixed_dictionaries(
    {
        "entity": st.sampled_from(["post", "account"]),
        "target": st.integers(0, 1),
        "revision": st.sampled_from(["3r1", "3r2", "3r4"]),
        "action": st.sampled_from(["purge", "hide", "restore"]),
        "hour": st.integers(0, 9),
        "day": st.sampled_from(DAYS),
    }
)


def winners(staged: list[dict[str, Any]], gone: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """The rules of the specification, written plainly."""
    standing: dict[tuple[str, str], dict[str, Any]] = {}
    for row in gone:
        key = (row["entity"], row["record_id"])
        order = (row["action"] == "purge", row["deleted_at"], row["revision"], row["observed_at"], row["source_row"])
        if key not in standing or order > standing[key]["order"]:
            standing[key] = {**row, "order": order}
    alive = []
    for row in staged:
        record = standing.get(("post", row["post_id"]))
        account = standing.get(("account", row["account_id"]))
        if record and record["action"] != "restore" and not row["revision"] > record["revision"]:
            continue
        if account and account["action"] != "restore":
            continue
        alive.append(row)
    found = set()
    for key in {row["post_id"] for row in alive}:
        of = [row for row in alive if row["post_id"] == key]
        best = max(
            of,
            key=lambda r: (r["revision"], not r["text_is_truncated"], not r["is_context"], r["observed_at"],
                           r["source_file"], r["source_row"]),
        )  # fmt: skip
        counted = [row for row in of if row["likes_count"] is not None]
        likes = max(counted, key=lambda r: (r["observed_at"], r["source_file"], r["source_row"]), default=None)
        found.add((key, best["source_row"], best["day"], likes and likes["likes_count"]))
    return found


@pytest.fixture(scope="module")
def one_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    root: Path = tmp_path_factory.mktemp("rules")
    return Lake(Settings(data_root=str(root), profile="tiny"))


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(staged=st.lists(_CANDIDATE, min_size=1, max_size=9), gone=st.lists(_GONE, max_size=4), one_by_one=st.booleans())
def test_core_agrees_with_the_rules_written_plainly(
    one_lake: Lake, staged: list[dict[str, Any]], gone: list[dict[str, Any]], one_by_one: bool
) -> None:
    for number, row in enumerate(staged, 1):
        row |= {"source_row": number, "observed_at": at(row["day"], row.pop("hour")), "post_kind": "post"}
    for number, row in enumerate(gone, 1):
        target = row.pop("target")
        row["record_id"] = ["p1", "p2"][target] if row["entity"] == "post" else ["did:a", "did:b"][target]
        row["deleted_at"] = at(row["day"], row.pop("hour"))
        row |= {"source_row": number, "observed_at": at(row["day"])}
    stage(one_lake, "stg_bluesky__posts", staged, DAYS)
    stage(one_lake, "stg_bluesky__tombstones", gone, DAYS)
    make(one_lake, "core_tombstones", DAYS)
    for days in [[day] for day in DAYS] if one_by_one else [DAYS]:
        make(one_lake, "core_posts", days)
    assert set(rows(one_lake, "core_posts", "post_id, source_row, day, likes_count")) == winners(staged, gone)
