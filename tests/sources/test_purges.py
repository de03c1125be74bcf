"""What people withdrew leaves the converted files, whichever file arrives first."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import test_bluesky_staging as bluesky
import test_twitter_staging as twitter

from sm_assets.settings import Settings
from sm_assets.sources.intake import take_in
from sm_assets.storage import Lake

WORD = "unmistakable"
LATER = timedelta(days=3)


def land(settings: Settings, source: str, name: str, records: Iterable[object]) -> None:
    path = Path(settings.data_root) / "landing" / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def holding(settings: Settings, word: str = WORD) -> list[str]:
    """Files of the lake that hold the word."""
    found = []
    for path in sorted((Path(settings.data_root) / "lake").rglob("*")):
        if path.suffix == ".parquet":
            if word in str(pq.ParquetFile(path).read().to_pylist()):
                found.append(path.name)
        elif path.is_file() and word in path.read_text(encoding="utf-8"):
            found.append(path.name)
    return found


def gone_of_bluesky() -> dict[str, list[Any]]:
    mine = bluesky.commit(bluesky.ANN, bluesky.POST, {"text": WORD})
    update = bluesky.commit(
        bluesky.ANN, bluesky.POST, {"text": f"{WORD} again"}, operation="update",
        received=bluesky.NOON + timedelta(hours=1), rkey=mine["commit"]["rkey"],
    )  # fmt: skip
    theirs = bluesky.commit(bluesky.CAT, bluesky.POST, {"text": WORD, "tags": [WORD]})
    profile = bluesky.commit(bluesky.CAT, bluesky.PROFILE, {"displayName": WORD}, rkey="self")
    # A tool that sorts keys writes the record before its key; the excerpt of a reject then ends before the key.
    body = {"record": {"text": WORD + "x" * 600}, **{k: v for k, v in mine["commit"].items() if k != "record"}}
    undated = {"commit": body, "did": bluesky.ANN, "kind": "commit", "time_us": 5}
    return {
        "a": [mine, theirs, undated],
        "b": [update, profile],
        "c": [
            bluesky.commit(
                bluesky.ANN, bluesky.POST, None, bluesky.NOON + LATER, operation="delete", rkey=mine["commit"]["rkey"]
            ),
            bluesky.other(bluesky.CAT, "account", bluesky.NOON + LATER, active=False, status="deleted"),
        ],
    }


def gone_of_twitter(purged: int) -> dict[str, list[Any]]:
    """Two versions of a tweet around midnight, retweets of both; the version that is withdrawn."""
    evening = datetime(2021, 3, 1, 23, 50, tzinfo=UTC)
    versions = [twitter.an_id(0, 1, evening), twitter.an_id(1200, 2, evening)]
    retweets = [
        twitter.v2(
            twitter.an_id(3600 + k, k, evening), twitter.BOB, f"RT {WORD}",
            referenced_tweets=[{"type": "retweeted", "id": version}],
        )
        for k, version in enumerate(versions)
    ]  # fmt: skip
    born = f"{twitter.moment(versions[purged]):%Y-%m-%dT%H:%M:%S}.000Z"
    row = {"id": versions[purged], "action": "delete", "created_at": born, "reason": "deleted"}
    undated = {"text": WORD + "x" * 600} | twitter.v1(versions[0], created_at="2000-01-01T00:00:00Z")
    undated["text"] = WORD + "x" * 600
    return {
        "a.jsonl": [twitter.page(twitter.v2(versions[0], text=WORD, edit_history_tweet_ids=versions[:1]))],
        "b.jsonl": [twitter.page(twitter.v2(versions[1], text=f"{WORD} 2", edit_history_tweet_ids=versions))],
        "c.jsonl": [twitter.page(*retweets), undated],
        "tweets.jsonl": [row | {"redacted_at": "2021-03-09T00:00:00Z"}],
    }


@pytest.mark.parametrize(
    ("source", "files", "rejected"),
    [
        ("bluesky", gone_of_bluesky(), 1),
        ("twitter", gone_of_twitter(0), 1),
        ("twitter", gone_of_twitter(1), 1),
    ],
    ids=["bluesky", "first version", "second version"],
)
def test_no_word_is_left_in_whatever_order_files_come(
    tmp_path: Path, source: str, files: dict[str, list[Any]], rejected: int
) -> None:
    for number, order in enumerate(itertools.permutations(files)):
        settings = Settings(data_root=str(tmp_path / str(number)), profile="tiny")
        lake = Lake(settings)
        held: set[str] = set()
        for name in order:
            land(settings, source, name, files[name])
            intake = take_in(lake, source)
            held.update(intake.purged)
        assert holding(settings) == [], order
        assert sum(intake.totals()[name] for name in intake.totals() if name.startswith("rejected/")) == rejected
        # The operator learns which landing files still hold it.
        assert held == {f"landing/{source}/{name}" for name in files if WORD in json.dumps(files[name])}
        assert take_in(lake, source).purged == {}


def test_what_was_not_withdrawn_stays(settings: Settings) -> None:
    files = gone_of_twitter(1)
    land(settings, "twitter", "a.jsonl", files["a.jsonl"])
    land(settings, "twitter", "tweets.jsonl", files["tweets.jsonl"])
    assert take_in(Lake(settings), "twitter").purged == {}
    assert len(holding(settings)) == 1
    # Only this file tells that the withdrawn tweet is a later version of the other.
    land(settings, "twitter", "b.jsonl", files["b.jsonl"])
    intake = take_in(Lake(settings), "twitter")
    assert set(intake.purged) == {"landing/twitter/a.jsonl", "landing/twitter/b.jsonl"}
    assert holding(settings) == []


def test_days_of_emptied_rejects_are_stale(settings: Settings) -> None:
    files = gone_of_bluesky()
    land(settings, "bluesky", "a", files["a"][2:])
    land(settings, "bluesky", "z", [bluesky.commit(bluesky.BOB, bluesky.POST, {"text": "x"}, bluesky.NOON - 9 * LATER)])
    (folder,) = (f for f in take_in(Lake(settings), "bluesky").files if f.path.endswith("/a"))
    (day,) = folder.manifest["rejects_by_day"]
    land(settings, "bluesky", "c", files["c"])
    intake = take_in(Lake(settings), "bluesky")
    assert intake.purged == {"landing/bluesky/a": 1}
    assert day in {str(found) for found in intake.affected}
