"""Answers of the TikTok Research API: pages, lines, errors, positions."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from test_tiktok import Read

from sm_assets.errors import UnknownVintage

WHEN = datetime(2023, 5, 6, 7, 8, 9, tzinfo=UTC)


def video(number: int, **changes: Any) -> dict[str, Any]:
    """A video as the API gives it."""
    return {
        "id": (int(WHEN.timestamp()) << 32) + 9_007_199_254 + number,
        "create_time": int(WHEN.timestamp()) + 5,
        "username": "Some.One",
        "video_description": f"caption {number} #x @two",
        "region_code": "US",
        "like_count": 1,
        "comment_count": 2,
        "share_count": 3,
        "view_count": 4,
        "video_duration": 5,
        "hashtag_names": ["Fyp", "it's"],
        "voice_to_text": "hello there",
        **changes,
    }


def page(*videos: Any, code: str = "ok", **more: Any) -> dict[str, Any]:
    return {"data": {"videos": list(videos), "cursor": 100, "has_more": True, "search_id": "7"},
            "error": {"code": code, "message": "why", "log_id": "x"}, **more}  # fmt: skip


def lines(path: Path, *records: Any, name: str = "x") -> Path:
    file = path / name
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return file


def test_pages_and_lines_give_the_same_rows(tmp_path: Path) -> None:
    by_line = Read(lines(tmp_path, video(1), video(2), video(3)))
    by_page = Read(lines(tmp_path, page(video(1), video(2)), page(), page(video(3))))
    pretty = tmp_path / "pretty"
    pretty.write_text(json.dumps(page(video(1), video(2), video(3)), indent=2), encoding="utf-8")
    array = lines(tmp_path, [page(video(1)), page(video(2), video(3))], name="array")

    def without_place(read: Read) -> list[dict[str, Any]]:
        # A list inside a video is kept as delivered, blanks and all; its elements are in hashtag_list.
        apart = ("source_row", "source_item", "source_line", "hashtags")
        return [{name: cell for name, cell in row.items() if name not in apart} for row in read.rows]

    for other in (by_page, Read(pretty), Read(array)):
        assert other.manifest["vintage"] == "research_api"
        assert without_place(other) == without_place(by_line)
    assert [(row["source_row"], row["source_item"]) for row in by_line.rows] == [(1, 0), (2, 0), (3, 0)]
    assert [(row["source_row"], row["source_item"]) for row in by_page.rows] == [(1, 0), (1, 1), (3, 0)]
    assert [(row["source_row"], row["source_item"]) for row in Read(array).rows] == [(1, 0), (1, 1), (1, 2)]
    assert [row["source_line"] for row in by_page.rows] == [1, 1, 3]
    assert [row["source_line"] for row in Read(pretty).rows] == [1, 1, 1]
    assert (by_page.manifest["pages"], by_page.manifest["pages_with_error"]) == (3, 0)


def test_a_video_as_read(tmp_path: Path) -> None:
    read = Read(lines(tmp_path, video(1)), exported_at=datetime(2023, 6, 1, tzinfo=UTC))
    (row,) = read.rows
    parsed = row["parsed"]
    assert parsed["post_id"] == str(video(1)["id"])
    assert (parsed["posted_at"], parsed["time_source"]) == (datetime(2023, 5, 6, 7, 8, 14), "platform")
    assert (row["day"], row["observed_at"]) == (date(2023, 5, 6), datetime(2023, 6, 1))
    assert [parsed[name] for name in ("likes", "comments", "shares", "views", "duration_seconds")] == [1, 2, 3, 4, 5.0]
    assert (row["hashtag_list"], row["hashtag_list_normalised"]) == (["Fyp", "it's"], ["fyp", "it's"])
    assert row["mention_list"] == ["two"]
    assert read.manifest["repairs"] == {}
    staged = read.staged()
    (text,) = staged["post_media_text"]
    assert (text["media_text_kind"], text["text"], text["ordinal"]) == ("voice_to_text", "hello there", 0)
    assert staged["accounts"][0]["day"] == date(2023, 6, 1)


def test_lists_that_were_not_asked_for_come_from_the_caption(tmp_path: Path) -> None:
    plain = {name: cell for name, cell in video(1).items() if name not in ("hashtag_names", "voice_to_text")}
    none = video(2, hashtag_names=[], video_mention_list=["@Three", "four"])
    bad = video(3, hashtag_names="x")
    read = Read(lines(tmp_path, plain, none, bad))
    assert [row["hashtag_list"] for row in read.rows] == [["x"], [], ["x"]]
    assert [row["mention_list"] for row in read.rows] == [["two"], ["Three", "four"], ["two"]]
    assert read.manifest["repairs"] == {"hashtags/bad_list": 1}
    assert Read(lines(tmp_path, {**plain, "name": "x"}), columns={"name": "author_name"}).rows[0]["author_name"] == "x"


def test_errors_of_the_api_are_counted(tmp_path: Path) -> None:
    failed = {"data": {}, "error": {"code": "rate_limit_exceeded", "message": "slow down"}}
    read = Read(lines(tmp_path, page(video(1)), failed, {"error": "gone"}, page(video(2), code="timeout"), page()))
    assert read.reasons == ["api_error"] * 3
    assert read.rejects[0]["detail"] == "the API answered rate_limit_exceeded: slow down"
    assert (read.rejects[0]["line"], read.rejects[0]["record"]) == (2, 2)
    assert len(read.rows) == 2
    assert read.manifest["pages_with_error"] == 3
    assert Read(lines(tmp_path, failed)).reasons == ["api_error"]


def test_broken_videos_are_refused_in_their_places(tmp_path: Path) -> None:
    bad = [
        video(1, id=""),
        video(2, username=None),
        video(3, id="abc"),
        video(4, create_time=1),
        7,
        video(5, create_time="x"),
    ]
    read = Read(lines(tmp_path, page(*bad), video(6), {"id": 1}))
    assert sorted(read.reasons) == sorted(
        ["missing_key", "missing_account", "bad_key", "bad_time", "not_an_object", "missing_account"]
    )
    content = (tmp_path / "x").read_bytes()
    for reject in read.rejects:
        piece = content[reject["byte_offset"] : reject["byte_offset"] + reject["byte_length"]]
        assert piece.decode()[:512] == reject["raw_excerpt"]
        assert isinstance(json.loads(piece), dict | int)
    assert [(row["source_row"], row["source_item"]) for row in read.rows] == [(1, 5), (2, 0)]
    assert read.parsed("time_source") == ["key", "platform"]
    assert read.manifest["repairs"] == {"video_timestamp/bad_time": 1}


def test_several_records_on_one_line_keep_their_places_apart(tmp_path: Path) -> None:
    parts = [page(video(1), video(2)), video(3), page(video(4)), video(5)]
    (tmp_path / "x").write_text(" ".join(map(json.dumps, parts)) + "\n" + json.dumps(video(6)) + "\n{broken\n")
    read = Read(tmp_path / "x")
    assert [row["video_id"] for row in read.rows] == [str(video(number)["id"]) for number in range(1, 7)]
    assert [row["source_row"] for row in read.rows] == [1] * 5 + [2]
    assert read.reasons == ["malformed_json"]


def test_other_answers_are_no_videos(tmp_path: Path) -> None:
    comments = {"data": {"comments": [{"id": 1}]}, "error": {"code": "ok"}}
    with pytest.raises(UnknownVintage, match="data, error"):
        Read(lines(tmp_path, comments))
    with pytest.raises(UnknownVintage, match=r"fields: did, time_us\. Nearest: research_api"):
        Read(lines(tmp_path, {"did": 1, "time_us": 2}))
    mixed = Read(lines(tmp_path, page(video(1)), comments))
    assert mixed.manifest["ignored"] == {"no_payload": 1}


def test_compressed_files_and_cut_ones(tmp_path: Path) -> None:
    content = lines(tmp_path, *(page(*(video(100 * k + n) for n in range(100))) for k in range(120))).read_bytes()
    packed = gzip.compress(content)
    (tmp_path / "y").write_bytes(packed)
    read = Read(tmp_path / "y")
    assert len(read.rows) == 12_000
    assert read.rows == Read(tmp_path / "x").rows
    (tmp_path / "z").write_bytes(content[:-10])
    cut = Read(tmp_path / "z")
    assert (len(cut.rows), cut.reasons) == (11_900, ["truncated_record"])
