"""Bluesky's stream: which events carry something, when they happened, what hangs on posts."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from test_bluesky_staging import (
    ANN,
    BLOCK,
    BOB,
    CAT,
    FOLLOW,
    LIKE,
    NOON,
    POST,
    PROFILE,
    REPOST,
    as_v2,
    claim,
    commit,
    micros,
    other,
    read,
    the_post,
    tid,
    uri,
    write,
)

from sm_assets.errors import UnknownVintage
from sm_assets.sources import bluesky_stream
from sm_assets.sources.bluesky import REDACTIONS, open_file
from sm_assets.sources.bluesky_posts import normalised
from sm_assets.sources.reading import Bounds, ReadOptions

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AT_NOON = "2025-03-01T12:00:00.000000Z"
THEIRS = uri(BOB, POST, tid(NOON - HOUR))


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def an_event_of_each() -> list[dict[str, Any]]:
    return [
        commit(ANN, POST, {"text": "Grüße 🙂", "langs": ["de", "en"]}, clock=1),
        commit(ANN, LIKE, {"subject": {"uri": THEIRS, "cid": "c"}}, clock=2),
        commit(ANN, REPOST, {"subject": {"uri": THEIRS, "cid": "c"}}, clock=3),
        commit(ANN, FOLLOW, {"subject": BOB}, clock=4),
        commit(ANN, BLOCK, {"subject": CAT}, clock=5),
        commit(ANN, PROFILE, {"displayName": "Ann", "description": "Anns words"}, rkey="self", operation="update"),
        commit(ANN, POST, None, NOON + HOUR, operation="delete", rkey=tid(NOON - DAY)),
        commit(ANN, LIKE, None, NOON + HOUR, operation="delete", rkey=tid(NOON - 2 * HOUR)),
        commit(ANN, FOLLOW, None, NOON + HOUR, operation="delete", rkey="3k"),
        other(BOB, "identity", handle="bob.example"),
        other(CAT, "account", active=False, status="deleted"),
        other(BOB, "account", active=True),
    ]


def test_each_kind_of_event(tmp_path: Path) -> None:
    found = read(write(tmp_path / "events", *an_event_of_each()))
    assert (found.manifest["vintage"], found.manifest["rows_in"], found.manifest["rows_out"]) == (
        "jetstream_v1",
        12,
        12,
    )
    post = the_post(found)
    key = tid(NOON, 1)
    assert post["post_id"] == uri(ANN, POST, key)
    assert (post["account_id"], post["revision"], post["operation"], post["text"]) == (ANN, key, "create", "Grüße 🙂")
    assert (post["posted_at"], post["time_source"], post["claimed_at"]) == (naive(NOON), "client", naive(NOON))
    assert (post["language_codes"], post["post_kind"], post["media_kind"]) == (["de", "en"], "post", "none")
    assert (post["is_sensitive"], post["likes_count"], post["is_context"]) == (False, None, False)
    assert post["url"] == f"https://bsky.app/profile/{ANN}/post/{key}"
    interactions = found.staged["interactions"]
    assert [(r["kind"], r["object_post_id"], r["object_account_id"]) for r in interactions] == [
        ("like", THEIRS, BOB),
        ("repost", THEIRS, BOB),
        ("block", None, CAT),
    ]
    assert interactions[0]["interaction_id"] == uri(ANN, LIKE, tid(NOON, 2))
    (follow,) = found.staged["follows"]
    assert (follow["follower_account_id"], follow["followed_account_id"]) == (ANN, BOB)
    assert (follow["followed_at"], follow["is_snapshot"], follow["weight"]) == (naive(NOON), False, None)
    assert [(r["account_id"], r["handle"], r["display_name"]) for r in found.staged["accounts"]] == [
        (ANN, None, "Ann"),
        (BOB, "bob.example", None),
    ]
    assert found.staged["accounts"][0]["description"] == "Anns words"
    assert found.staged["accounts"][0]["account_created_at"] == naive(NOON)


def test_withdrawals(tmp_path: Path) -> None:
    statuses = [("suspended", "hide"), ("takendown", "hide"), ("deactivated", "hide"), ("deleted", "purge")]
    events = [event for event in an_event_of_each() if event.get("commit", {}).get("operation") == "delete"]
    events += [other(CAT, "account", active=False, status=status) for status, _ in statuses]
    found = read(write(tmp_path / "events", *events, other(CAT, "account", active=True)))
    rows = found.staged["tombstones"]
    later = naive(NOON + HOUR)
    assert [
        (r["entity"], r["interaction_kind"], r["record_id"], r["record_day"], r["deleted_at"]) for r in rows[:3]
    ] == [
        ("post", None, uri(ANN, POST, tid(NOON - DAY)), date(2025, 2, 28), later),
        ("interaction", "like", uri(ANN, LIKE, tid(NOON - 2 * HOUR)), date(2025, 3, 1), later),
        ("follow", None, uri(ANN, FOLLOW, "3k"), None, later),
    ]
    assert {(r["action"], r["reason"], r["account_id"]) for r in rows[:3]} == {("purge", "deleted", ANN)}
    assert rows[0]["revision"] == tid(NOON + HOUR)
    assert [(r["reason"], r["action"]) for r in rows[3:]] == [*statuses, ("reactivated", "restore")]
    assert {(r["entity"], r["record_id"], r["account_id"]) for r in rows[3:]} == {("account", CAT, CAT)}
    assert rows[3]["revision"] == "2025-03-01T12:00:00.000000Z"


def test_days_that_withdrawals_reach(tmp_path: Path) -> None:
    at = datetime(2025, 2, 10, 23, 30, tzinfo=UTC)
    delete = commit(ANN, POST, None, NOON, operation="delete", rkey=tid(at))
    found = read(write(tmp_path / "events", delete))
    # The record may be dated up to a day before its key and up to an hour behind it.
    assert found.manifest["touched_days"] == ["2025-02-09", "2025-02-10", "2025-02-11"]
    found = read(write(tmp_path / "more", delete, other(CAT, "account", active=False, status="suspended")))
    assert found.manifest["touched_days"] == ["2025-02-09", "2025-02-10", "2025-02-11", None]
    assert read(write(tmp_path / "none", commit(ANN, POST, {"text": "x"}))).manifest["touched_days"] == []


def test_what_is_ignored(tmp_path: Path) -> None:
    without_record = commit(ANN, POST, None)
    events: list[object] = [
        commit(ANN, "app.bsky.actor.status", {"status": "live"}),
        commit(ANN, "fm.teal.alpha.actor.status", {}),
        commit(ANN, "fm.teal.alpha.actor.status", None, operation="delete"),
        commit(ANN, LIKE, {"subject": {"uri": uri(BOB, "app.bsky.feed.generator", "news"), "cid": "c"}}),
        other(ANN, "identity"),
        {"did": "did:plc:x", "time_us": 1, "kind": "identity", "identity": {}},
        other(ANN, "account", active=False, status="throttled"),
        other(ANN, "account", active=False),
        other(ANN, "account"),
        # A deleted profile is not a deleted account.
        commit(ANN, PROFILE, None, operation="delete", rkey="self"),
        without_record,
        {"did": ANN, "time_us": micros(NOON), "kind": "sync"},
        {"$type": "message", "payload": {"$type": "network.bsky.jetstream.subscribeEvents#sync", "did": ANN, "seq": 1}},
        {"$type": "network.bsky.jetstream.subscribeEvents#info", "name": "OutdatedCursor"},
        {"$type": "error", "error": "ConsumerTooSlow", "message": "bye"},
    ]  # fmt: skip
    found = read(write(tmp_path / "events", *events))
    assert found.manifest["ignored"] == {
        "unknown_collection": 3,
        "non_post_subject": 1,
        "no_payload": 7,
        "stream_notice": 3,
        "error_frame": 1,
    }
    assert found.manifest["collections_ignored"] == {"app.bsky.actor.status": 1, "fm.teal.alpha.actor.status": 2}
    assert (found.rejects, found.manifest["rows_out"], found.manifest["rows_in"]) == ([], 0, 15)


def test_what_is_rejected(tmp_path: Path) -> None:
    good = commit(ANN, LIKE, {"subject": {"uri": THEIRS}})
    body = good["commit"]
    lines: list[object] = [
        good,
        '{"kind": "commit", broken',
        "",
        "17",
        {**good, "did": "ann.example"},
        {k: v for k, v in good.items() if k != "did"},
        {k: v for k, v in good.items() if k != "time_us"},
        {**good, "time_us": "yesterday"},
        {**good, "time_us": micros(datetime(2022, 10, 31, tzinfo=UTC))},
        {**good, "commit": {k: v for k, v in body.items() if k != "rkey"}},
        {**good, "commit": {k: v for k, v in body.items() if k != "collection"}},
        {**good, "commit": {**body, "operation": "upsert"}},
        commit(ANN, LIKE, {"subject": "somewhere"}),
        commit(ANN, LIKE, {}),
        commit(ANN, FOLLOW, {"subject": "bob.example"}),
        commit(ANN, BLOCK, {}),
        {"hello": "world"},
        {"$type": "message"},
    ]
    path = write(tmp_path / "events", *lines)
    path.write_bytes(path.read_bytes() + b'{"did":"did:plc:cut","time_')
    found = read(path)
    assert [(r["line"], r["record"], r["reason"]) for r in found.rejects] == [
        (2, 2, "malformed_json"),
        (4, 3, "not_an_object"),
        (5, 4, "missing_account"),
        (6, 5, "missing_account"),
        (7, 6, "bad_time"),
        (8, 7, "bad_time"),
        (9, 8, "bad_time"),
        (10, 9, "missing_key"),
        (11, 10, "missing_key"),
        (12, 11, "bad_key"),
        (13, 12, "missing_key"),
        (14, 13, "missing_key"),
        (15, 14, "missing_account"),
        (16, 15, "missing_account"),
        (17, 16, "missing_key"),
        (18, 17, "missing_key"),
        (19, 18, "truncated_record"),
    ]
    data = path.read_bytes()
    for reject in found.rejects:
        piece = data[reject["byte_offset"] : reject["byte_offset"] + reject["byte_length"]]
        assert reject["raw_excerpt"] == piece.decode()[:512]
    by_line = {reject["line"]: reject["day"] for reject in found.rejects}
    assert by_line[10] == date(2025, 3, 1)
    assert by_line[2] is by_line[7] is by_line[9] is None
    assert len(found.staged["interactions"]) == 1


def test_a_server_clock_after_the_export_is_wrong(tmp_path: Path) -> None:
    path = write(
        tmp_path / "events", commit(ANN, POST, {"text": "x"}), commit(ANN, POST, {"text": "y"}, NOON + 2 * HOUR)
    )
    found = read(path, exported_at=NOON)
    assert found.reasons == ["bad_time"]
    assert found.manifest["exported_at_origin"] == "sidecar"
    assert the_post(found)["text"] == "x"


# Whose clock is believed


@pytest.mark.parametrize(
    ("created_at", "rkey", "source", "posted_at"),
    [
        (claim(NOON), tid(NOON), "client", NOON),
        (claim(NOON + timedelta(minutes=5)), "self", "client", NOON + timedelta(minutes=5)),
        (claim(NOON + timedelta(minutes=5, milliseconds=1)), "self", "received", NOON),
        (claim(NOON - DAY), "self", "client", NOON - DAY),
        (claim(NOON - DAY - timedelta(seconds=1)), "self", "received", NOON),
        # A replayed old post: claim and key agree.
        (claim(NOON - 90 * DAY), tid(NOON - 90 * DAY + HOUR), "client", NOON - 90 * DAY),
        (claim(NOON - 90 * DAY), tid(NOON - 90 * DAY + 2 * HOUR), "key", NOON - 90 * DAY + 2 * HOUR),
        # An imported archive: an old claim under a new key.
        ("2014-05-06T07:08:09Z", tid(NOON - HOUR), "key", NOON - HOUR),
        ("2023-05-06T07:08:09Z", tid(NOON - HOUR), "key", NOON - HOUR),
        # Keys that are none: in the future, before the network began, no TID at all.
        ("2014-05-06T07:08:09Z", tid(NOON + HOUR), "received", NOON),
        ("2014-05-06T07:08:09Z", tid(datetime(2014, 5, 6, 7, 8, 9, tzinfo=UTC)), "received", NOON),
        ("yesterday", "my-post", "received", NOON),
        (None, tid(NOON - HOUR), "key", NOON - HOUR),
        ("2025-03-01T13:00:00.000+01:00", "self", "client", NOON),
        ("2025-03-01T12:00:00z", "self", "client", NOON),
        ("2025-03-01T12:00:00", "self", "received", NOON),
        ("9999-12-31T23:59:59Z", tid(NOON), "key", NOON),
        ("0001-01-01T00:00:00Z", tid(NOON), "key", NOON),
    ],
)
def test_whose_clock_is_believed(
    tmp_path: Path, created_at: str | None, rkey: str, source: str, posted_at: datetime
) -> None:
    record = {"text": "x", "createdAt": created_at}
    post = the_post(read(write(tmp_path / "events", commit(ANN, POST, record, NOON, rkey=rkey))))
    assert (post["time_source"], post["posted_at"], post["day"]) == (source, naive(posted_at), posted_at.date())
    claimed = bool(created_at) and created_at not in ("yesterday", "2025-03-01T12:00:00")
    assert (post["claimed_at"] is not None) == claimed


def test_the_bounds_are_settings(tmp_path: Path) -> None:
    path = write(tmp_path / "events", commit(ANN, POST, {"text": "x", "createdAt": claim(NOON - 2 * DAY)}, rkey="self"))
    assert the_post(read(path))["time_source"] == "received"
    assert the_post(read(path, bounds=Bounds(client_behind=3 * DAY)))["time_source"] == "client"


def test_an_update_lies_on_the_day_of_its_post(tmp_path: Path) -> None:
    rkey = tid(NOON)
    later = NOON + 3 * DAY
    events = [
        commit(ANN, POST, {"text": "first"}, NOON),
        commit(ANN, POST, {"text": "second"}, NOON, operation="update", rkey=rkey, received=later),
    ]
    posts = read(write(tmp_path / "events", *events)).staged["posts"]
    assert [(p["operation"], p["day"], p["text"], p["revision"]) for p in posts] == [
        ("create", NOON.date(), "first", rkey),
        ("update", NOON.date(), "second", tid(later)),
    ]
    assert posts[1]["observed_at"] == naive(later)
    assert posts[0]["post_id"] == posts[1]["post_id"]


def test_revisions_order_as_text() -> None:
    moments = [NOON + timedelta(microseconds=k**5) for k in range(200)]
    assert sorted(map(tid, moments)) == [tid(moment) for moment in moments]


def test_a_time_of_receipt_keeps_its_microseconds(tmp_path: Path) -> None:
    event = commit(ANN, POST, {"text": "x"})
    event["time_us"] = 1740830400123457
    observed = datetime(2025, 3, 1, 12, 0, 0, 123457)
    assert the_post(read(write(tmp_path / "a", event)))["observed_at"] == observed
    assert the_post(read(write(tmp_path / "b", as_v2(event))))["observed_at"] == observed


# Posts


def test_replies_and_quotes_are_posts_and_interactions(tmp_path: Path) -> None:
    root, quoted = uri(CAT, POST, "3root"), uri(ANN, POST, "3quoted")
    reply = {"parent": {"uri": THEIRS}, "root": {"uri": root}}
    embedded = {"$type": "app.bsky.embed.record", "record": {"uri": quoted}}
    events = [
        commit(ANN, POST, {"text": "r", "reply": reply}, clock=1),
        commit(ANN, POST, {"text": "q", "embed": embedded}, clock=2),
        commit(ANN, POST, {"text": "b", "reply": reply, "embed": {
            "$type": "app.bsky.embed.recordWithMedia", "record": embedded,
            "media": {"$type": "app.bsky.embed.images", "images": [{"alt": "one"}, {"alt": ""}, {"alt": "three"}]},
        }}, clock=3),
        commit(ANN, POST, {"text": "feed", "embed": {"$type": "app.bsky.embed.record", "record": {
            "uri": uri(BOB, "app.bsky.feed.generator", "news")}}}, clock=4),
        commit(ANN, POST, {"text": "bad", "reply": {"parent": {"uri": "nowhere"}, "root": {"uri": "7"}}}, clock=5),
    ]  # fmt: skip
    found = read(write(tmp_path / "events", *events))
    posts = found.staged["posts"]
    assert [(p["post_kind"], p["media_kind"]) for p in posts] == [
        ("reply", "none"),
        ("quote", "none"),
        ("quote", "album"),
        ("post", "none"),
        ("post", "none"),
    ]
    assert (posts[2]["parent_post_id"], posts[2]["parent_account_id"], posts[2]["root_post_id"]) == (THEIRS, BOB, root)
    assert (posts[2]["quoted_post_id"], posts[2]["quoted_account_id"]) == (quoted, ANN)
    ids = [post["post_id"] for post in posts]
    names = ("interaction_id", "kind", "object_post_id", "object_account_id")
    assert {tuple(row[name] for name in names) for row in found.staged["interactions"]} == {
        (f"{ids[0]}#reply", "reply", THEIRS, BOB),
        (f"{ids[1]}#quote", "quote", quoted, ANN),
        (f"{ids[2]}#reply", "reply", THEIRS, BOB),
        (f"{ids[2]}#quote", "quote", quoted, ANN),
    }  # fmt: skip
    assert [(m["text"], m["ordinal"], m["media_text_kind"]) for m in found.staged["post_media_text"]] == [
        ("one", 0, "alt_text"),
        ("three", 1, "alt_text"),
    ]
    assert found.manifest["repairs"] == {"reply_parent_uri/bad_url": 1, "reply_root_uri/bad_url": 1}
    assert found.rows()[4]["warnings"] == ["reply_parent_uri:bad_url", "reply_root_uri:bad_url"]


def facet(*features: dict[str, Any]) -> dict[str, Any]:
    typed = [{**feature, "$type": f"app.bsky.richtext.facet#{feature['$type']}"} for feature in features]
    return {"index": {"byteStart": 0, "byteEnd": 4}, "features": typed}


def test_what_hangs_on_a_post(tmp_path: Path) -> None:
    record = {
        "text": "🙂 #Straße @bob https://news.example/a",
        "facets": [
            facet({"$type": "tag", "tag": "Straße"}, {"$type": "link", "uri": "https://news.example/a"}),
            facet({"$type": "mention", "did": BOB}),
            facet({"$type": "link", "uri": "https://bsky.app/profile/x"}),
            facet({"$type": "shimmer"}),
        ],
        "tags": ["#ＡＢＣ ", "b"],
        "embed": {
            "$type": "app.bsky.embed.recordWithMedia",
            "record": {"record": {"uri": THEIRS}},
            "media": {
                "$type": "app.bsky.embed.external",
                "external": {"uri": "https://news.example/b?x=1", "title": 'He said "no"', "description": ""},
            },
        },
        "labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "graphic-media"}]},
    }
    found = read(write(tmp_path / "events", commit(ANN, POST, record)))
    post = the_post(found)
    assert (post["media_kind"], post["is_sensitive"], post["post_kind"], post["quoted_post_id"]) == (
        "link",
        True,
        "quote",
        THEIRS,
    )
    assert [(h["hashtag"], h["hashtag_normalised"], h["ordinal"]) for h in found.staged["post_hashtags"]] == [
        ("Straße", "strasse", 0),
        ("ＡＢＣ ", "abc", 1),
        ("b", "b", 2),
    ]
    assert [(m["mentioned_account_id"], m["mentioned_handle"]) for m in found.staged["post_mentions"]] == [(BOB, None)]
    assert [
        (k["url"], k["title"], k["description"], k["link_role"], k["ordinal"]) for k in found.staged["post_links"]
    ] == [
        ("https://news.example/a", None, None, "external", 0),
        ("https://bsky.app/profile/x", None, None, "self", 1),
        ("https://news.example/b?x=1", 'He said "no"', None, "external", 2),
    ]
    for entity in ("post_hashtags", "post_mentions", "post_links"):
        for child in found.staged[entity]:
            assert {name: child[name] for name in ("post_id", "account_id", "posted_at", "revision", "day")} == {
                name: post[name] for name in ("post_id", "account_id", "posted_at", "revision", "day")
            }
    assert found.manifest["repairs"] == {}


@pytest.mark.parametrize(
    ("embed", "medium"),
    [
        ({"$type": "app.bsky.embed.images", "images": [{"alt": "a"}]}, "photo"),
        ({"$type": "app.bsky.embed.images", "images": [{}, {}]}, "album"),
        ({"$type": "app.bsky.embed.images", "images": []}, "none"),
        ({"$type": "app.bsky.embed.video", "alt": "a", "video": {}}, "video"),
        ({"$type": "app.bsky.embed.external", "external": {"uri": "https://a.example"}}, "link"),
        ({"$type": "app.bsky.embed.record", "record": {}}, "none"),
        ({"$type": "app.bsky.embed.recordWithMedia", "media": {"$type": "app.bsky.embed.video"}}, "video"),
        ({"$type": "app.bsky.embed.gallery"}, "other"),
        (None, "none"),
    ],
)
def test_media(tmp_path: Path, embed: dict[str, Any] | None, medium: str) -> None:
    found = read(write(tmp_path / "events", commit(ANN, POST, {"text": "", "embed": embed})))
    assert the_post(found)["media_kind"] == medium
    alts = [text["text"] for text in found.staged["post_media_text"]]
    assert alts == (["a"] if "a" in json.dumps(embed).split('"') else [])


def test_parts_that_are_not_what_they_should_be_cost_only_themselves(tmp_path: Path) -> None:
    mixed = facet({"$type": "mention", "did": "bob"}, {"$type": "link"}, {"$type": "tag", "tag": "ok"})
    record = {
        "text": "kept",
        "langs": ["en", 7],
        "facets": [1, {"features": [{"$type": 3}, 5]}, mixed],
        "tags": {"a": 1},
        "labels": ["x"],
        "embed": {"$type": "app.bsky.embed.images", "images": "none", "external": {"uri": " "}},
    }  # fmt: skip
    found = read(write(tmp_path / "events", commit(ANN, POST, record)))
    post = the_post(found)
    assert (post["text"], post["language_codes"], post["is_sensitive"], post["media_kind"]) == (
        "kept",
        ["en"],
        False,
        "none",
    )
    assert [tag["hashtag"] for tag in found.staged["post_hashtags"]] == ["ok"]
    assert found.manifest["repairs"] == {
        "embed/bad_list": 1,
        "embed/bad_url": 1,
        "facets/bad_list": 1,
        "facets/bad_url": 1,
        "labels/bad_list": 1,
        "langs/bad_list": 1,
        "tags/bad_list": 1,
    }
    (row,) = found.rows()
    assert set(row["warnings"]) == {repair.replace("/", ":") for repair in found.manifest["repairs"]}
    assert row["langs"] == '["en",7]'


def test_objects_and_lists_are_no_texts(tmp_path: Path) -> None:
    external = {"uri": {"a": 1}, "title": ["t"], "description": "[kept]"}
    embed = {"$type": "app.bsky.embed.external", "external": external}
    events = [
        commit(ANN, POST, {"text": {"a": 1}, "embed": embed}),
        commit(ANN, POST, {"text": '{"a": 1}'}, clock=1),
        commit(ANN, POST, {"text": "[a]", "embed": {"$type": "app.bsky.embed.video", "alt": ["b"]}}, clock=2),
        commit(ANN, PROFILE, {"displayName": ["Ann"], "description": "{me}"}, rkey="self"),
    ]
    found = read(write(tmp_path / "v1", *events))
    assert [post["text"] for post in found.staged["posts"]] == [None, '{"a": 1}', "[a]"]
    assert (found.staged["post_links"], found.staged["post_media_text"]) == ([], [])
    assert [(a["display_name"], a["description"]) for a in found.staged["accounts"]] == [(None, "{me}")]
    assert found.manifest["repairs"] == {"display_name/bad_list": 1, "embed/bad_list": 2, "text/bad_list": 1}
    assert [row["warnings"] for row in found.rows()] == [
        ["text:bad_list", "embed:bad_list"],
        None,
        ["embed:bad_list"],
        ["display_name:bad_list"],
    ]
    other_form = read(write(tmp_path / "v2", *(as_v2(event) for event in events)))
    assert other_form.rows(placed=False) == found.rows(placed=False)


def test_orders_to_the_network_are_no_warning_to_readers(tmp_path: Path) -> None:
    labels = {"values": [{"val": "!no-unauthenticated"}]}
    assert (
        the_post(read(write(tmp_path / "events", commit(ANN, POST, {"text": "x", "labels": labels}))))["is_sensitive"]
        is False
    )


def test_posts_without_langs_or_text(tmp_path: Path) -> None:
    path = write(tmp_path / "events", commit(ANN, POST, {"text": ""}), commit(ANN, POST, {"text": "NA"}, clock=1))
    posts = read(path).staged["posts"]
    assert [(p["text"], p["language_codes"]) for p in posts] == [(None, None), ("NA", None)]


def test_hashtags_as_every_platform_compares_them() -> None:
    assert [normalised(tag) for tag in ("Straße", "ＣＡＴ", " ŒUVRE ", "ﬁn", "İ")] == [
        "strasse",
        "cat",
        "œuvre",
        "fin",
        "i̇",
    ]


def test_damaged_text_is_mended_and_counted(tmp_path: Path) -> None:
    line = json.dumps(commit(ANN, POST, {"text": "a|b|c|d"})).encode()
    path = write(tmp_path / "events", line.replace(b"a|b|c|d", b"a\\u0000b\\ud800c\xffd \xc3\xa9"))
    found = read(path)
    assert the_post(found)["text"] == "ab\ufffdc\ufffdd é"
    assert found.manifest["repairs"] == {"record/nul": 1, "record/invalid_utf8": 1, "record/lone_surrogate": 1}
    assert found.manifest["encoding"] == "utf-8"


def test_profiles_with_impossible_birthdays(tmp_path: Path) -> None:
    events = [
        commit(ANN, PROFILE, {"displayName": "a", "createdAt": "1970-01-01T00:00:00Z"}, rkey="self"),
        commit(BOB, PROFILE, {"displayName": "b", "createdAt": "soon"}, rkey="self"),
        commit(CAT, PROFILE, {"displayName": "c", "createdAt": "2023-01-01T00:00:00Z"}, rkey="self"),
    ]
    found = read(write(tmp_path / "events", *events))
    assert [a["account_created_at"] for a in found.staged["accounts"]] == [None, None, datetime(2023, 1, 1)]
    assert {a["day"] for a in found.staged["accounts"]} == {NOON.date()}
    assert found.manifest["repairs"] == {"created_at/bad_time": 2}


# Forms of files


def test_both_versions_give_the_same_rows(tmp_path: Path) -> None:
    events = an_event_of_each()
    events.append(
        commit(
            ANN,
            POST,
            {"text": "x", "reply": {"parent": {"uri": THEIRS}}, "tags": ["t"], "labels": {"values": [{"val": "a"}]}},
        )
    )
    first = read(write(tmp_path / "v1", *events))
    second = read(write(tmp_path / "v2", *map(as_v2, events)))
    bare = read(write(tmp_path / "bare", *(as_v2(event, bare=True) for event in events)))
    mixed = read(write(tmp_path / "mixed", *(as_v2(event) if k % 2 else event for k, event in enumerate(events))))
    assert [r.manifest["vintage"] for r in (first, second, bare, mixed)] == [
        "jetstream_v1", "jetstream_v2", "jetstream_v2", "jetstream_v1",
    ]  # fmt: skip
    rows = first.rows(placed=False)
    assert len(rows) == len(events)
    assert second.rows(placed=False) == bare.rows(placed=False) == mixed.rows(placed=False) == rows


def test_upstream_events_inside_payloads(tmp_path: Path) -> None:
    prefix = "network.bsky.jetstream.subscribeEvents#"
    inner = [
        {"$type": f"{prefix}identity", "did": BOB, "time": AT_NOON, "identity": {"handle": "bob.example"}},
        {"$type": f"{prefix}account", "did": BOB, "time": AT_NOON, "account": {"active": False, "status": "suspended"}},
    ]  # fmt: skip
    found = read(write(tmp_path / "events", *({"$type": "message", "payload": payload} for payload in inner)))
    assert [a["handle"] for a in found.staged["accounts"]] == ["bob.example"]
    assert [t["reason"] for t in found.staged["tombstones"]] == ["suspended"]


def test_compression_and_line_ends_change_nothing(tmp_path: Path) -> None:
    plain = write(tmp_path / "events", *an_event_of_each())
    rows = read(plain).rows(placed=False)
    data = plain.read_bytes()
    half = data.index(b"\n", len(data) // 2) + 1
    (tmp_path / "events.gz").write_bytes(gzip.compress(data[:half]) + gzip.compress(data[half:]))
    frames = [pa.compress(part, "zstd", asbytes=True) for part in (data[:half], data[half:])]
    (tmp_path / "events.zst").write_bytes(b"".join(frames))
    (tmp_path / "crlf").write_bytes(b"\xef\xbb\xbf\r\n" + data.replace(b"\n", b"\r\n\r\n"))
    (tmp_path / "array.json").write_bytes(b"[\n" + b",\n".join(data.splitlines()) + b"\n]\n")
    (tmp_path / "wide").write_bytes(data.decode().encode("utf-16"))
    for name in ("events.gz", "events.zst", "crlf", "array.json", "wide"):
        found = read(tmp_path / name)
        assert found.rows(placed=False) == rows, name
        assert found.rejects == []
    assert read(tmp_path / "events.gz").manifest["compression"] == "gzip"


def test_a_cut_stream_keeps_what_came_before(tmp_path: Path) -> None:
    data = write(
        tmp_path / "events", *(commit(ANN, POST, {"text": f"number {k}"}, clock=k) for k in range(500))
    ).read_bytes()
    (tmp_path / "cut.gz").write_bytes(gzip.compress(data)[:-400])
    found = read(tmp_path / "cut.gz")
    assert set(found.reasons) <= {"truncated_stream", "truncated_record"}
    assert "truncated_stream" in found.reasons
    texts = [post["text"] for post in found.staged["posts"]]
    assert 0 < len(texts) < 500
    assert texts == [f"number {k}" for k in range(len(texts))]


def test_several_events_on_a_line(tmp_path: Path) -> None:
    events = [json.dumps(event) for event in an_event_of_each()]
    found = read(write(tmp_path / "events", events[0] + events[1], events[2]))
    assert [(r["source_row"], r["source_item"], r["source_line"]) for r in found.rows()] == [
        (1, 0, 1),
        (1, 1, 1),
        (2, 0, 2),
    ]


def test_windows_and_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(
        tmp_path / "events", *(commit(ANN, POST, {"text": "x" * (k % 50)}, clock=k % 1024) for k in range(300))
    )
    whole = read(path).rows()
    monkeypatch.setattr(bluesky_stream, "CHUNK_ROWS", 7)
    with open_file(path, ReadOptions()) as reader:
        sizes = [len(chunk.records["events"]) for chunk in reader if "events" in chunk.records]
    assert (max(sizes), sum(sizes)) == (7, 300)
    assert read(path).rows() == whole


def test_folders_of_day_and_hour(tmp_path: Path) -> None:
    path = write(
        tmp_path / "01" / "12" / "part-0",
        commit(ANN, POST, {"text": "x"}),
        commit(ANN, POST, {"text": "y"}, NOON + HOUR),
    )
    found = read(path, place="bluesky/01/12/part-0")
    assert (found.manifest["vintage"], found.manifest["coverage_kind"]) == ("dd_hh", "declared")
    assert found.manifest["notices"] == [
        "1 of 2 events were not received in hour 12 of day 01, as the file's folders say; days are those of the events"
    ]
    assert read(path, place="bluesky/demo/part-0").manifest["vintage"] == "jetstream_v1"
    assert read(path, place="bluesky/41/12/part-0").manifest["vintage"] == "jetstream_v1"


def test_files_that_are_something_else(tmp_path: Path) -> None:
    path = write(tmp_path / "tweets", {"id_str": "1", "user": {}, "text": "x"})
    with pytest.raises(UnknownVintage, match=r"did, time_us, kind.*id_str, user, text"):
        open_file(path, ReadOptions())
    path = write(tmp_path / "table", "a,b,text", "1,2,3")
    with pytest.raises(UnknownVintage, match=r"a, b, text.*search_posts, which also needs uri"):
        open_file(path, ReadOptions())
    path = write(tmp_path / "broken", "{{{{", "{{{{")
    with pytest.raises(UnknownVintage, match="no line is a whole JSON object"):
        open_file(path, ReadOptions())


def test_a_file_without_events(tmp_path: Path) -> None:
    found = read(write(tmp_path / "blank", "", "  ", ""))
    assert (found.manifest["vintage"], found.manifest["rows_in"], found.manifest["rows_out"]) == ("empty", 0, 0)


def test_the_first_event_may_come_late(tmp_path: Path) -> None:
    found = read(write(tmp_path / "events", "broken", {"hello": 1}, commit(ANN, POST, {"text": "x"})))
    assert (found.reasons, found.manifest["vintage"]) == (["malformed_json", "missing_key"], "jetstream_v1")


# Purges


def test_words_of_purged_records_can_be_found(tmp_path: Path) -> None:
    found = read(write(tmp_path / "events", *an_event_of_each()))
    con = duckdb.connect()
    con.register("records", found.raw["events"])
    rule = REDACTIONS["events"]
    assert con.execute(f"select * from ({rule.withdrawn}) order by all").fetchall() == [
        ("account", CAT, CAT, None),
        ("follow", uri(ANN, FOLLOW, "3k"), ANN, tid(NOON + HOUR)),
        ("interaction", uri(ANN, LIKE, tid(NOON - 2 * HOUR)), ANN, tid(NOON + HOUR)),
        ("post", uri(ANN, POST, tid(NOON - DAY)), ANN, tid(NOON + HOUR)),
    ]
    for kind, kind_rule in REDACTIONS.items():
        con.register("records", found.raw[kind])
        con.execute(
            f"select {kind_rule.post}, {kind_rule.account}, {kind_rule.revision or 'null'} from records"
        ).fetchall()
        names = set(found.raw[kind].column_names)
        assert set(kind_rule.columns) <= names
        # All that people wrote is named: what is left are ids, times, numbers and kinds.
        left = names - set(kind_rule.columns)
        assert not left & {
            "text",
            "embed",
            "facets",
            "tags",
            "display_name",
            "profile_description",
            "links",
            "alt_texts",
            "hashtags",
        }
    con.register("records", found.raw["events"])
    assert con.execute(f"select {rule.post} from records where text is not null").fetchall() == [
        (uri(ANN, POST, tid(NOON, 1)),)
    ]


def test_words_that_a_later_line_of_the_file_purges_are_not_kept(tmp_path: Path) -> None:
    lines = []
    for number, (rkey, rev) in enumerate(
        [("gone", "3kaaaaaaaaaa2"), ("new", "3kaaaaaaaaaa9"), ("kept", "3kaaaaaaaaaa2")]
    ):
        record = {
            "$type": "app.bsky.feed.post",
            "text": f'Words with "delete" in {rkey}.',
            "createdAt": "2024-03-01T12:00:00Z",
        }
        commit = {"rev": rev, "operation": "create", "collection": "app.bsky.feed.post", "rkey": rkey, "record": record}
        lines.append(
            {
                "did": "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
                "time_us": 1_709_294_400_000_000 + number,
                "kind": "commit",
                "commit": commit,
            }
        )
    for number, rkey in enumerate(("gone", "new")):
        commit = {"rev": "3kaaaaaaaaaa5", "operation": "delete", "collection": "app.bsky.feed.post", "rkey": rkey}
        lines.append(
            {
                "did": "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
                "time_us": 1_709_294_500_000_000 + number,
                "kind": "commit",
                "commit": commit,
            }
        )
    profile = {"$type": "app.bsky.actor.profile", "displayName": "Gone", "createdAt": "2024-03-01T12:00:00Z"}
    commit = {
        "rev": "3kaaaaaaaaaa2",
        "operation": "create",
        "collection": "app.bsky.actor.profile",
        "rkey": "self",
        "record": profile,
    }
    lines.append(
        {
            "did": "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb",
            "time_us": 1_709_294_600_000_000,
            "kind": "commit",
            "commit": commit,
        }
    )
    account = {
        "did": "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb",
        "active": False,
        "status": "deleted",
        "seq": 1,
        "time": "2024-03-01T13:00:00Z",
    }
    lines.append(
        {
            "did": "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb",
            "time_us": 1_709_294_700_000_000,
            "kind": "account",
            "account": account,
        }
    )
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with open_file(path, ReadOptions(place="bluesky/events.jsonl")) as reader:
        rows = [row for chunk in reader for batch in chunk.records.values() for row in batch.to_pylist()]
        manifest = reader.manifest
    texts = {row["rkey"]: row["text"] for row in rows if row["rkey"] and row["parsed"]["entity"] == "post"}
    # What is newer than its purge stands.
    assert texts == {"gone": None, "new": 'Words with "delete" in new.', "kept": 'Words with "delete" in kept.'}
    assert [row["display_name"] for row in rows if row["rkey"] == "self"] == [None]
    assert (manifest["rows_withheld"], manifest["purges_applied"]) == (2, 3)
    assert manifest["rows_in"] == manifest["rows_out"] == 7
