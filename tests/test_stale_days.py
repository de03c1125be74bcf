"""What an intake calls stale, and how far a purge reaches among converted files.

Here: renamed files, other collections, late profiles, bytes that were replaced. Not here: conversion (`test_convert`),
which words are whose (tests/sources/).
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import some_posts, write_export

from sm_assets.sources.intake import take_in
from sm_assets.storage import Lake, day_range

pytestmark = pytest.mark.usefixtures("no_catalogue")

FIRST, LAST = date(2021, 7, 1), date(2021, 7, 4)
DAYS = tuple(day_range(FIRST, LAST))
WORDS = "words that their author took back"


def landing(lake: Lake, source: str, name: str) -> Path:
    path = Path(lake.path("landing", source, name))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def affected(lake: Lake, source: str = "crowdtangle") -> tuple[date, ...]:
    return take_in(lake, source).affected


def test_a_profile_goes_on_into_all_later_days(lake: Lake) -> None:
    write_export(landing(lake, "crowdtangle", "a.csv"), some_posts(FIRST, 4))
    assert affected(lake) == DAYS
    write_export(landing(lake, "crowdtangle", "late.csv"), some_posts(date(2021, 7, 3), 1, start=900_000))
    assert affected(lake) == DAYS[2:]
    assert affected(lake) == ()
    write_export(landing(lake, "crowdtangle", "next.csv"), some_posts(date(2021, 7, 5), 1))
    assert affected(lake) == (date(2021, 7, 5),), "what is newest changes no other day"


def test_a_file_of_another_name_or_collection_is_news_of_its_days(lake: Lake) -> None:
    file = write_export(landing(lake, "crowdtangle", "a.csv"), some_posts(FIRST, 4))
    take_in(lake, "crowdtangle")
    sidecar = landing(lake, "crowdtangle", "a.csv.meta.json")
    sidecar.write_text('{"collection": "donors"}', encoding="utf-8")
    assert (affected(lake), affected(lake)) == (DAYS, ())
    sidecar.unlink()
    assert (affected(lake), affected(lake)) == (DAYS, ())
    file.rename(file.with_name("b.csv"))
    assert (affected(lake), affected(lake)) == (DAYS, ())


@pytest.mark.parametrize(
    ("name", "collection"),
    [("list.v1.csv", "list.v1"), ("list.v1.csv.gz", "list.v1"), ("list.v2.csv.zst", "list.v2"), ("list", "list")],
)
def test_a_collection_is_named_for_its_file(lake: Lake, name: str, collection: str) -> None:
    write_export(landing(lake, "crowdtangle", name), some_posts(FIRST, 1))
    assert [file.delivery for file in take_in(lake, "crowdtangle").files] == [collection]


def event(rkey: str, hours: int, operation: str = "create", **record: Any) -> str:
    when = datetime(2024, 3, 1, 12, tzinfo=UTC) + timedelta(hours=hours)
    commit: dict[str, Any] = {
        "rev": f"3k{hours:011d}",
        "operation": operation,
        "collection": "app.bsky.feed.post",
        "rkey": rkey,
    }
    if record:
        commit |= {"record": {"createdAt": when.isoformat(), **record}, "cid": "bafyreia"}
    event = {"did": "did:plc:ann", "time_us": int(when.timestamp() * 1e6) + 1, "kind": "commit", "commit": commit}
    return json.dumps(event) + "\n"


def holding(lake: Lake, words: str) -> list[str]:
    """Converted files that hold words."""
    root = Path(lake.path("lake", "_ingest"))
    return sorted(
        path.relative_to(root).parts[1]
        for path in root.rglob("*.parquet")
        if words in str(pq.read_table(path, partitioning=None).to_pylist())
    )


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_purge_reaches_what_was_made_of_bytes_that_were_replaced(lake: Lake, is_gone: bool) -> None:
    file = landing(lake, "bluesky", "events.jsonl")
    file.write_text(event("3kaaaaaaaaaaa", 0, text=WORDS), encoding="utf-8")
    take_in(lake, "bluesky")
    # A collector goes on writing: each state of the file is a conversion of its own.
    file.write_text(event("3kaaaaaaaaaaa", 0, text=WORDS) + event("3kaaaaaaaaaab", 1, text="kept"), encoding="utf-8")
    take_in(lake, "bluesky")
    if is_gone:
        file.unlink()
        take_in(lake, "bluesky")
    assert holding(lake, WORDS) == ["events", "events"]
    landing(lake, "bluesky", "later.jsonl").write_text(event("3kaaaaaaaaaaa", 24, "delete"), encoding="utf-8")
    purged = take_in(lake, "bluesky").purged
    assert holding(lake, WORDS) == []
    assert holding(lake, "kept") == ["events"]
    assert purged == ({} if is_gone else {"landing/bluesky/events.jsonl": 1}), "what landing/ still holds"


def test_files_that_still_hold_purged_words_are_listed_until_they_go(lake: Lake) -> None:
    created, deleted = event("3kaaaaaaaaaaa", 0, text=WORDS), event("3kaaaaaaaaaaa", 24, "delete")
    for name, text in (("a.jsonl", created), ("copy.jsonl", created), ("later.jsonl", deleted)):
        landing(lake, "bluesky", name).write_text(text, encoding="utf-8")
    both = {"landing/bluesky/a.jsonl": 1, "landing/bluesky/copy.jsonl": 1}
    assert take_in(lake, "bluesky").held == both
    again = take_in(lake, "bluesky")
    assert (again.held, again.purged) == (both, {}), "it is no news, but still so"
    landing(lake, "bluesky", "a.jsonl").unlink()
    assert take_in(lake, "bluesky").held == {"landing/bluesky/copy.jsonl": 1}
    landing(lake, "bluesky", "copy.jsonl").unlink()
    assert take_in(lake, "bluesky").held == {}
