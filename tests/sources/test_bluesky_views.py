"""Search exports and repositories of Bluesky, made here."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import struct
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_bluesky_staging import ANN, BOB, CAT, FOLLOW, LIKE, NOON, POST, PROFILE, claim, read, the_post, tid, uri

from sm_assets.errors import InputError
from sm_assets.sources.bluesky_cbor import BadBlock, Link, decode

HEADER = ["uri", "author", "createdAt", "indexedAt", "text", "replyCount", "repostCount", "likeCount", "quoteCount"]
HOUR = timedelta(hours=1)


def row(**more: str) -> dict[str, str]:
    return {
        "uri": uri(ANN, POST, tid(NOON)), "author": "@ann.example", "createdAt": claim(NOON),
        "indexedAt": claim(NOON + timedelta(seconds=3)), "text": 'two\nlines, "quoted"', "replyCount": "1",
        "repostCount": "2", "likeCount": "3", "quoteCount": "4", **more,
    }  # fmt: skip


def export(path: Path, *rows: dict[str, str], header: list[str] = HEADER) -> Path:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


def test_a_search_export(tmp_path: Path) -> None:
    found = read(export(tmp_path / "search.csv", row()), exported_at=datetime(2025, 3, 4, 5, tzinfo=UTC))
    assert (found.manifest["vintage"], found.manifest["coverage_kind"]) == ("search_posts", "scattered")
    post = the_post(found)
    assert (post["post_id"], post["account_id"], post["operation"]) == (uri(ANN, POST, tid(NOON)), ANN, "observe")
    assert (post["comments_count"], post["shares_count"], post["likes_count"], post["quotes_count"]) == (1, 2, 3, 4)
    assert (post["posted_at"], post["time_source"], post["day"]) == (
        datetime(2025, 3, 1, 12),
        "client",
        date(2025, 3, 1),
    )
    assert (post["text"], post["revision"]) == ('two\nlines, "quoted"', "2025-03-04T05:00:00.000000Z")
    (account,) = found.staged["accounts"]
    assert (account["account_id"], account["handle"], account["day"]) == (ANN, "ann.example", date(2025, 3, 4))
    assert found.manifest["also_days"] == ["2025-03-04"]


def test_an_export_of_unknown_time_was_made_when_its_last_post_came(tmp_path: Path) -> None:
    found = read(
        export(tmp_path / "search.csv", row(), row(uri=uri(BOB, POST, "3k"), indexedAt=claim(NOON + 30 * HOUR)))
    )
    assert found.manifest["also_days"] == ["2025-03-02"]
    assert {account["day"] for account in found.staged["accounts"]} == {date(2025, 3, 2)}
    assert {post["observed_at"] for post in found.staged["posts"]} == {datetime(2025, 3, 2, 18)}
    named = read(export(tmp_path / "2025-03-05-01-00-00-UTC-search.csv", row()))
    assert (named.manifest["exported_at_origin"], named.manifest["also_days"]) == ("file_name", ["2025-03-05"])


def test_rows_that_cannot_be_used(tmp_path: Path) -> None:
    path = export(
        tmp_path / "search.csv",
        row(),
        row(uri=""),
        row(uri=uri(ANN, LIKE, "3k")),
        row(uri="https://bsky.app/profile/a/post/b"),
        row(uri=uri("ann.example", POST, "3k")),
        row(uri=uri(BOB, POST, "not-a-tid"), indexedAt="", createdAt=""),
        row(uri=uri(CAT, POST, tid(NOON)), indexedAt="", createdAt="soon", likeCount="many", replyCount="", author=""),
    )
    with path.open("a", newline="") as sink:
        sink.write("too,few\r\n")
    found = read(path)
    assert found.reasons == ["missing_key", "bad_key", "bad_key", "missing_account", "bad_time", "missing_columns"]
    last = found.staged["posts"][-1]
    assert (last["account_id"], last["time_source"], last["likes_count"], last["comments_count"]) == (
        CAT,
        "key",
        None,
        None,
    )
    assert found.manifest["repairs"] == {"created_at/bad_time": 1, "like_count/bad_number": 1}
    assert len(found.staged["accounts"]) == 1


def test_other_names_of_columns_can_be_stated(tmp_path: Path) -> None:
    path = export(tmp_path / "s.csv", {**row(), "body": "words", "lang": "en"}, header=[*HEADER[:4], "body", "lang"])
    found = read(path, columns={"body": "text"})
    assert the_post(found)["text"] == "words"
    (raw,) = found.rows("post_views")
    assert raw["extra"] == '{"lang": "en"}'
    assert found.manifest["columns_missing"] == ["replyCount", "repostCount", "likeCount", "quoteCount"]


def test_a_header_alone(tmp_path: Path) -> None:
    found = read(export(tmp_path / "search.csv"))
    assert (found.manifest["rows_in"], found.manifest["also_days"]) == (0, [])


# Repositories: a small writer of what the reader reads


def encode(value: Any) -> bytes:
    """DAG-CBOR."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, Link):
        raw = base64.b32decode(value[1:].upper() + "=" * (-len(value[1:]) % 8))
        return b"\xd8\x2a" + encode(b"\0" + raw)
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    return head(5, len(value)) + b"".join(encode(key) + encode(inner) for key, inner in value.items())


