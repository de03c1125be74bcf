"""Cells of tweets, users and withdrawals of Twitter: ids, times, edits, links, counts, deletions, purges."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from test_twitter_staging import (
    ANN,
    BOB,
    CAT,
    NOON,
    SEEN,
    Read,
    activity,
    an_id,
    moment,
    page,
    read,
    reasons,
    v1,
    v2,
    v2_user,
    write,
)

from sm_assets.contracts import TABLES
from sm_assets.sources.purges import _condition
from sm_assets.sources.twitter import REDACTIONS
from sm_assets.sources.twitter_fields import Link, link_role, micros_of, normalised


def one(found: Read, entity: str = "posts") -> dict[str, Any]:
    (row,) = found.staged[entity]
    return row


def post(tmp_path: Path, record: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """(the staged post of the record, repairs)."""
    found = read(write(tmp_path / "x.jsonl", record))
    assert found.rejects == []
    return one(found), found.manifest["repairs"]


# ---------------------------------------------------------------------------------------------------------- ids, times


def test_id_str_holds_where_id_was_rounded(tmp_path: Path) -> None:
    tweet = an_id(0, 160)
    record = v1(tweet, in_reply_to_status_id=int(an_id(-5)) // 100 * 100, in_reply_to_status_id_str=an_id(-5, 7))
    row, _ = post(tmp_path, record | {"id": int(tweet) + 40})
    assert (row["post_id"], row["parent_post_id"]) == (tweet, an_id(-5, 7))
    del record["id_str"], record["in_reply_to_status_id_str"]
    row, _ = post(tmp_path, record | {"id": int(tweet)})
    assert row["post_id"] == tweet


def test_posted_at_is_the_time_in_the_id_where_it_agrees(tmp_path: Path) -> None:
    row, repairs = post(tmp_path, v1(an_id()))
    assert (row["posted_at"], row["time_source"], repairs) == (NOON.replace(tzinfo=None), "platform", {})
    row, repairs = post(tmp_path, v1(an_id(), created_at="Mon Mar 01 12:00:02 +0000 2021"))
    assert row["posted_at"] == datetime(2021, 3, 1, 12, 0, 2)
    assert repairs == {"created_at/time_disagrees": 1}
    # Ids that hold no time.
    row, repairs = post(tmp_path, v1("20", created_at="Tue Mar 21 20:50:14 +0000 2006"))
    assert (row["posted_at"], row["revision"], repairs) == (datetime(2006, 3, 21, 20, 50, 14), "20".zfill(20), {})
    for created, expected in ((None, {}), ("yesterday", {"created_at/bad_time": 1})):
        row, repairs = post(tmp_path, page(v2(an_id(), created_at=created)))
        assert (row["posted_at"], row["time_source"], repairs) == (NOON.replace(tzinfo=None), "key", expected)
    # Nothing tells when the profile was seen either.
    assert reasons(read(write(tmp_path / "y", v1("20", created_at=None)))) == ["bad_time", "bad_time"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tue Jul 18 23:25:04 +0000 2017", datetime(2017, 7, 18, 23, 25, 4)),
        ("Tue Jul 18 23:25:04 -0330 2017", datetime(2017, 7, 19, 2, 55, 4)),
        ("2017-07-18T23:25:04.000Z", datetime(2017, 7, 18, 23, 25, 4)),
        ("2017-07-18T23:25:04.5+02:00", datetime(2017, 7, 18, 21, 25, 4, 500_000)),
        ("2017-07-18T23:25:04", None),
        ("Tue Foo 18 23:25:04 +0000 2017", None),
        ("Tue Feb 30 23:25:04 +0000 2017", None),
        ("", None),
    ],
)
def test_times(text: str, expected: datetime | None) -> None:
    micros = None if expected is None else round(expected.replace(tzinfo=UTC).timestamp() * 1e6)
    assert micros_of(text) == micros


def test_when_things_were_seen(tmp_path: Path) -> None:
    tweet, inner = an_id(), an_id(-999, when=datetime(2020, 1, 1, tzinfo=UTC))
    created = NOON.replace(microsecond=0, tzinfo=None)
    for record in (
        v1(tweet, quoted_status=v1(inner, BOB)),
        activity(tweet, twitter_quoted_status=activity(inner, BOB)),
    ):
        found = read(write(tmp_path / "x", record))
        rows = found.staged["posts"] + found.staged["accounts"]
        assert {row["observed_at"] for row in rows} == {created}
        assert {row["day"] for row in found.staged["accounts"]} == {date(2021, 3, 1)}
        assert {row["day"] for row in found.staged["posts"]} == {date(2021, 3, 1), moment(inner).date()}
    assert one(read(write(tmp_path / "x", page(v2(tweet)))))["observed_at"] == datetime(2021, 3, 2, 8)
    # Without a time of retrieval: the sidecar's, else the last event of the whole file, for all of its rows.
    bare = write(tmp_path / "y", v2(tweet, author=v2_user()), v2(an_id(86_400), BOB, author=v2_user(BOB)))
    for options, seen in (({}, moment(an_id(86_400))), ({"exported_at": datetime(2022, 1, 1, tzinfo=UTC)},) * 2):
        expected = seen["exported_at"] if isinstance(seen, dict) else seen
        found = read(bare, **options)
        rows = found.staged["posts"] + found.staged["accounts"]
        assert {row["observed_at"] for row in rows} == {expected.replace(tzinfo=None)}
        assert {row["day"] for row in found.staged["accounts"]} == {expected.date()}
    assert found.manifest["exported_at"] == "2022-01-01T00:00:00+00:00"
    assert found.manifest["exported_at_origin"] == "stated"


# --------------------------------------------------------------------------------------------------------- the versions


def test_versions_of_a_tweet_are_one_post_on_one_day(tmp_path: Path) -> None:
    midnight = datetime(2022, 10, 3, 23, 59, 50, tzinfo=UTC)
    first, second = an_id(when=midnight), an_id(30, when=midnight)
    both = {"edit_history_tweet_ids": [first, second]}
    quoting = v2(
        an_id(60, when=midnight),
        BOB,
        referenced_tweets=[{"type": "quoted", "id": second}],
        entities={"urls": [{"url": "u", "expanded_url": f"https://twitter.com/a/status/{first}"}]},
    )
    whole = page(v2(second, text="new", **both), quoting, includes={"tweets": [v2(first, text="old", **both)]})
    whole["__twarc"]["retrieved_at"] = "2022-10-04T08:00:00+00:00"
    found = read(write(tmp_path / "x", whole))
    new, quote, old = found.staged["posts"]
    assert (new["post_id"], old["post_id"]) == (first, first)
    assert (new["revision"], old["revision"]) == (second.zfill(20), first.zfill(20))
    assert (new["operation"], old["operation"]) == ("update", "create")
    assert new["alias_ids"] == old["alias_ids"] == [first, second]
    assert new["day"] == old["day"] == midnight.date()
    assert new["posted_at"] == old["posted_at"]
    assert new["url"].endswith(second)
    assert (quote["quoted_post_id"], quote["quoted_account_id"], quote["alias_ids"]) == (second, ANN, None)
    assert one(found, "post_links")["link_role"] == "quote"
    found = read(write(tmp_path / "y", page(v2(an_id(), edit_history_tweet_ids=[an_id(), "x"]))))
    assert (one(found)["alias_ids"], found.manifest["repairs"]) == (None, {"edit_history/bad_list": 1})
    # A history that lacks its own tweet, and one that tells the first version apart.
    found = read(write(tmp_path / "z", page(v2(an_id(9), edit_history_tweet_ids=[an_id()]))))
    assert (one(found)["post_id"], one(found)["alias_ids"]) == (an_id(), [an_id(), an_id(9)])
    apart = {"initial_tweet_id": an_id(), "edit_tweet_ids": [an_id(9)]}
    found = read(write(tmp_path / "v1", v1(an_id(9), edit_history=apart)))
    assert (one(found)["post_id"], one(found)["alias_ids"]) == (an_id(), [an_id(), an_id(9)])


def test_a_retweet_is_no_post_and_quotes_nothing(tmp_path: Path) -> None:
    tweet, original, quoted = an_id(), an_id(-60), an_id(-600)
    inner = v1(original, BOB, "the whole text", quoted_status_id_str=quoted)
    outer = {"quoted_status_id_str": quoted, "quoted_status": v1(quoted, CAT, "q"), "text": "RT @b: the wh…"}
    streams = activity(original, BOB, "the whole text")
    shared = activity(tweet, verb="share", object=streams, twitter_quoted_status=activity(quoted, CAT, "q"))
    for record in (
        v1(tweet, retweeted_status=inner, **outer),
        v1(tweet, retweeted_status=inner | {"quoted_status": v1(quoted, CAT, "q")}, **outer),
        shared,
        shared | {"object": streams | {"twitter_quoted_status": activity(quoted, CAT, "q")}},
    ):
        found = read(write(tmp_path / "x", record))
        assert {row["post_id"]: row["text"] for row in found.staged["posts"]} == {
            original: "the whole text",
            quoted: "q",
        }
        assert len(found.staged["posts"]) == 2
        acts = sorted(
            (a["kind"], a["account_id"], a["object_post_id"], a["object_account_id"])
            for a in found.staged["interactions"]
        )
        assert acts == [("quote", BOB, quoted, CAT), ("repost", ANN, original, BOB)]
        repost = next(a for a in found.staged["interactions"] if a["kind"] == "repost")
        assert (repost["interaction_id"], repost["is_context"]) == (tweet, False)


def test_what_is_referred_to_need_not_be_there(tmp_path: Path) -> None:
    record = v1(an_id(), quoted_status_id_str=an_id(-60), in_reply_to_status_id_str=an_id(-90))
    found = read(write(tmp_path / "x", record))
    assert [(a["kind"], a["object_account_id"]) for a in found.staged["interactions"]] == [
        ("reply", None),
        ("quote", None),
    ]
    assert one(found)["post_kind"] == "quote"
    lost = page(v2(an_id(), referenced_tweets=[{"type": "retweeted", "id": an_id(-60)}]))
    found = read(write(tmp_path / "y", lost))
    assert found.staged["posts"] == []
    assert one(found, "interactions")["object_account_id"] is None
    # Addressing somebody is no reply.
    assert one(read(write(tmp_path / "z", page(v2(an_id(), in_reply_to_user_id=BOB)))))["parent_account_id"] is None


# ---------------------------------------------------------------------------------------------------------- other cells


@pytest.mark.parametrize(
    ("record", "text", "is_truncated"),
    [
        (v1(an_id(), text="short…", truncated=True), "short…", True),
        (v1(an_id(), text="short…", truncated=True, extended_tweet={"full_text": "long"}), "long", False),
        (v1(an_id(), full_text="full", text="short"), "full", False),
        (v1(an_id(), text=None), None, False),
        (v1(an_id(), text=""), None, False),
        (v1(an_id(), text=" null "), " null ", False),
        (page(v2(an_id(), text="&lt;a&gt; &amp;amp; &quot;&nbsp;")), "<a> &amp; &quot;&nbsp;", False),
        (
            activity(
                an_id(),
                text="short… https://t.co/x",
                twitter_entities={"urls": [{"expanded_url": f"https://twitter.com/i/web/status/{an_id()}"}]},
            ),
            "short… https://t.co/x",
            True,
        ),
    ],
)
def test_texts(tmp_path: Path, record: dict[str, Any], text: str | None, is_truncated: bool) -> None:
    row, _ = post(tmp_path, record)
    assert (row["text"], row["text_is_truncated"]) == (text, is_truncated)


@pytest.mark.parametrize(
    ("link", "role"),
    [
        (Link("u", "https://a.example/status/1"), "external"),
        (Link("u", "https://twitter.com/a/status/2?s=20"), "quote"),
        (Link("u", "https://mobile.twitter.com/a/statuses/2"), "quote"),
        (Link("u", "https://x.com/a/status/1/photo/1"), "media"),
        (Link("u", "https://twitter.com/a/status/9/video/1"), "self"),
        (Link("u", "https://twitter.com/a/status/9/photo/1", media_key="3_1"), "media"),
        (Link("u", "https://twitter.com/i/web/status/1"), "self"),
        (Link("u", "https://nottwitter.com/a/status/2"), "external"),
        (Link("https://t.co/x"), "external"),
    ],
)
def test_roles_of_links(link: Link, role: str) -> None:
    assert link_role(link, frozenset("1"), frozenset("2")) == role


def test_hashtags_are_folded() -> None:
    assert [normalised(tag) for tag in ("ＡＢＣ", "STRAẞE", " x ", "ﬁn")] == ["abc", "strasse", "x", "fin"]


@pytest.mark.parametrize(
    ("media", "kind", "seconds"),
    [
        ([], "none", None),
        ([{"media_key": "3_1", "type": "photo"}], "photo", None),
        ([{"media_key": "3_1", "type": "photo"}, {"media_key": "3_2", "type": "photo"}], "album", None),
        ([{"media_key": "7_1", "type": "video", "duration_ms": 1500}], "video", 1.5),
        ([{"media_key": "16_1"}], "video", None),
        ([{"media_key": "99_1"}], "other", None),
    ],
)
def test_media(tmp_path: Path, media: list[dict[str, Any]], kind: str, seconds: float | None) -> None:
    keys = {"attachments": {"media_keys": [medium["media_key"] for medium in media]}}
    known = [medium for medium in media if "type" in medium]
    for record in (page(v2(an_id(), **keys), includes={"media": known}), v2(an_id(), attachments={"media": media})):
        row, _ = post(tmp_path, record)
        assert (row["media_kind"], row["video_duration_seconds"]) == (kind, seconds)
    row, _ = post(tmp_path, page(v2(an_id(), attachments={"poll_ids": ["1"]})))
    assert row["media_kind"] == "poll"
    medium = {"type": "video", "video_info": {"duration_millis": 2000}, "ext_alt_text": "a cat"}
    found = read(write(tmp_path / "y", v1(an_id(), extended_entities={"media": [medium]})))
    assert one(found)["video_duration_seconds"] == 2
    assert one(found, "post_media_text")["text"] == "a cat"


def test_counts_and_other_cells(tmp_path: Path) -> None:
    row, repairs = post(tmp_path, page(v2(an_id(), lang="und", possibly_sensitive=True)))
    names = ("shares_count", "likes_count", "comments_count", "quotes_count", "views_count")
    assert [row[name] for name in names] == [1, 2, 3, 4, 5]
    assert (row["language_codes"], row["is_sensitive"], row["account_followers_count"]) == (None, True, None)
    row, repairs = post(
        tmp_path,
        v1(an_id(), retweet_count=-1, favorite_count="many", place={"country_code": "Chile"}, possibly_sensitive="no"),
    )
    assert repairs == {
        "like_count/bad_number": 1,
        "place_country/bad_country": 1,
        "possibly_sensitive/bad_number": 1,
        "retweet_count/bad_number": 1,
    }
    assert [row[name] for name in names] == [None] * 5
    assert (row["country_code"], row["is_sensitive"], row["account_followers_count"]) == (None, None, 7)
    raw = read(tmp_path / "x.jsonl").rows("tweets")[0]
    assert (raw["retweet_count"], raw["like_count"], len(raw["warnings"])) == ("-1", "many", 4)


def test_ids_in_rules_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    write(path, {"data": v2(an_id()), "matching_rules": [{"id": 1377649934414049283, "tag": "t"}]})
    assert read(path).rows("tweets")[0]["matching_rules"] == '[{"id":"1377649934414049283","tag":"t"}]'


def test_profiles(tmp_path: Path) -> None:
    site = {"entities": {"url": {"urls": [{"url": "https://t.co/s", "expanded_url": "https://s.example"}]}}}
    new = v2_user(
        created_at="2016-12-31T19:30:52.000Z", description="A & B", location="There", url="https://t.co/s",
        verified=True, protected=False, **site,
    )  # fmt: skip
    new["public_metrics"] |= {"following_count": 8, "tweet_count": 9}
    old = {
        "id_str": ANN, "id": 1, "screen_name": "Name1", "name": "N", "description": "A & B", "location": "There",
        "url": "https://t.co/s", "followers_count": 7, "friends_count": 8, "statuses_count": 9, "verified": True,
        "protected": False, "created_at": "Sat Dec 31 19:30:52 +0000 2016", **site,
    }  # fmt: skip
    actor = {
        "id": f"id:twitter.com:{ANN}", "preferredUsername": "Name1", "displayName": "N", "summary": "A & B",
        "location": {"displayName": "There"}, "links": [{"href": "https://s.example", "rel": "me"}],
        "followersCount": 7, "friendsCount": 8, "statusesCount": 9, "verified": True,
        "postedTime": "2016-12-31T19:30:52.362Z",
    }  # fmt: skip
    for record, is_protected in (
        (page(v2(an_id()), includes={"users": [new]}), False),
        (v1(an_id(), user=old), False),
        (activity(an_id(), actor=actor), None),
    ):
        row = one(read(write(tmp_path / "x", record)), "accounts")
        assert [row[name] for name in ("account_id", "handle", "display_name", "description", "location", "url")] == [
            ANN, "Name1", "N", "A & B", "There", "https://s.example",
        ]  # fmt: skip
        assert [row[name] for name in ("followers_count", "following_count", "posts_count")] == [7, 8, 9]
        assert (row["is_verified"], row["is_protected"]) == (True, is_protected)
        assert row["account_created_at"] == datetime(2016, 12, 31, 19, 30, 52)


def test_mentions_find_their_ids_in_the_page(tmp_path: Path) -> None:
    mentions = {"mentions": [{"username": "NAME2"}, {"username": "gone"}, {"username": "x", "id": CAT}]}
    found = read(write(tmp_path / "x", page(v2(an_id(), entities=mentions), includes={"users": [v2_user(BOB)]})))
    pairs = [(row["mentioned_account_id"], row["mentioned_handle"]) for row in found.staged["post_mentions"]]
    assert pairs == [(BOB, None), (None, "gone"), (CAT, None)]
    # A mere mention is no profile; an expanded one is.
    assert len(found.staged["accounts"]) == 1
    expanded = {"mentions": [v2_user(BOB, start=0, end=5), {"username": "gone"}]}
    found = read(write(tmp_path / "y", v2(an_id(), entities=expanded, author=v2_user())))
    assert {row["account_id"] for row in found.staged["accounts"]} == {ANN, BOB}


# -------------------------------------------------------------------------------------------------------- withdrawals


def test_compliance_rows(tmp_path: Path) -> None:
    tweet = an_id()
    born = f"{moment(tweet):%Y-%m-%dT%H:%M:%S}.250Z"
    row = {"id": tweet, "action": "delete", "created_at": born, "reason": "deleted", "redacted_at": SEEN}
    found = read(write(tmp_path / "unnamed.jsonl", row))
    stone = one(found, "tombstones")
    assert (stone["entity"], stone["record_id"], stone["action"], stone["reason"]) == (
        "post",
        tweet,
        "purge",
        "deleted",
    )
    assert (stone["deleted_at"], stone["record_day"]) == (datetime(2021, 3, 2, 8), date(2021, 3, 1))
    assert stone["day"] == date(2021, 3, 2)
    # Withdrawals sort behind all revisions of all tweets.
    assert stone["revision"] > "9223372036854775807".zfill(20)
    off = row | {"created_at": born.replace("250", "251")}
    assert reasons(read(write(tmp_path / "unnamed.jsonl", off))) == ["ambiguous_entity"]
    assert one(read(write(tmp_path / "tweets.jsonl", off)), "tombstones")["entity"] == "post"
    user = one(read(write(tmp_path / "Users_1.jsonl", off)), "tombstones")
    assert (user["entity"], user["account_id"], user["record_day"]) == ("account", tweet, None)
    assert reasons(read(write(tmp_path / "users_of_tweets.jsonl", off))) == ["ambiguous_entity"]
    place = {"place": "twitter/2021/users.jsonl"}
    assert one(read(write(tmp_path / "copy", off), **place), "tombstones")["entity"] == "account"
    for reason, action in (("protected", "hide"), ("deactivated", "hide"), ("suspended", "hide"), ("new", "hide")):
        stone = one(read(write(tmp_path / "tweets.jsonl", row | {"reason": reason})), "tombstones")
        assert stone["action"] == action
    found = read(write(tmp_path / "tweets.jsonl", row | {"reason": "scrub_geo"}))
    assert (found.manifest["ignored"], found.staged["tombstones"]) == ({"stream_notice": 1}, [])


@pytest.mark.parametrize(
    ("name", "entity"),
    [
        ("retweeters.jsonl", None),
        ("supertweets.jsonl", None),
        ("Tweets.jsonl", "post"),
        ("2022_tweet-compliance.jsonl", "post"),
        ("my_users2", "account"),
    ],
)
def test_words_in_file_names_are_words(tmp_path: Path, name: str, entity: str | None) -> None:
    row = {"id": BOB, "action": "delete", "created_at": SEEN, "reason": "deleted", "redacted_at": SEEN}
    found = read(write(tmp_path / name, row))
    assert [stone["entity"] for stone in found.staged["tombstones"]] == ([entity] if entity else [])
    assert reasons(found) == ([] if entity else ["ambiguous_entity"])


def test_a_withdrawal_without_times_is_none_the_less_one(tmp_path: Path) -> None:
    row = {"id": an_id(), "action": "delete", "reason": "deleted", "created_at": None}
    stone = one(read(write(tmp_path / "tweets.jsonl", row)), "tombstones")
    assert (stone["record_id"], stone["record_day"], stone["deleted_at"]) == (
        an_id(),
        date(2021, 3, 1),
        datetime(2021, 3, 1, 12, 0, 0, 250_000),
    )


def test_a_withdrawn_version_reaches_the_evening_before(tmp_path: Path) -> None:
    versions = [an_id(when=datetime(2022, 10, day, hour, tzinfo=UTC)) for day, hour in ((4, 0), (4, 2))]
    for version, days in zip(versions, (["2022-10-03", "2022-10-04"], ["2022-10-04"]), strict=True):
        born = moment(version).isoformat()
        row = {"id": version, "action": "delete", "reason": "suspended", "created_at": born}
        assert read(write(tmp_path / "tweets.jsonl", row)).manifest["touched_days"] == days


def test_when_it_was_withdrawn(tmp_path: Path) -> None:
    rows = [{"id": an_id(k), "action": "delete", "created_at": SEEN, "reason": "deleted"} for k in range(2)]
    rows[1]["redacted_at"] = "2021-05-01T00:00:00Z"
    path = write(tmp_path / "tweets.jsonl", *rows)
    assert [s["deleted_at"] for s in read(path).staged["tombstones"]] == [datetime(2021, 5, 1)] * 2
    stated = read(path, exported_at=datetime(2021, 6, 1, tzinfo=UTC))
    assert [s["deleted_at"] for s in stated.staged["tombstones"]] == [datetime(2021, 6, 1), datetime(2021, 5, 1)]
    assert reasons(read(path, exported_at=datetime(2021, 4, 1, tzinfo=UTC))) == ["bad_time"]
    found = read(write(tmp_path / "tweets.jsonl", rows[0] | {"redacted_at": "soon"}))
    assert found.manifest["repairs"] == {"redacted_at/bad_time": 1}


def test_notices_of_streams(tmp_path: Path) -> None:
    stamp = str(int(NOON.timestamp() * 1000))
    records = [
        v1(an_id()),
        {"delete": {"status": {"id": 5, "id_str": an_id(-9), "user_id": 6, "user_id_str": BOB}, "timestamp_ms": stamp}},
        {"user_suspend": {"id": int(CAT), "timestamp_ms": stamp}},
        {"user_undelete": {"id": int(CAT), "timestamp_ms": stamp}},
        *({name: {}} for name in ("limit", "warning", "disconnect", "scrub_geo", "info", "status_withheld")),
    ]
    found = read(write(tmp_path / "x", *records))
    assert found.manifest["ignored"] == {"stream_notice": 6}
    stones = [
        (s["entity"], s["record_id"], s["account_id"], s["action"], s["reason"]) for s in found.staged["tombstones"]
    ]
    assert stones == [
        ("post", an_id(-9), BOB, "purge", "deleted"),
        ("account", CAT, CAT, "hide", "suspended"),
        ("account", CAT, CAT, "restore", "reactivated"),
    ]
    assert {s["deleted_at"] for s in found.staged["tombstones"]} == {NOON.replace(tzinfo=None)}
    assert found.manifest["touched_days"] == [None, "2021-03-01"]


def test_activities_that_are_no_tweets(tmp_path: Path) -> None:
    gone = {
        "id": "tag:search.twitter.com,2005:1",
        "verb": "delete",
        "objectType": "activity",
        "actor": {"id": f"id:twitter.com:{BOB}"},
        "object": {"id": f"object:search.twitter.com,2005:{an_id(-9)}", "objectType": "note"},
        "timestamp_ms": str(int(NOON.timestamp() * 1000)),
    }
    found = read(write(tmp_path / "x", activity(an_id()), gone, activity(an_id(1), verb="favorite")))
    assert [post["post_id"] for post in found.staged["posts"]] == [an_id()]
    stone = one(found, "tombstones")
    assert (stone["entity"], stone["record_id"], stone["account_id"], stone["action"], stone["reason"]) == (
        "post",
        an_id(-9),
        BOB,
        "purge",
        "deleted",
    )
    assert stone["deleted_at"] == NOON.replace(tzinfo=None)
    assert found.manifest["ignored"] == {"no_payload": 1}


def test_one_object_is_a_list_of_one(tmp_path: Path) -> None:
    error = {"title": "Not Found Error", "resource_type": "tweet", "resource_id": an_id(-9), "parameter": "ids"}
    retweet = v2(an_id(5), referenced_tweets={"type": "retweeted", "id": an_id(1)})
    tagged = v2(an_id(1), BOB, entities={"hashtags": {"tag": "a"}})
    users = {"users": v2_user(BOB), "tweets": tagged}
    found = read(write(tmp_path / "x", page(retweet, includes=users, errors=error)))
    assert [(r["kind"], r["object_post_id"], r["object_account_id"]) for r in found.staged["interactions"]] == [
        ("repost", an_id(1), BOB)
    ]
    assert [(post["post_id"], post["is_context"]) for post in found.staged["posts"]] == [(an_id(1), True)]
    assert [account["handle"] for account in found.staged["accounts"]] == ["Name2"]
    assert one(found, "post_hashtags")["hashtag"] == "a"
    assert one(found, "tombstones")["record_id"] == an_id(-9)
    assert found.manifest["repairs"] == {}
    assert reasons(read(write(tmp_path / "y", page(v2(an_id()), includes=["x"])))) == ["not_an_object"]


@pytest.mark.parametrize(
    ("record", "repaired"),
    [
        (v1(an_id()) | {"text": ["a"], "lang": {"a": 1}}, {"lang", "text"}),
        (v1(an_id(), retweeted_status="x", entities={"urls": "u", "hashtags": None}), {"retweeted_status", "urls"}),
        (activity(an_id(), body={"a": 1}, gnip=[1], twitter_entities={"urls": 3}), {"body", "gnip", "urls"}),
        (page(v2(an_id()) | {"text": True, "referenced_tweets": "x"}), {"referenced_tweets", "text"}),
        (page(v2(an_id(), entities=["x"], edit_history_tweet_ids=an_id())), {"edit_history_tweet_ids", "entities"}),
    ],
)
def test_what_has_another_shape_is_counted(tmp_path: Path, record: dict[str, Any], repaired: set[str]) -> None:
    found = read(write(tmp_path / "x", record))
    assert found.manifest["repairs"] == {f"{key}/bad_list": 1 for key in repaired}
    assert one(found)["post_id"] == an_id()


def test_hashtags_stand_without_their_sign(tmp_path: Path) -> None:
    tags = [{"text": text} for text in ("#One", " ", "＃Two", "#", "x#y")]
    found = read(write(tmp_path / "x", v1(an_id(), entities={"hashtags": tags})))
    assert [(h["hashtag"], h["hashtag_normalised"], h["ordinal"]) for h in found.staged["post_hashtags"]] == [
        ("One", "one", 0),
        ("Two", "two", 1),
        ("x#y", "x#y", 2),
    ]
    assert found.manifest["repairs"] == {"hashtags/bad_list": 1}


def test_errors_of_pages(tmp_path: Path) -> None:
    def error(**more: str) -> dict[str, str]:
        return {"title": "Not Found Error", "resource_type": "tweet", "parameter": "ids", "detail": "d"} | more

    errors = [
        error(resource_id=an_id(-9), value=an_id(-9)),
        error(resource_type="user", resource_id=BOB, parameter="author_id"),
        error(resource_type="user", resource_id="123", parameter="entities.mentions.username"),
        error(resource_type="user", resource_id="gone", parameter="username"),
        error(title="Forbidden", resource_type="user", resource_id=CAT),
    ]
    found = read(write(tmp_path / "x", page(v2(an_id()), errors=errors)))
    assert found.manifest["ignored"] == {"no_payload": 3}
    stones = [(s["entity"], s["record_id"], s["action"], s["reason"]) for s in found.staged["tombstones"]]
    assert stones == [("post", an_id(-9), "hide", "not_found"), ("account", BOB, "hide", "not_found")]
    assert [s["record_day"] for s in found.staged["tombstones"]] == [date(2021, 3, 1), None]
    assert {s["deleted_at"] for s in found.staged["tombstones"]} == {datetime(2021, 3, 2, 8)}
    assert {row["is_context"] for row in found.rows("compliance")} == {True}


def test_what_a_purge_empties(tmp_path: Path) -> None:
    history = {"edit_history": {"edit_tweet_ids": [an_id(-60), an_id(-50)]}}
    original = v1(an_id(-50), BOB, "secret words", entities={"hashtags": [{"text": "tag"}]}, **history)
    rows = [v1(an_id(), retweeted_status=original), v1(an_id(9), CAT, quoted_status=original)]
    gone = [{"delete": {"status": {"id_str": an_id(-50), "user_id_str": BOB}}}]
    found = read(write(tmp_path / "x", *rows, *gone, {"user_suspend": {"id_str": CAT}}))
    con = duckdb.connect()
    for record, rule in REDACTIONS.items():
        assert set(rule.columns) <= set(TABLES[f"raw_twitter__{record}"].column_names)
        con.register(record, found.raw[record])
    con.register("records", found.raw["compliance"])
    con.execute(f"create table stated as {REDACTIONS['compliance'].withdrawn}")
    assert con.execute("select * from stated").fetchall() == [("post", an_id(-50), BOB, None)]
    con.execute(
        "create table purges as select entity as purged_entity, record_id as purged_id, account_id as purged_account, "
        "revision as purged_revision from stated union all select 'account', $cat, $cat, null",
        {"cat": CAT},
    )
    hit = f"select tweet_id, text from tweets where {_condition(REDACTIONS['tweets'])} order by all"
    reached = con.execute(hit).fetchall()
    # The original twice, its copy in the retweet, and what the purged account wrote.
    assert reached == [(an_id(-50), "secret words")] * 2 + [(an_id(), "hello"), (an_id(9), "hello")]
    hit = f"select user_id from users where {_condition(REDACTIONS['users'])}"
    assert con.execute(hit).fetchall() == [(CAT,)]
    # What people wrote stands in the columns that are emptied, nowhere else.
    for record, rule in REDACTIONS.items():
        kept = str(found.raw[record].drop_columns(list(rule.columns)).to_pylist())
        assert not [word for word in ("secret", "'tag'", "Name2", "hello") if word in kept]


def test_times_that_cannot_be(tmp_path: Path) -> None:
    late = page(v2(an_id(), created_at="2019-01-01T00:00:00Z"))
    late["__twarc"]["retrieved_at"] = "9999-12-31T23:59:59.999999Z"
    user = v2_user(created_at="0001-01-01T00:00:00+14:00")
    far = v1("20", created_at="9999-12-31T23:59:59.999999Z")
    found = read(write(tmp_path / "x", late | {"includes": {"users": [user]}}, far))
    assert reasons(found) == ["bad_time"]
    assert found.manifest["repairs"] == {
        "created_at/bad_time": 1,
        "created_at/time_disagrees": 1,
        "retrieved_at/bad_time": 1,
    }
    # The last event of the file stands in.
    assert {row["observed_at"] for row in found.staged["accounts"]} == {datetime(2019, 1, 1)}
