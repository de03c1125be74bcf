"""The real TikTok files: every fact that is known of them."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from test_tiktok import Read

DONORS = ("33534", "38129", "48271")
# file: rows in, failed look-ups, posts, repeated rows, share of times that follow their ids
RAW = {
    "results_33534": (7663, 11, 7400, 252, 99.3),
    "results_38129": (31, 1, 30, 0, 96.7),
    "results_48271": (588, 4, 572, 12, 90.8),
    "TEST-results": (198, 0, 193, 5, 99.0),
    "pyktok_tiktok_data": (3, 0, 3, 0, None),
}


@pytest.fixture(scope="module")
def raw(shared_data: Path) -> dict[str, Read]:
    return {name: Read(shared_data / "tiktok" / "raw_metadata" / f"{name}.csv") for name in RAW}


@pytest.fixture(scope="module")
def relevant(shared_data: Path) -> dict[str, Read]:
    folder = shared_data / "tiktok" / "news_relevant"
    return {donor: Read(folder / f"news_relevant_videos_{donor}.csv") for donor in ("26301", *DONORS)}


@pytest.mark.parametrize("name", RAW)
def test_rows_failed_lookups_posts_and_repeats(raw: dict[str, Read], name: str) -> None:
    rows_in, failed, posts, repeats, share = RAW[name]
    read = raw[name]
    assert read.manifest["rows_in"] == rows_in
    assert read.manifest["ignored"] == ({"lookup_failed": failed} if failed else {})
    assert read.rejects == []
    ids = Counter(read.parsed("post_id"))
    assert (len(ids), len(read.rows) - len(ids)) == (posts, repeats)
    if share is None:
        assert (read.manifest["zone"], set(read.parsed("time_source"))) == (None, {"key"})
        assert read.manifest["vintage"] == "pyktok_19"
    else:
        assert (read.manifest["zone"], read.manifest["zone_origin"]) == ("America/New_York", "inferred")
        assert round(100 * read.manifest["zone_share"], 1) == share
        assert read.manifest["vintage"] == "pyktok_20"


def test_all_five_files_together(raw: dict[str, Read]) -> None:
    assert sum(read.manifest["rows_in"] for read in raw.values()) == 8_483
    assert sum(read.manifest["ignored"].get("lookup_failed", 0) for read in raw.values()) == 16
    kept = [post for read in raw.values() for post in read.parsed("post_id")]
    assert (len(set(kept)), len(kept) - len(set(kept))) == (8_193, 274)


def test_later_rows_of_a_video_are_newer(raw: dict[str, Read]) -> None:
    larger, differing = 0, 0
    for read in raw.values():
        seen: dict[str, dict[str, Any]] = {}
        for found in read.rows:
            before = seen.get(found["video_id"])
            if before is not None:
                views = before["parsed"]["views"], found["parsed"]["views"]
                differing += views[0] != views[1]
                larger += views[1] > views[0]
            seen[found["video_id"]] = found
    assert (larger, differing) == (30, 30)


def test_wholly_equal_repeats(raw: dict[str, Read]) -> None:
    rows = [
        tuple((name, str(cell)) for name, cell in found.items() if name not in ("source_row", "source_line"))
        for found in raw["results_33534"].rows
    ]
    assert sum(count - 1 for count in Counter(rows).values()) == 142


def test_countries_that_are_none(raw: dict[str, Read]) -> None:
    fakes = [found for found in raw["results_33534"].rows if found["video_locationcreated"] == "FAKE-AD"]
    assert len(fakes) == raw["results_33534"].manifest["repairs"]["video_locationcreated/bad_country"] == 651
    assert {found["parsed"]["country_code"] for found in fakes} == {None}


def test_hashtags_and_suggestions_of_the_filtered_files(relevant: dict[str, Read]) -> None:
    hashtags = {
        donor: [tag for found in read.rows for tag in found["hashtag_list"]] for donor, read in relevant.items()
    }
    assert {donor: len(tags) for donor, tags in hashtags.items()} == {
        "26301": 1_700, "33534": 416, "48271": 41, "38129": 0,
    }  # fmt: skip
    distinct = {donor: len({tag.lower() for tag in tags}) for donor, tags in hashtags.items()}
    assert distinct == {"26301": 954, "33534": 309, "48271": 38, "38129": 0}
    words = {donor: sum(len(found["suggestion_list"]) for found in read.rows) for donor, read in relevant.items()}
    assert words == {"26301": 1_773, "33534": 466, "48271": 20, "38129": 0}
    assert relevant["38129"].manifest["rows_in"] == 0
    assert {read.manifest["vintage"] for read in relevant.values()} == {"filtered_22"}
    for read in relevant.values():
        assert not [reason for reason in read.manifest["repairs"] if reason.endswith("bad_list")]
        assert len(read.staged()["post_hashtags"]) == sum(len(found["hashtag_list"]) for found in read.rows)


def test_the_hashtag_column_equals_the_caption(relevant: dict[str, Read], tmp_path: Path) -> None:
    columns = ("video_id", "video_timestamp", "video_description", "author_username")
    for read in relevant.values():
        with (tmp_path / "x").open("w", encoding="utf-8", newline="") as sink:
            writer = csv.DictWriter(sink, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(read.rows)
        again = Read(tmp_path / "x")
        assert [found["hashtag_list"] for found in again.rows] == [found["hashtag_list"] for found in read.rows]


def test_stripping_quotes_would_differ(relevant: dict[str, Read]) -> None:
    def stripped(text: str) -> list[str]:
        parts = [part.strip("'").strip() for part in text.strip("][").split(", ")]
        return [part for part in parts if part]

    def differing(donor: str, column: str, elements: str) -> int:
        return sum(stripped(found[column]) != found[elements] for found in relevant[donor].rows)

    assert [differing(donor, "hashtags", "hashtag_list") for donor in relevant] == [0, 1, 0, 0]
    assert [differing(donor, "suggested_words", "suggestion_list") for donor in relevant] == [16, 4, 0, 0]


@pytest.mark.parametrize("donor", DONORS)
def test_the_news_filter_gives_the_same_videos(
    shared_data: Path, raw: dict[str, Read], relevant: dict[str, Read], donor: str
) -> None:
    def listed(name: str) -> set[str]:
        with (shared_data / "tiktok" / "news_lists" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return {row[0] for row in list(csv.reader(file))[1:]}

    tags, authors = listed("news_hashtags"), listed("news_creators")

    def kept(found: dict[str, Any], words: list[str]) -> bool:
        parsed = found["parsed"]
        is_news = bool(tags & {*found["hashtag_list"], *words}) or found["author_username"] in authors
        return parsed["country_code"] == "US" and not parsed["is_ad"] and is_news

    rows = raw[f"results_{donor}"].rows
    as_delivered = [found["video_id"] for found in rows if kept(found, (found["suggested_words"] or "").split(","))]
    assert as_delivered == [found["video_id"] for found in relevant[donor].rows]
    trimmed = [found["video_id"] for found in rows if kept(found, [word.lower() for word in found["suggestion_list"]])]
    assert (len(as_delivered), len(trimmed)) == {"33534": (70, 72), "48271": (6, 6), "38129": (0, 0)}[donor]


def test_staged_rows_of_all_files(raw: dict[str, Read]) -> None:
    for read in raw.values():
        staged = read.staged()
        assert len(staged["posts"]) == len(read.rows)
        assert len(staged["post_mentions"]) == sum(len(found["mention_list"]) for found in read.rows)
        assert len(staged["post_media_text"]) == sum(len(found["suggestion_list"]) for found in read.rows)