def head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise AssertionError(number)


def varint(number: int) -> bytes:
    made = b""
    while number > 127:
        made += bytes([number & 127 | 128])
        number >>= 7
    return made + bytes([number])


def cid_of(data: bytes) -> tuple[bytes, Link]:
    raw = b"\x01\x71\x12\x20" + hashlib.sha256(data).digest()
    return raw, Link("b" + base64.b32encode(raw).decode().rstrip("=").lower())


def repository(records: dict[str, bytes], rev: str, did: str = ANN, more: tuple[bytes, ...] = ()) -> bytes:
    """A CAR file whose tree has a root with the first half of the keys and a node below with the rest."""
    keys = sorted(records)
    links = {key: cid_of(data)[1] for key, data in records.items()}

    def node(part: list[str], below: Link | None) -> bytes:
        entries, before = [], ""
        for k, key in enumerate(part):
            shared = next((n for n in range(len(before)) if before[n] != key[n]), len(before))
            last = below if k == len(part) - 1 else None
            entries.append({"p": shared, "k": key[shared:].encode(), "v": links[key], "t": last})
            before = key
        return encode({"l": None, "e": entries})

    lower = node(keys[len(keys) // 2 :], None)
    upper = node(keys[: len(keys) // 2], cid_of(lower)[1])
    commit = encode({"did": did, "rev": rev, "data": cid_of(upper)[1], "prev": None, "version": 3, "sig": b"s"})
    header = encode({"roots": [cid_of(commit)[1]], "version": 1})
    made = varint(len(header)) + header
    for block in (commit, upper, lower, *dict.fromkeys(records.values()), *more):
        section = cid_of(block)[0] + block
        made += varint(len(section)) + section
    return made


def some_records() -> dict[str, bytes]:
    at = NOON - 40 * HOUR
    records: dict[str, dict[str, Any]] = {
        f"{POST}/{tid(at, 1)}": {
            "$type": POST, "text": "Grüße\0", "createdAt": claim(at), "langs": ["de"], "tags": ["x"], "weight": 1.5,
            "embed": {"$type": "app.bsky.embed.images", "images": [{"alt": "a", "image": {"ref": cid_of(b"blob")[1]}}]},
        },
        f"{LIKE}/{tid(at, 2)}": {"$type": LIKE, "subject": {"uri": uri(BOB, POST, "3k")}, "createdAt": claim(at)},
        f"{FOLLOW}/{tid(at, 3)}": {"$type": FOLLOW, "subject": BOB, "createdAt": "2014-01-01T00:00:00Z"},
        f"{PROFILE}/self": {"$type": PROFILE, "displayName": "Ann", "createdAt": claim(at)},
        "app.bsky.graph.listitem/3k": {"list": "x"},
    }  # fmt: skip
    return {key: encode(record) for key, record in records.items()}


def test_a_repository(tmp_path: Path) -> None:
    stale = encode({"$type": POST, "text": "deleted", "createdAt": claim(NOON)})
    (tmp_path / "repo.car").write_bytes(repository(some_records(), tid(NOON), more=(stale,)))
    found = read(tmp_path / "repo.car")
    assert (found.manifest["vintage"], found.manifest["coverage_kind"]) == ("car", "scattered")
    assert (found.manifest["rows_in"], found.manifest["ignored"]) == (5, {"unknown_collection": 1})
    post = the_post(found)
    at = (NOON - 40 * HOUR).replace(tzinfo=None)
    assert (post["text"], post["language_codes"], post["media_kind"]) == ("Grüße", ["de"], "photo")
    assert (post["posted_at"], post["time_source"]) == (at, "client")
    assert (post["observed_at"], post["revision"]) == (datetime(2025, 3, 1, 12), tid(NOON))
    (follow,) = found.staged["follows"]
    assert (follow["followed_at"], follow["time_source"], follow["is_snapshot"]) == (at, "key", True)
    assert [account["display_name"] for account in found.staged["accounts"]] == ["Ann"]
    assert [like["object_post_id"] for like in found.staged["interactions"]] == [uri(BOB, POST, "3k")]
    assert [text["text"] for text in found.staged["post_media_text"]] == ["a"]
    assert '"$link":"bafyrei' in next(r["embed"] for r in found.rows("records") if r["embed"])


def test_objects_in_a_repository_are_no_texts(tmp_path: Path) -> None:
    texts: dict[str, Any] = {"3k": {"a": [1]}, "3l": "{a}", "3m": b"bytes"}
    records = {f"{POST}/{key}": encode({"$type": POST, "text": text}) for key, text in texts.items()}
    content = repository(records, tid(NOON))
    (tmp_path / "repo.car").write_bytes(content)
    found = read(tmp_path / "repo.car")
    assert sorted((p["post_id"][-2:], p["text"]) for p in found.staged["posts"]) == [
        ("3k", None),
        ("3l", "{a}"),
        ("3m", None),
    ]
    assert found.manifest["repairs"]["text/bad_list"] == 2


def test_a_record_under_two_keys(tmp_path: Path) -> None:
    record = encode({"$type": FOLLOW, "subject": BOB, "createdAt": claim(NOON)})
    (tmp_path / "repo.car").write_bytes(repository({f"{FOLLOW}/3a": record, f"{FOLLOW}/3b": record}, tid(NOON)))
    found = read(tmp_path / "repo.car")
    assert [(r["source_row"], r["source_item"], r["rkey"]) for r in found.rows("records")] == [
        (1, 0, "3a"),
        (1, 1, "3b"),
    ]


def test_a_cut_repository(tmp_path: Path) -> None:
    data = repository(some_records(), tid(NOON))
    whole = len(read(write_bytes(tmp_path / "whole.car", data)).rows("records"))
    found = read(write_bytes(tmp_path / "cut.car", data[:-20]))
    assert found.reasons == ["truncated_stream"]
    assert len(found.rows("records")) >= whole - 1
    assert "records whose blocks the file lacks" in " ".join(found.manifest["notices"])


def write_bytes(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_damaged_records(tmp_path: Path) -> None:
    records = some_records() | {f"{POST}/3bad": b"\x9f\xff", f"{POST}/3list": encode(["no", "object"])}
    found = read(write_bytes(tmp_path / "repo.car", repository(records, tid(NOON))))
    assert sorted(found.reasons) == ["malformed_json", "not_an_object"]
    assert found.manifest["rows_in"] == 7


def test_rejects_of_one_block_under_two_keys_have_places_of_their_own(tmp_path: Path) -> None:
    bad = encode({"$type": FOLLOW, "subject": "bob.example", "createdAt": claim(NOON)})
    found = read(write_bytes(tmp_path / "repo.car", repository({f"{FOLLOW}/3a": bad, f"{FOLLOW}/3b": bad}, tid(NOON))))
    assert found.reasons == ["missing_account", "missing_account"]


def test_a_repository_without_commit(tmp_path: Path) -> None:
    data = repository(some_records(), tid(NOON), did=7)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InputError, match="no commit"):
        read(write_bytes(tmp_path / "repo.car", data))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.binary(max_size=30)
    | st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=30) | st.just(cid_of(b"x")[1]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5), inner, max_size=4),
)  # fmt: skip


@given(VALUES)
def test_blocks_read_as_they_were_written(value: Any) -> None:
    assert decode(encode(value)) == value


@given(st.binary(max_size=60))
def test_what_is_no_block_is_refused_and_never_crashes(data: bytes) -> None:
    try:
        value = decode(data)
    except BadBlock:
        return
    assert decode(encode(value)) == value


def test_nesting_has_a_limit() -> None:
    with pytest.raises(BadBlock, match="nested"):
        decode(b"\x81" * 1000 + b"\xf6")
