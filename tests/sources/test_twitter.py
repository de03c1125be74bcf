"""Twitter files of every generation, synthetic: what each key becomes, what is rejected, repaired, ignored."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_twitter_staging import (
    ANN,
    BOB,
    CAT,
    LOOK_UP,
    SEARCH,
    SEEN,
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

from sm_assets.errors import UnknownVintage
from sm_assets.sources import twitter
from sm_assets.sources.json_spans import spans
from sm_assets.sources.reading import ReadOptions
from sm_assets.sources.twitter import open_file

# ------------------------------------------------------------------------------------------------------- generations


def test_every_generation_stages_the_same_tweet(tmp_path: Path) -> None:
    mine, other, first = an_id(60), an_id(30), an_id(0)
    text = "@name2 one &amp;lt; two &lt;3 &quot; #Ｆoo https://t.co/a https://t.co/q"
    links = [
        {"url": "https://t.co/a", "expanded_url": "http://a.example/x"},
        {"url": "https://t.co/q", "expanded_url": f"https://twitter.com/Name3/status/{other}"},
    ]
    classic = {
        "urls": links, "hashtags": [{"text": "Ｆoo"}],
        "user_mentions": [{"screen_name": "name2", "id_str": BOB, "id": int(BOB) + 1}],
    }  # fmt: skip
    unwound = {"url": "https://final.example/", "title": "T", "description": "D"}
    old = v1(mine, text="cut…", truncated=True, entities={"urls": [], "hashtags": [{"text": "wrong"}]})
    old["extended_tweet"] = {"full_text": text, "entities": deepcopy(classic)}
    old["extended_tweet"]["entities"]["urls"][0]["unwound"] = unwound
    old |= {"in_reply_to_status_id_str": first, "in_reply_to_user_id_str": BOB, "place": {"country_code": "CL"}}
    old |= {"quoted_status_id_str": other, "quoted_status": v1(other, CAT, "quoted")}
    stream = activity(mine, text="cut…", long_object={"body": text, "twitter_entities": classic})
    stream["gnip"] = {
        "urls": [
            {
                "url": "https://t.co/a", "expanded_url": "https://final.example/", "expanded_url_title": "T",
                "expanded_url_description": "D",
            }
        ]
    }  # fmt: skip
    stream |= {"inReplyTo": {"link": f"http://twitter.com/NAME2/statuses/{first}"}}
    stream |= {"twitter_quoted_status": activity(other, CAT, "quoted"), "location": {"twitter_country_code": "CL"}}
    new = v2(mine, text="cut…", note_tweet={"text": text, "entities": {}}, in_reply_to_user_id=BOB)
    new["note_tweet"]["entities"] = {
        "urls": [links[0] | {"unwound_url": "https://final.example/", "title": "T", "description": "D"}, links[1]],
        "hashtags": [{"tag": "Ｆoo"}],
        "mentions": [{"username": "name2"}],
    }
    new["referenced_tweets"] = [{"type": "replied_to", "id": first}, {"type": "quoted", "id": other}]
    new["geo"] = {"place_id": "p"}
    whole_page = page(new, includes={
        "users": [v2_user(ANN), v2_user(BOB), v2_user(CAT)], "tweets": [v2(other, CAT, "quoted")],
        "places": [{"id": "p", "country_code": "CL"}],
    })  # fmt: skip
    flat = deepcopy(new) | {"author": v2_user(ANN), "in_reply_to_user": v2_user(BOB), "geo": {"country_code": "CL"}}
    flat["referenced_tweets"][1] |= v2(other, CAT, "quoted", author=v2_user(CAT))
    flat["__twarc"] = {"url": LOOK_UP, "retrieved_at": SEEN}
    names = {"v1": old, "activity": stream, "v2_page": whole_page, "v2_flat": flat}
    kept = []
    for name, record in names.items():
        found = read(write(tmp_path / f"{name}.jsonl", record))
        assert (found.manifest["vintage"], found.rejects, found.manifest["repairs"]) == (name, [], {})
        assert {row["generation"] for row in found.rows("tweets")} == {name}
        own, quoted = sorted(found.staged["posts"], key=lambda row: row["is_context"])
        assert own["text"] == "@name2 one &lt; two <3 &quot; #Ｆoo https://t.co/a https://t.co/q"
        assert (own["post_kind"], own["text_is_truncated"]) == ("quote", False)
        assert (own["parent_post_id"], own["parent_account_id"]) == (first, BOB)
        assert (own["quoted_post_id"], own["quoted_account_id"]) == (other, CAT)
        assert own["posted_at"] == moment(mine).replace(tzinfo=None)
        assert (quoted["post_id"], quoted["is_context"], quoted["text"]) == (other, True, "quoted")
        assert (own["language_codes"], own["country_code"], own["media_kind"]) == (["en"], "CL", "link")
        assert (own["likes_count"], own["shares_count"]) == (2, 1)
        assert own["revision"] == mine.zfill(20)
        acts = sorted((i["kind"], i["interaction_id"], i["object_account_id"]) for i in found.staged["interactions"])
        assert acts == [("quote", f"{mine}#quote", CAT), ("reply", f"{mine}#reply", BOB)]
        kept.append(
            {
                entity: [
                    {k: v for k, v in row.items() if k not in ("source_file", "source_sha256", "observed_at")}
                    for row in found.staged[entity]
                ]
                for entity in ("post_links", "post_hashtags", "post_mentions")
            }
        )
        assert {row["handle"] for row in found.staged["accounts"]} >= {"Name1", "Name3"}
    assert all(children == kept[0] for children in kept)
    hashtag, mention = kept[0]["post_hashtags"][0], kept[0]["post_mentions"][0]
    assert (hashtag["hashtag"], hashtag["hashtag_normalised"]) == ("Ｆoo", "foo")
    assert (mention["mentioned_account_id"], mention["mentioned_handle"]) == (BOB, None)
    assert [(link["final_url"], link["title"], link["link_role"]) for link in kept[0]["post_links"]] == [
        ("https://final.example/", "T", "external"),
        (None, None, "quote"),
    ]


def test_a_file_may_mix_generations(tmp_path: Path) -> None:
    found = read(
        write(tmp_path / "x", v1(an_id()), activity(an_id(1)), page(v2(an_id(2))), v2(an_id(3), author=v2_user()))
    )
    assert found.manifest["vintage"] == "activity+v1+v2_flat+v2_page"
    assert [row["generation"] for row in found.rows("tweets")] == ["v1", "activity", "v2_page", "v2_flat"]
    assert [row["source_row"] for row in found.rows("tweets")] == [1, 2, 3, 4]
    assert found.manifest["coverage_kind"] == "scattered"


@pytest.mark.parametrize("layout", [json.dumps, lambda value: json.dumps(value, indent=2)])
def test_documents(tmp_path: Path, layout: Callable[[Any], str]) -> None:
    for content, places in (
        ([v1(an_id()), v1(an_id(1), retweeted_status=v1(an_id(-9), BOB))], [(1, 0), (1, 1), (1, 2)]),
        (page(v2(an_id()), v2(an_id(1)), includes={"tweets": [v2(an_id(-9), BOB)]}), [(1, 0), (1, 1), (1, 2)]),
        ({"statuses": [v1(an_id()), v1(an_id(1))], "search_metadata": {}}, [(1, 0), (1, 1)]),
        ({"results": [activity(an_id())], "next": "n"}, [(1, 0)]),
    ):
        (tmp_path / "x.json").write_text(layout(content), encoding="utf-8")
        found = read(tmp_path / "x.json")
        assert [(row["source_row"], row["source_item"]) for row in found.rows("tweets")] == places
        assert found.rejects == []


def test_two_records_on_one_line_have_places_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("\n" + json.dumps(v1(an_id())) + json.dumps(v1(an_id(1), BOB)) + "\n", encoding="utf-8")
    found = read(tmp_path / "x")
    assert [(r["source_row"], r["source_item"], r["source_line"]) for r in found.rows("tweets")] == [
        (1, 0, 2),
        (1, 1, 2),
    ]


def test_what_is_not_twitters(tmp_path: Path) -> None:
    found = "nearest is v2_flat, which needs id, author_id besides; keys found: author, likes"
    with pytest.raises(UnknownVintage, match=found):
        open_file(write(tmp_path / "a", {"author": "x", "likes": 1}), ReadOptions())
    (tmp_path / "b.csv").write_text("id,text\n1,a\n", encoding="utf-8")
    with pytest.raises(UnknownVintage, match="is not JSON"):
        open_file(tmp_path / "b.csv", ReadOptions())
    # Among others of known form it is a reject.
    assert reasons(read(write(tmp_path / "c", v1(an_id()), {"author": "x", "likes": 1}))) == ["missing_key"]


def test_files_without_records(tmp_path: Path) -> None:
    (tmp_path / "blank").write_text("\n\n", encoding="utf-8")
    found = read(tmp_path / "blank")
    assert (found.manifest["vintage"], found.manifest["rows_in"], found.manifest["coverage_kind"]) == ("empty", 0, None)
    found = read(
        write(tmp_path / "none.jsonl", {"meta": {"result_count": 0}, "__twarc": {"url": SEARCH, "retrieved_at": SEEN}})
    )
    assert (found.manifest["rows_in"], found.manifest["vintage"]) == (0, "v2_page")


# ----------------------------------------------------------------------------------------------------------- rejects


def test_what_makes_a_tweet_unusable(tmp_path: Path) -> None:
    good = an_id()
    no_id, no_user = v1(an_id(1)), v1(an_id(2))
    del no_id["id"], no_id["id_str"], no_user["user"]
    old = {**v2(good), "id": "12", "created_at": "2005-01-01T00:00:00.000Z"}
    records = {
        "missing_key": {**no_id, "user": no_id["user"]},
        "bad_key": v1(an_id(), id_str="8.67e17"),
        "missing_account": no_user,
        "bad_time": page(v2(an_id(86_400 * 9))),  # a week after the page was made
    }
    for reason, record in records.items():
        assert reasons(read(write(tmp_path / f"{reason}.jsonl", v1(good), record)))[:1] == [reason]
    assert reasons(read(write(tmp_path / "old.jsonl", old))) == ["bad_time"]
    late = write(tmp_path / "late.jsonl", v1(good))
    assert reasons(read(late, exported_at=moment(good))) == []
    assert reasons(read(late, exported_at=moment(an_id(-3_700)))) == ["bad_time"]
    retweet = v1(an_id(5), retweeted_status={"text": "no id"})
    assert reasons(read(write(tmp_path / "rt.jsonl", retweet))) == ["bad_key", "missing_key"]


def test_rejects_inside_a_page_are_found_again(tmp_path: Path) -> None:
    bad, quoted = v2(an_id(1)), v2(an_id(2), BOB)
    del bad["author_id"], quoted["author_id"]
    whole = page(v2(an_id()), bad, None, "x", includes={"tweets": [quoted], "users": [{"username": "nobody"}]})
    path = write(tmp_path / "x.jsonl", whole)
    found = read(path)
    payload = path.read_bytes()
    pieces = [json.loads(payload[r["byte_offset"] :][: r["byte_length"]]) for r in found.rejects]
    assert pieces == [bad, None, "x", quoted, {"username": "nobody"}]
    assert reasons(found) == ["missing_account", "not_an_object", "not_an_object", "missing_account", "missing_key"]
    assert [r["day"] for r in found.rejects] == [date(2021, 3, 1), None, None, date(2021, 3, 1), None]
    assert str(found.rejects[0]["detail"]).endswith(f"(tweet {bad['id']})")
    # Places are places in the page: what is rejected leaves a gap.
    assert [row["source_item"] for row in found.rows("tweets")] == [0]
    assert found.manifest["rows_in"] == 6
    (tmp_path / "y.json").write_text(json.dumps(whole, indent=1), encoding="utf-8")
    lines = [r["line"] for r in read(tmp_path / "y.json").rejects]
    assert lines == sorted(set(lines))
    assert lines[0] > 2


def test_damaged_lines(tmp_path: Path) -> None:
    good = json.dumps(v1(an_id()))
    (tmp_path / "x").write_text(f'{good}\n{{"id": \n[1]\n{good}{{"a"\n{{"id_str": "1', encoding="utf-8")
    found = read(tmp_path / "x")
    assert reasons(found) == ["malformed_json", "not_an_object", "malformed_json", "truncated_record"]
    assert len(found.rows("tweets")) == 1


def test_a_failed_request_is_a_reject(tmp_path: Path) -> None:
    records = [
        {"errors": [{"code": 88, "message": "Rate limit exceeded"}]},
        {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429},
        page(v2(an_id())),
        {"errors": [{"title": "operational-disconnect", "disconnect_type": "UpstreamOperationalDisconnect"}]},
    ]
    found = read(write(tmp_path / "x", *records))
    assert reasons(found) == ["api_error", "api_error"]
    assert found.manifest["ignored"] == {"stream_notice": 1}
    assert "Rate limit exceeded" in found.rejects[0]["detail"]


# ---------------------------------------------------------------------------------------------------------- coverage

WEEK = "&start_time=2021-02-28T00%3A00%3A00Z&end_time=2021-03-02T00%3A00%3A00Z"


@pytest.mark.parametrize(
    ("records", "kind", "days"),
    [
        ([page(v2(an_id()), url=SEARCH + WEEK)], "declared", ("2021-02-28", "2021-03-01")),
        ([page(v2(an_id()), url=f"{SEARCH}&start_time=2021-02-28T10:00Z")], "declared", ("2021-02-28", "2021-03-02")),
        ([page(v2(an_id()), url=f"{SEARCH}&since_id={an_id(-86_400)}")], "declared", ("2021-02-28", "2021-03-02")),
        ([page(v2(an_id()), url=SEARCH)], "observed", None),
        ([page(v2(an_id()), url=f"{SEARCH}&end_time=2021-03-02T00:00:00Z")], "observed", None),
        ([page(v2(an_id()), url="https://api.twitter.com/2/tweets/search/stream")], "observed", None),
        ([page(v2(an_id()))], "scattered", None),
        ([page(v2(an_id()), url="https://api.twitter.com/2/tweets/123")], "scattered", None),
        ([v2(an_id(), author=v2_user())], "scattered", None),
        ([v1(an_id())], "scattered", None),
        ([activity(an_id())], "scattered", None),
        ([page(v2(an_id()), url=SEARCH + WEEK), v1(an_id(1))], "scattered", None),
        # The collection broke off: older tweets of the window are missing.
        ([page(v2(an_id()), url=SEARCH + WEEK, meta={"next_token": "t"})], "observed", None),
        (
            [
                page(v2(an_id()), url=SEARCH + WEEK, meta={"next_token": "t"}),
                page(v2(an_id(-9)), url=f"{SEARCH}{WEEK}&next_token=t", meta={"result_count": 1}),
            ],
            "declared",
            ("2021-02-28", "2021-03-01"),
        ),
        ([{"data": v2(an_id()), "matching_rules": [{"id": 1}]}], "observed", None),
        ([{"data": [v2(an_id())], "includes": {}}], "scattered", None),
    ],
)  # fmt: skip
def test_what_a_file_proves(
    tmp_path: Path, records: list[dict[str, Any]], kind: str, days: tuple[str, str] | None
) -> None:
    found = read(write(tmp_path / "x", *records))
    assert (found.manifest["coverage_kind"], found.manifest["coverage"]) == (kind, days)


def test_what_came_inside_others_is_context(tmp_path: Path) -> None:
    original = v2(an_id(-86_400 * 400), BOB)
    retweet = v2(an_id(), referenced_tweets=[{"type": "retweeted", "id": original["id"]}])
    found = read(write(tmp_path / "x", page(retweet, includes={"tweets": [original], "users": [v2_user()]})))
    assert [(row["tweet_id"], row["is_context"]) for row in found.rows("tweets")] == [
        (retweet["id"], False),
        (original["id"], True),
    ]
    assert [row["is_context"] for row in found.rows("users")] == [True]
    looked_up = read(write(tmp_path / "y", page(v2_user(), url="https://api.twitter.com/2/users?ids=1")))
    assert [row["is_context"] for row in looked_up.rows("users")] == [False]
    assert looked_up.manifest["coverage_kind"] == "scattered"


# ------------------------------------------------------------------------------------------------- whole and in parts


def test_chunks_are_bounded_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x", *(v1(an_id(k), retweeted_status=v1(an_id(-k - 1), BOB)) for k in range(40)))
    whole = read(path)
    monkeypatch.setattr(twitter, "CHUNK_ROWS", 7)
    with open_file(path, ReadOptions()) as reader:
        chunks = list(reader)
    assert len(chunks) > 8
    for kind in ("tweets", "users"):
        rows = pa.Table.from_batches([chunk.records[kind] for chunk in chunks if kind in chunk.records])
        assert max(chunk.records[kind].num_rows for chunk in chunks) <= 8
        assert rows.to_pylist() == whole.raw[kind].select(rows.column_names).to_pylist()
        places = list(zip(rows["source_row"].to_pylist(), rows["source_item"].to_pylist(), strict=True))
        assert places == sorted(set(places))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans())
def test_spans_are_those_of_the_values(value: Any, is_pretty: bool) -> None:
    paths: dict[tuple[str | int, ...], Any] = {}

    def walk(inner: Any, path: tuple[str | int, ...]) -> None:
        paths[path] = inner
        steps = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
        for key, child in steps:
            if isinstance(key, int) or (key.isascii() and key.isprintable() and not set(key) & set('"\\')):
                walk(child, (*path, key))

    walk(value, ())
    data = json.dumps(value, indent=1 if is_pretty else None, ensure_ascii=False).encode()
    for path, (start, length) in spans(data, set(paths)).items():
        assert json.loads(data[start : start + length]) == paths.pop(path)
    assert not paths


def samples() -> list[dict[str, Any]]:
    quoted = v1(an_id(-5), BOB, entities={"urls": [{"url": "u"}], "user_mentions": [{"screen_name": "c"}]})
    retweeted = activity(an_id(-6), BOB, inReplyTo={"link": "http://twitter.com/a/statuses/5"})
    expanded = {"type": "quoted"} | v2(an_id(-7), BOB, author=v2_user(BOB), attachments={"media_keys": ["3_1"]})
    return [
        v1(an_id(), quoted_status_id_str=an_id(-5), quoted_status=quoted, place={"country_code": "CL"}),
        activity(an_id(1), verb="share", object=retweeted, gnip={"urls": [{"url": "u"}]}),
        v2(an_id(2), author=v2_user(), referenced_tweets=[expanded], edit_history_tweet_ids=[an_id(2)]),
        page(v2(an_id(3)), includes={"users": [v2_user()], "tweets": [v2(an_id(-8), CAT)]}, errors=[
            {"title": "Not Found Error", "resource_type": "tweet", "resource_id": "5", "parameter": "ids"},
        ], meta={"result_count": 1}),
        {"id": an_id(), "action": "delete", "created_at": SEEN, "reason": "deleted", "redacted_at": SEEN},
        {"delete": {"status": {"id": 5, "id_str": "5", "user_id": 6}, "timestamp_ms": "1614600000000"}},
    ]  # fmt: skip


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_records_of_any_shape_reconcile_and_never_raise(tmp_path: Path, data: st.DataObject) -> None:
    records = samples()
    for _ in range(data.draw(st.integers(1, 4))):
        inner: Any = data.draw(st.sampled_from(records))
        while True:
            keys = (
                list(inner) if isinstance(inner, dict) else list(range(len(inner))) if isinstance(inner, list) else []
            )
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if not isinstance(inner[key], dict | list) or data.draw(st.integers(0, 3)) == 0:
                if isinstance(inner, dict) and data.draw(st.booleans()):
                    del inner[key]
                else:
                    inner[key] = data.draw(values)
                break
            inner = inner[key]
    path = write(tmp_path / "x", *records, *samples())
    found = read(path)
    assert len(found.rows("tweets")) >= 8
    assert found.manifest["rows_in"] >= len(samples())
