"""One captured window of the network: what is known of it from independent readings (formats 6)."""

from __future__ import annotations

import gzip
import json
import struct
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from test_bluesky_staging import POST, as_v2, read, write

from sm_assets.sources.bluesky_cbor import _value

pytestmark = pytest.mark.shared_data
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def corpus(shared_data: Path) -> Path:
    folder = shared_data / "bluesky" / "jetstream_corpus"
    if not folder.is_dir():
        pytest.skip(f"the sample data folder {folder} is absent")
    return folder


@pytest.fixture(scope="module")
def events(corpus: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (corpus / "expected_v1.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_captured_window(corpus: Path) -> None:
    found = read(corpus / "expected_v1.jsonl")
    assert (found.manifest["rows_in"], found.manifest["rows_out"], found.rejects) == (152, 149, [])
    assert found.manifest["ignored"] == {"no_payload": 1, "unknown_collection": 2}
    assert found.manifest["collections_ignored"] == {"app.bsky.actor.status": 1, "fm.teal.alpha.actor.status": 1}
    assert found.manifest["repairs"] == {}
    assert len(set(found.raw["events"]["did"].to_pylist())) == 147
    posts = found.staged["posts"]
    assert (len(posts), sum(p["parent_post_id"] is not None for p in posts)) == (17, 8)
    assert (sum(p["language_codes"] is None for p in posts), sum(p["text"] is None for p in posts)) == (1, 1)
    assert Counter(i["kind"] for i in found.staged["interactions"]) == {
        "like": 105,
        "repost": 15,
        "reply": 8,
        "block": 1,
    }
    assert len(found.staged["follows"]) == 6
    assert Counter((t["entity"], t["action"]) for t in found.staged["tombstones"]) == {
        ("follow", "purge"): 3, ("post", "purge"): 1, ("account", "restore"): 1,
    }  # fmt: skip
    assert (len(found.staged["post_links"]), len(found.staged["post_hashtags"])) == (7, 4)
    assert sum(link["title"] is not None for link in found.staged["post_links"]) == 3


def test_creates_are_dated_by_their_clients(corpus: Path) -> None:
    found = read(corpus / "expected_v1.jsonl")
    created = [row for row in found.rows() if row["operation"] == "create"]
    assert len(created) == 144
    lags = []
    for row in created:
        claimed = datetime.fromisoformat(row["created_at"]).astimezone(UTC).replace(tzinfo=None)
        assert (row["parsed"]["event_at"], row["parsed"]["time_source"]) == (claimed, "client")
        lags.append((row["observed_at"] - claimed) / SECOND)
    assert (round(min(lags), 1), round(max(lags), 1), sum(lag < 0 for lag in lags)) == (-36.8, 56.3, 21)


def test_all_accounts_of_the_window(events: list[dict[str, Any]]) -> None:
    assert len({event["did"] for event in events}) == 149


def test_other_forms_of_the_same_window(corpus: Path, events: list[dict[str, Any]], tmp_path: Path) -> None:
    plain = corpus / "expected_v1.jsonl"
    rows = read(plain).rows(placed=False)
    data = plain.read_bytes()
    half = data.index(b"\n", len(data) // 2) + 1
    (tmp_path / "events.gz").write_bytes(gzip.compress(data))
    (tmp_path / "events.zst").write_bytes(
        b"".join(pa.compress(part, "zstd", asbytes=True) for part in (data[:half], data[half:]))
    )
    write(tmp_path / "v2", *map(as_v2, events))
    write(tmp_path / "04" / "14" / "part-0", *events)
    for name in ("events.gz", "events.zst", "v2"):
        assert read(tmp_path / name).rows(placed=False) == rows
    folder = read(tmp_path / "04" / "14" / "part-0", place="bluesky/04/14/part-0")
    assert folder.rows(placed=False) == rows
    assert (folder.manifest["vintage"], folder.manifest["notices"]) == ("dd_hh", [])


def test_the_relay_tells_the_same_events(corpus: Path, events: list[dict[str, Any]]) -> None:
    """Frames and JSON lines were made by different implementations; so were the readers used here."""
    data = pa.CompressedInputStream(pa.OSFile(str(corpus / "frames.bin.zst")), "zstd").read()
    told, kinds, at = set(), Counter[str](), 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        frame = data[at + 4 : at + 4 + size]
        header, end = _value(frame, 0, 0)
        body, end = _value(frame, end, 0)
        assert end == len(frame)
        kinds[header["t"]] += 1
        for op in body.get("ops", ()):
            collection, rkey = op["path"].split("/")
            told.add((body["repo"], body["rev"], collection, rkey, op["action"]))
        at += 4 + size
    assert kinds == {"#commit": 148, "#identity": 1, "#account": 1}
    commits = [event for event in events if event["kind"] == "commit"]
    assert told == {
        (e["did"], *(e["commit"][name] for name in ("rev", "collection", "rkey", "operation"))) for e in commits
    }
    assert len(told) == len(commits) == 150


def test_a_whole_repository(corpus: Path) -> None:
    found = read(corpus / "repo.car")
    rows = found.rows("records")
    assert (found.manifest["rows_in"], len(rows), found.rejects) == (23, 23, [])
    listed = dict(line.split("\t") for line in (corpus / "car_expected_records.tsv").read_text().splitlines())
    assert {f"{row['collection']}/{row['rkey']}": row["cid"] for row in rows} == listed
    assert {row["rev"] for row in rows} == {"3migo7fijwi2k"}
    counts = {name: len(staged) for name, staged in found.staged.items()}
    assert (counts["posts"], counts["follows"], counts["accounts"]) == (6, 3, 1)
    assert Counter(row["collection"] for row in rows)[POST] == 6
    kinds = Counter(i["kind"] for i in found.staged["interactions"])
    assert (kinds["like"], kinds["repost"]) == (10, 3)
