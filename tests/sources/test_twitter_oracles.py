"""Facts about the sample files of Twitter that the reader must reproduce exactly (formats, section 6)."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from test_twitter_staging import Read, read, without

from sm_assets.kernels.json_lines import parse
from sm_assets.sources.twitter_fields import id_micros, micros_of

pytestmark = pytest.mark.shared_data

PROVENANCE = ("source_file", "source_sha256", "source_row", "source_item", "delivery", "_order")
EDITED = "1576994746135764992"


@pytest.fixture(scope="module")
def classic(shared_data: Path) -> Path:
    return shared_data / "twitter" / "tweet_parser"


@pytest.fixture(scope="module")
def pages(shared_data: Path) -> Path:
    return shared_data / "twitter" / "twarc-csv"


def kinds(found: Read) -> Counter[str]:
    return Counter(row["kind"] for row in found.winners("interactions", "interaction_id").values())


def profiles(found: Read) -> dict[Any, dict[str, Any]]:
    return found.winners("accounts", "account_id")


def plain(rows: Any, *but: str) -> list[dict[str, Any]]:
    """Rows without what differs by place, in an order of their own."""
    return sorted((without(row, (*PROVENANCE, *but)) for row in rows), key=repr)


def test_both_forms_of_25_tweets_give_the_same_staged_rows(classic: Path) -> None:
    original = read(classic / "original_format_examples.json")
    streams = read(classic / "activity_streams_examples.json")
    for found in (original, streams):
        assert found.rejects == []
        posts = found.winners("posts", "post_id")
        assert Counter(post["is_context"] for post in posts.values()) == {False: 22, True: 4}
        assert kinds(found) == {"repost": 3, "reply": 6, "quote": 8}
        assert len(profiles(found)) == 2
        assert [len(found.children(name)) for name in ("post_hashtags", "post_mentions", "post_links")] == [4, 11, 10]
    # What activity streams do not deliver at all.
    absent = ("is_sensitive", "comments_count", "quotes_count")
    pairs = [list(read_.winners("posts", "post_id").values()) for read_ in (original, streams)]
    for post in itertools.chain(*pairs):
        if post["is_context"]:
            post["shares_count"] = None  # embedded activities have no retweetCount
    assert plain(pairs[0], *absent) == plain(pairs[1], *absent)
    pairs = [read_.winners("interactions", "interaction_id").values() for read_ in (original, streams)]
    assert plain(pairs[0]) == plain(pairs[1])
    pairs = [profiles(read_).values() for read_ in (original, streams)]
    assert plain(pairs[0], "is_protected") == plain(pairs[1], "is_protected")
    for name in ("post_hashtags", "post_mentions"):
        assert plain(original.children(name)) == plain(streams.children(name))
    unwound = ("final_url", "title", "description")
    assert plain(original.children("post_links"), *unwound) == plain(streams.children("post_links"), *unwound)
    for one, other in zip(*(plain(r.children("post_links")) for r in (original, streams)), strict=True):
        assert other["final_url"] in (one["final_url"], None)
    # Long texts and links of embedded tweets came over.
    context = {post["post_id"]: post for post in streams.winners("posts", "post_id").values() if post["is_context"]}
    assert context["861645830863822848"]["text"].endswith("character encodings work. https://t.co/5egc1UMMK0")
    assert not any(post["text_is_truncated"] for post in streams.staged["posts"])
    links = {link["post_id"]: link["final_url"] for link in streams.children("post_links")}
    assert links["861651727614746624"].startswith("https://github.com/")


def test_broken_payloads(classic: Path) -> None:
    broken = classic / "broken"
    names = [path.name for path in broken.glob("*.json") if path.name != "public_api_sample.json"]
    assert len(names) == 6
    found = {name.removesuffix(".json"): read(broken / name) for name in names}
    own = {name: [p for p in r.staged["posts"] if not p["is_context"]] for name, r in found.items()}
    assert {name: len(posts) for name, posts in own.items()} == {
        "activity_streams_additional_field": 1,
        "activity_streams_missing_field": 1,
        "original_format_additional_field": 1,
        "original_format_missing_field": 1,
        "original_format_missing_quotetweet_field": 1,
        "original_format_missing_user": 0,
    }
    rejected = {name: [reject["reason"] for reject in r.rejects] for name, r in found.items() if r.rejects}
    assert rejected == {
        "original_format_missing_user": ["missing_account"],
        "original_format_missing_quotetweet_field": ["missing_account"],
    }
    assert found["activity_streams_additional_field"].manifest["vintage"] == "v1"
    for name in ("original_format_missing_field", "activity_streams_missing_field"):
        assert [row["description"] for row in found[name].staged["accounts"]] == [None]
    quoting = found["original_format_missing_quotetweet_field"]
    (quote,) = quoting.staged["interactions"]
    assert (quote["kind"], quote["object_post_id"], quote["object_account_id"]) == ("quote", "861652051016663040", None)
    (context,) = quoting.rejects
    payload = (broken / "original_format_missing_quotetweet_field.json").read_bytes()
    piece = payload[context["byte_offset"] : context["byte_offset"] + context["byte_length"]]
    assert parse(piece) == parse(payload)["quoted_status"]  # type: ignore[index,call-overload]  # an object
    assert context["day"] == date(2017, 5, 8)
    # Some tool has rounded `id`; `id_str` is right.
    assert own["original_format_missing_field"][0]["post_id"] == "867468138991964160"
    assert own["original_format_missing_field"][0]["account_id"] == "815279070241955840"
    assert own["original_format_missing_quotetweet_field"][0]["post_id"] == "867479301360205824"


def test_the_public_api_sample(classic: Path) -> None:
    found = read(classic / "broken" / "public_api_sample.json")
    assert (found.manifest["vintage"], found.rejects) == ("v1", [])
    assert sum(not row["is_context"] for row in found.rows("tweets")) == 20
    whole = read(classic / "original_format_examples.json").winners("posts", "post_id")
    cut = [post for post in found.winners("posts", "post_id").values() if post["text_is_truncated"]]
    assert cut
    for post in cut:
        assert not whole[post["post_id"],]["text_is_truncated"]
        assert post["comments_count"] is None


def test_a_page_and_the_same_tweets_flattened(pages: Path) -> None:
    page, flat = read(pages / "noflat.jsonl"), read(pages / "flat.jsonl")
    assert (page.manifest["ignored"], flat.manifest["ignored"]) == ({"no_payload": 1}, {})
    assert (page.manifest["vintage"], flat.manifest["vintage"]) == ("v2_page", "v2_flat")
    assert (page.manifest["coverage_kind"], flat.manifest["coverage_kind"]) == ("observed", "scattered")
    for found in (page, flat):
        assert found.rejects == []
        assert sum(not row["is_context"] for row in found.rows("tweets")) == 100
        assert len(found.winners("posts", "post_id")) == 117
        assert kinds(found) == {"repost": 47, "reply": 50, "quote": 17}
        assert len(found.accounts_seen()) == len(profiles(found)) == 178
        assert found.accounts_seen() == {key[0] for key in profiles(found)}
        assert [len(found.children(name)) for name in ("post_hashtags", "post_mentions", "post_links")] == [14, 90, 66]
    for entity, key in (("posts", "post_id"), ("interactions", "interaction_id"), ("accounts", "account_id")):
        assert plain(page.winners(entity, key).values()) == plain(flat.winners(entity, key).values())
    for entity in ("post_hashtags", "post_mentions", "post_links", "post_media_text"):
        assert plain(page.children(entity)) == plain(flat.children(entity))
    # Users who are gone when the page is made (one of them is named by the error entry) keep their handle only.
    handles = {mention["mentioned_handle"] for mention in page.children("post_mentions")} - {None}
    assert handles == {"gatewaypundit", "HudsonInstitute"}
    cut = [row for row in page.rows("tweets") if row["retweeted_tweet_id"] and row["text"].endswith("…")]
    assert len(cut) == 39
    assert all(row["parsed"]["root_post_id"] is None for row in page.rows("tweets") if not row["in_reply_to_tweet_id"])


def test_an_edited_post_is_one_post_in_any_order(pages: Path) -> None:
    names = ("edited.jsonl", "edited_before.jsonl", "edited_after.jsonl", "quoted_edit.jsonl")
    winners = []
    for order in itertools.permutations(names):
        found = read(*(pages / name for name in order))
        posts = found.winners("posts", "post_id")
        edited = posts[EDITED,]
        assert edited["revision"].endswith("1576994789110992896")
        assert len(edited["revision"]) == 20
        assert edited["text"].startswith("hey :)")
        assert edited["alias_ids"] == [EDITED, "1576994789110992896"]
        revisions = {p["revision"]: p["operation"] for p in found.staged["posts"] if p["post_id"] == EDITED}
        assert sorted(revisions.values()) == ["create", "update"]  # edits_count 1
        assert {p["day"] for p in found.staged["posts"] if p["post_id"] == EDITED} == {date(2022, 10, 3)}
        assert {p["posted_at"] for p in found.staged["posts"] if p["post_id"] == EDITED} == {edited["posted_at"]}
        acts = {i["kind"]: i["object_post_id"] for i in found.winners("interactions", "interaction_id").values()}
        assert acts == {"quote": EDITED, "reply": EDITED}
        winners.append(plain(posts.values()))
    assert all(rows == winners[0] for rows in winners)
    alt = read(pages / "edited_before.jsonl").staged["post_media_text"]
    assert {(row["media_text_kind"], row["text"]) for row in alt} == {("alt_text", "selfie of me with memoji")}
    roles = Counter(link["link_role"] for link in read(pages / "quoted_edit.jsonl").children("post_links"))
    assert roles["quote"] == 1


def test_a_stream_that_was_cut(pages: Path) -> None:
    found = read(pages / "streaming_output_with_error.jsonl")
    (reject,) = found.rejects
    assert (reject["reason"], reject["line"], reject["byte_offset"], reject["byte_length"]) == (
        "truncated_record", 8, 30_091, 44,
    )  # fmt: skip
    assert sum(not row["is_context"] for row in found.rows("tweets")) == 7
    assert len(found.winners("posts", "post_id")) == 11
    assert len(profiles(found)) == 11
    assert found.manifest["coverage_kind"] == "observed"
    own = [row for row in found.rows("tweets") if not row["is_context"]]
    assert all('"id":"1377649934414049282"' in row["matching_rules"] for row in own)


def test_compliance(pages: Path) -> None:
    tweets = read(pages / "tweets_compliance.jsonl")
    assert [(row["line"]) for row in tweets.rejects] == []
    rows = tweets.rows("compliance")
    assert [row["source_line"] for row in rows] == [2, 3]
    assert [(row["entity"], row["action"], row["reason"]) for row in tweets.staged["tombstones"]] == [
        ("post", "hide", "protected"),
        ("post", "hide", "deactivated"),
    ]
    for row in rows:
        assert micros_of(row["created_at"]) == id_micros(row["record_id"])
        assert row["parsed"]["record_day"] == datetime.fromisoformat(row["created_at"]).date()
    assert tweets.staged["tombstones"][1]["deleted_at"] == datetime(2021, 8, 17, 17, 26, 15, 788_000)
    assert tweets.manifest["touched_days"] == ["2019-09-06", "2019-09-07"]
    users = read(pages / "users_compliance.jsonl")
    assert len(users.winners("tombstones", "entity", "record_id")) == 1
    one, other = (without(row, PROVENANCE) for row in users.staged["tombstones"])
    assert one == other
    assert (one["entity"], one["account_id"], one["record_day"]) == ("account", "1482680858", None)
    assert users.manifest["touched_days"] == [None]


def test_all_pages_together(pages: Path) -> None:
    paths = sorted(pages.glob("*.jsonl"))
    assert len(paths) == 13
    found = read(*paths)
    assert len(found.winners("posts", "post_id")) == 137
    assert kinds(found) == {"reply": 56, "repost": 49, "quote": 19}
    assert len(found.accounts_seen() | {key[0] for key in profiles(found)}) == 208
    assert len(profiles(found)) == 200


def test_the_time_in_the_id_floors_to_created_at(pages: Path, classic: Path) -> None:
    found = read(pages / "noflat.jsonl", classic / "original_format_examples.json")
    rows = [row for row in found.rows("tweets") if row["generation"] == "v2_page" or not row["is_context"]]
    assert len(rows) == 191
    for row in rows:
        created, exact = micros_of(row["created_at"]), id_micros(row["tweet_id"])
        assert created is not None
        assert exact is not None
        assert created == exact // 1_000_000 * 1_000_000
    assert not any(manifest["repairs"] for manifest in found.manifests.values())


def test_compression_changes_nothing(pages: Path, tmp_path: Path) -> None:
    payload = (pages / "streaming_output_with_error.jsonl").read_bytes()
    halves = payload[:10_000], payload[10_000:]
    (tmp_path / "s.gz").write_bytes(b"".join(map(gzip.compress, halves)))
    (tmp_path / "s.zst").write_bytes(b"".join(pa.compress(half, "zstd", asbytes=True) for half in halves))
    bare = read(pages / "streaming_output_with_error.jsonl")
    for name in ("s.gz", "s.zst"):
        packed = read(tmp_path / name)
        for entity in bare.staged:
            assert plain(packed.staged[entity]) == plain(bare.staged[entity])
        assert packed.rejects == bare.rejects
