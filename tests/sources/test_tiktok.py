"""TikTok collections in CSV: vintages, times, counts, lists, refusals, staging."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest

from sm_assets.contracts import TABLES
from sm_assets.contracts.staging import DELIVERS
from sm_assets.errors import InputError, SettingsError, UnknownVintage
from sm_assets.sources.reading import REJECT_SCHEMA, ReadOptions
from sm_assets.sources.tiktok import open_file
from sm_assets.sources.tiktok_rows import VIDEOS

SQL = Path(__file__).parents[2] / "sql"
PYKTOK_19 = [
    "video_id", "video_timestamp", "video_duration", "video_locationcreated", "video_diggcount", "video_sharecount",
    "video_commentcount", "video_playcount", "video_description", "video_is_ad", "video_stickers", "author_username",
    "author_name", "author_followercount", "author_followingcount", "author_heartcount", "author_videocount",
    "author_diggcount", "author_verified",
]  # fmt: skip
PYKTOK_20 = [*PYKTOK_19[:4], "suggested_words", *PYKTOK_19[4:]]
FILTERED_22 = ["", *PYKTOK_20, "hashtags"]
NOON = datetime(2024, 2, 2, 17, tzinfo=UTC)
Row = dict[str, Any]


def video_id(moment: datetime, number: int = 0) -> str:
    """An id made at `moment`."""
    return str((int(moment.timestamp()) << 32) + 1_000_000 + number)


def row(number: int, *, lag: int = 10, zone: str = "America/New_York", at: datetime = NOON, **changes: str) -> Row:
    """A video posted `lag` seconds after its upload, its time on the clock of `zone`."""
    posted = at + timedelta(hours=number)
    local = (posted + timedelta(seconds=lag)).astimezone(ZoneInfo(zone))
    return {
        "video_id": video_id(posted, number),
        "video_timestamp": f"{local:%Y-%m-%dT%H:%M:%S}",
        "video_description": f"caption {number}",
        "author_username": "Some.One",
        **changes,
    }


def write(path: Path, rows: list[Row], columns: list[str] = PYKTOK_20) -> Path:
    with path.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.DictWriter(sink, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


class Read:
    """Everything that one file gives."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.batches: list[pa.RecordBatch] = []
        self.rejects: list[Row] = []
        with open_file(path, ReadOptions(**options)) as reader:
            for chunk in reader:
                assert chunk.rejects.schema.equals(REJECT_SCHEMA)
                self.rejects += chunk.rejects.to_pylist()
                for batch in chunk.records.values():
                    assert batch.schema.equals(VIDEOS)
                    batch.validate(full=True)
                    self.batches.append(batch)
            self.manifest = reader.manifest
        json.dumps(self.manifest)
        counts = self.manifest
        assert counts["rejected"] == {
            reason: sum(reject["reason"] == reason for reject in self.rejects) for reason in sorted(set(self.reasons))
        }
        assert counts["rows_out"] == len(self.rows)
        assert counts["rows_in"] == len(self.rows) + len(self.rejects) + sum(counts["ignored"].values())
        places = [(row["source_row"], row["source_item"]) for row in self.rows]
        assert places == sorted(set(places))
        assert len({(row["line"], row["byte_offset"]) for row in self.rejects}) == len(self.rejects)

    @property
    def rows(self) -> list[Row]:
        return [row for batch in self.batches for row in batch.to_pylist()]

    @property
    def reasons(self) -> list[str]:
        return [row["reason"] for row in self.rejects]

    def parsed(self, name: str) -> list[Any]:
        return [row["parsed"][name] for row in self.rows]

    def staged(self) -> dict[str, list[Row]]:
        """Rows of every file of sql/staging over the raw rows, held to their contracts."""
        last = self.manifest["last_event_at"]
        with duckdb.connect() as con:
            con.execute("set timezone = 'UTC'")
            con.register("read", pa.Table.from_batches(self.batches, VIDEOS))
            con.execute(
                "create view raw_tiktok__videos__all_days as select 'landing/tiktok/x' as source_file, 'abc' as "
                f"source_sha256, 'x' as vintage, 'donor' as delivery, * replace (coalesce(observed_at, timestamp "
                f"'{(last or '1970-01-01T00:00:00')[:19]}') as observed_at) from read"
            )
            con.execute("create view raw_tiktok__videos as select * from raw_tiktok__videos__all_days")
            days = ", ".join(f"(date '{day}')" for day in self.manifest["also_days"])
            con.execute(f"create view requested_days as select * from (values {days or '(null)'}) as days (day)")
            found: dict[str, list[Row]] = {}
            for entity in DELIVERS["tiktok"].split():
                table = TABLES[f"stg_tiktok__{entity}"]
                relation = con.sql((SQL / "staging" / "tiktok" / f"{table.name}.sql").read_text(encoding="utf-8"))
                assert table.missing_from(relation.columns) == ([], [])
                con.register("staged", relation.to_arrow_table())
                (broken,) = con.sql(table.rule_counts_sql(f"({table.cast_sql('staged')})")).fetchall()
                assert not any(broken), entity
                assert con.sql(table.duplicates_sql("staged")).fetchall() == [(0,)], entity
                order = "order by source_row, source_item" + (", ordinal" if "ordinal" in relation.columns else "")
                found[entity] = con.sql(f"select * from staged {order}").to_arrow_table().to_pylist()
                counts = SQL / "counts" / f"{table.name}.sql"
                if counts.exists():
                    counted = con.sql(counts.read_text(encoding="utf-8")).fetchall()
                    assert counted == [("rows_in", len(found[entity]))]
            assert len(found["posts"]) == len(found["accounts"]) == len(self.rows)
            return found


def test_vintages_by_their_columns(tmp_path: Path) -> None:
    lists = {"suggested_words": "['a, b', ' C']", "hashtags": "['one']", "": "21"}
    old = Read(write(tmp_path / "a", [row(0)], PYKTOK_19))
    new = Read(write(tmp_path / "b", [row(0, suggested_words="a, b, ,C")], PYKTOK_20))
    cut = Read(write(tmp_path / "c", [row(0, video_description="#two", **lists)], FILTERED_22))
    assert [read.manifest["vintage"] for read in (old, new, cut)] == ["pyktok_19", "pyktok_20", "filtered_22"]
    assert [read.rows[0]["suggestion_list"] for read in (old, new, cut)] == [[], ["a", "b", "C"], ["a, b", "C"]]
    assert (cut.rows[0]["row_number"], cut.rows[0]["hashtag_list"]) == ("21", ["one"])
    assert cut.manifest["columns_unknown"] == old.manifest["columns_missing"] == []
    with pytest.raises(UnknownVintage, match=r"pyktok_19, which also needs video_timestamp, author_username"):
        Read(write(tmp_path / "d", [{}], ["video_id", "video_description", "other"]))
    renamed = {"When" if name == "video_timestamp" else name: cell for name, cell in row(0).items()}
    stated = Read(
        write(tmp_path / "e", [renamed], ["When", "video_id", *PYKTOK_19[2:]]), columns={"when": "video_timestamp"}
    )
    assert stated.rows[0]["video_timestamp"] == "2024-02-02T12:00:10"


def test_files_without_rows(tmp_path: Path) -> None:
    header = Read(write(tmp_path / "a", []))
    assert (header.manifest["vintage"], header.manifest["rows_in"], header.manifest["also_days"]) == (
        "pyktok_20",
        0,
        [],
    )
    (tmp_path / "b").write_text("\n\n")
    assert Read(tmp_path / "b").manifest["vintage"] == "empty"
    assert all(rows == [] for rows in header.staged().values())


def test_damaged_and_compressed_files(tmp_path: Path) -> None:
    rows = [row(number, video_description=f"line\r\nline {number}") for number in range(3)]
    content = write(tmp_path / "a", rows).read_bytes()
    whole = Read(tmp_path / "a")
    (tmp_path / "b").write_bytes(gzip.compress(content[:100]) + gzip.compress(content[100:]))
    assert Read(tmp_path / "b").rows == whole.rows
    assert whole.rows[1]["video_description"] == "line\r\nline 1"
    (tmp_path / "c").write_bytes(content + b'1,2\n"open')
    assert Read(tmp_path / "c").reasons == ["missing_columns", "unterminated_quote"]
    (tmp_path / "d").write_bytes(content.replace(b"caption", b"caf\xe9").replace(b"line 1", b"caf\xe9"))
    assert Read(tmp_path / "d").rows[1]["video_description"].endswith("café")
    with pytest.raises(InputError):
        Read(tmp_path / "absent")


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Adelaide"])
def test_the_zone_is_inferred_from_the_ids(tmp_path: Path, zone: str) -> None:
    # 16 of 20 follow their ids under one zone, through winter and summer; the others were scheduled.
    rows = [row(900 * number, lag=10 if number % 5 else 86_400, zone=zone) for number in range(20)]
    read = Read(write(tmp_path / "x", rows))
    assert (read.manifest["zone"], read.manifest["zone_origin"], read.manifest["zone_share"]) == (zone, "inferred", 0.8)
    for number, found in enumerate(read.rows):
        posted = NOON + timedelta(hours=900 * number, seconds=10 if number % 5 else 86_400)
        assert found["parsed"]["posted_at"] == posted.replace(tzinfo=None)
        assert (found["parsed"]["time_source"], found["zone"], found["day"]) == ("platform", zone, posted.date())
    assert read.manifest["repairs"] == {"video_timestamp/zone_inferred": 20}


def test_too_few_or_disagreeing_times_fall_back_to_the_ids(tmp_path: Path) -> None:
    few = Read(write(tmp_path / "x", [row(number) for number in range(19)]))
    assert (few.manifest["zone"], few.manifest["zone_origin"], few.manifest["repairs"]) == (None, None, {})
    assert few.parsed("posted_at")[0] == NOON.replace(tzinfo=None)
    assert set(few.parsed("time_source")) == {"key"}
    assert "state `zone` in a sidecar" in few.manifest["notices"][0]
    rows = [row(number, lag=10 if number % 5 > 1 else 4000) for number in range(20)]
    assert Read(write(tmp_path / "x", rows)).manifest["zone"] is None


def test_a_stated_zone_goes_before_all(tmp_path: Path) -> None:
    file = write(tmp_path / "x", [row(0, video_timestamp="2024-02-02T20:00:00")])
    read = Read(file, zone="+03:00")
    assert (read.manifest["zone_origin"], read.parsed("posted_at")[0]) == ("stated", datetime(2024, 2, 2, 17))
    assert (read.parsed("time_source"), read.manifest["repairs"]) == (["platform"], {})
    with pytest.raises(SettingsError, match="Nowhere"):
        Read(file, zone="Nowhere")


def test_the_repeated_hour_is_read_by_the_id(tmp_path: Path) -> None:
    before, after = datetime(2023, 11, 5, 5, 30, tzinfo=UTC), datetime(2023, 11, 5, 6, 30, tzinfo=UTC)
    rows = [row(0, at=before), row(0, at=after), row(1, at=after)]
    assert rows[0]["video_timestamp"] == rows[1]["video_timestamp"] == "2023-11-05T01:30:10"
    read = Read(write(tmp_path / "x", rows), zone="America/New_York")
    assert [found.hour for found in read.parsed("posted_at")] == [5, 6, 7]


def test_times_that_say_their_zone(tmp_path: Path) -> None:
    rows = [row(0, video_timestamp="2024-02-02T18:00:00+01:00"), row(1, video_timestamp="2024-02-02 18:00:00 CST")]
    read = Read(write(tmp_path / "x", rows))
    assert read.parsed("posted_at") == [datetime(2024, 2, 2, 17)]
    assert read.reasons == ["ambiguous_zone"]


def test_failed_lookups_are_ignored_whatever_the_zone(tmp_path: Path) -> None:
    sentinels = ("1969-12-31T19:00:00", "1970-01-01T14:00:00", "1970-01-01T00:00:00", "1969-12-31T12:00:00")
    empty = {"video_description": "", "author_username": ""}
    rows = [row(number, video_timestamp=when, **empty) for number, when in enumerate(sentinels)]
    read = Read(write(tmp_path / "x", [*rows, row(9)]))
    assert read.manifest["ignored"] == {"lookup_failed": 4}
    assert [found["source_row"] for found in read.rows] == [5]
    # The same time with an author is a broken time, the same emptiness at another time a broken row.
    odd = [row(0, video_timestamp=sentinels[0]), row(1, **empty)]
    assert Read(write(tmp_path / "x", odd), zone="UTC").reasons == ["bad_time", "missing_account"]


def test_rows_without_key_account_or_time_are_refused(tmp_path: Path) -> None:
    bad = [
        row(0, video_id=""), row(1, video_id="7.33e18"), row(2, author_username=" "), row(3, video_id="12345"),
        row(4, video_timestamp="2016-08-31T23:59:59"), row(5, video_id="9" * 20),
        row(6, video_timestamp="2024-02-04T00:00:00"),
    ]  # fmt: skip
    read = Read(write(tmp_path / "x", bad), zone="UTC", exported_at=datetime(2024, 2, 3, 22, 30, tzinfo=UTC))
    assert read.reasons == ["missing_key", "bad_key", "missing_account", "bad_time", "bad_key", "bad_time"]
    assert (read.rejects[0]["day"], read.rejects[0]["line"], read.rejects[0]["record"]) == (date(2024, 2, 2), 2, 1)
    assert read.rejects[0]["raw_excerpt"].startswith(",2024-02-02T")
    assert [found["video_id"] for found in read.rows] == ["12345"]
    # Without a zone the id must give the time.
    assert Read(write(tmp_path / "x", [row(3, video_id="12345")])).reasons == ["bad_time"]


def test_an_unreadable_time_is_repaired_by_the_id(tmp_path: Path) -> None:
    rows = [row(0, video_timestamp="yesterday"), row(1, video_timestamp=""), row(2)]
    read = Read(write(tmp_path / "x", rows), zone="America/New_York")
    assert read.parsed("time_source") == ["key", "key", "platform"]
    assert read.manifest["repairs"] == {"video_timestamp/bad_time": 1}
    assert [found["zone"] for found in read.rows] == [None, None, "America/New_York"]


def test_counts_of_both_notations_are_whole_numbers(tmp_path: Path) -> None:
    cells = ["12", "3600000.0", "", "0.0", "1.5", "-1", "many", "1.2e+07", "1,234", "nan"]
    rows = [row(number, video_playcount=cell, video_duration=cell) for number, cell in enumerate(cells)]
    read = Read(write(tmp_path / "x", rows), zone="America/New_York")
    assert read.parsed("views") == [12, 3_600_000, None, 0, None, None, None, 12_000_000, None, None]
    assert read.parsed("duration_seconds")[:5] == [12.0, 3_600_000.0, None, 0.0, 1.5]
    assert read.manifest["repairs"] == {"video_duration/bad_number": 4, "video_playcount/bad_number": 5}


def test_countries_and_flags(tmp_path: Path) -> None:
    cells = [("US", "True"), ("FAKE-AD", "False"), ("us", ""), ("", "perhaps"), ("USA", "0")]
    rows = [row(k, video_locationcreated=country, video_is_ad=ad) for k, (country, ad) in enumerate(cells)]
    read = Read(write(tmp_path / "x", rows), zone="America/New_York")
    assert read.parsed("country_code") == ["US", None, None, None, None]
    assert read.parsed("is_ad") == [True, False, None, None, False]
    assert read.manifest["repairs"] == {"video_is_ad/bad_number": 1, "video_locationcreated/bad_country": 3}


def test_hashtags_of_the_caption(tmp_path: Path) -> None:
    captions = ["#Fyp #fyp\n#ＦＯＯ ##x # y", "", "a#b,c #ẞ"]
    rows = [row(k, video_description=caption) for k, caption in enumerate(captions)]
    read = Read(write(tmp_path / "x", rows))
    assert [found["hashtag_list"] for found in read.rows] == [["fyp", "fyp", "ｆｏｏ", "#x"], [], ["b,c", "ß"]]
    assert read.rows[0]["hashtag_list_normalised"] == ["fyp", "fyp", "foo", "#x"]
    assert read.rows[2]["hashtag_list_normalised"] == ["b,c", "ss"]


def test_bad_lists_cost_no_post(tmp_path: Path) -> None:
    rows = [
        row(0, hashtags="[\"israel's\", ' Two ', '']", suggested_words="[]"),
        row(1, hashtags="['a', b]", suggested_words="not a list", video_description="#a"),
        row(2, hashtags="", suggested_words="", video_description="#a"),
    ]
    read = Read(write(tmp_path / "x", rows, FILTERED_22))
    assert [found["hashtag_list"] for found in read.rows] == [["israel's", "Two"], [], []]
    assert read.manifest["repairs"] == {"hashtags/bad_list": 1, "suggested_words/bad_list": 1}


def test_mentions_of_the_caption(tmp_path: Path) -> None:
    caption = "@some.one hi @Ünï_1! me@mail.com @@x @ y via @a.b.c."
    read = Read(write(tmp_path / "x", [row(0, video_description=caption)]))
    assert read.rows[0]["mention_list"] == ["some.one", "Ünï_1", "x", "a.b.c"]


def test_staged_rows(tmp_path: Path) -> None:
    cells = {
        "video_description": "#One @two", "suggested_words": "b, a", "video_diggcount": "5.0", "video_sharecount": "6",
        "video_commentcount": "7", "video_playcount": "8", "video_duration": "9.5", "video_locationcreated": "DE",
        "video_is_ad": "True", "author_name": "Some One", "author_followercount": "10", "author_followingcount": "11",
        "author_heartcount": "12", "author_videocount": "13", "author_verified": "True",
    }  # fmt: skip
    file = write(tmp_path / "2024-02-10-12-00-00-UTC-donor.csv", [row(0, **cells), row(1)])
    read = Read(file)
    assert read.manifest["also_days"] == ["2024-02-10"]
    assert read.manifest["exported_at_origin"] == "file_name"
    staged = read.staged()
    post = staged["posts"][0]
    assert (post["platform"], post["post_id"], post["account_id"]) == ("tiktok", video_id(NOON), "some.one")
    assert (post["operation"], post["post_kind"], post["media_kind"]) == ("observe", "post", "video")
    counts = ("likes_count", "shares_count", "comments_count", "views_count", "video_duration_seconds", "country_code")
    assert [post[name] for name in counts] == [5, 6, 7, 8, 9.5, "DE"]
    assert (post["is_ad"], post["revision"], post["delivery"]) == (True, "2024-02-10T12:00:00.000000Z", "donor")
    account = staged["accounts"][0]
    assert (account["day"], account["account_kind"]) == (date(2024, 2, 10), "account")
    assert (account["handle"], account["display_name"], account["is_verified"]) == ("Some.One", "Some One", True)
    profile = ("followers_count", "following_count", "account_likes_count", "posts_count")
    assert [account[name] for name in profile] == [10, 11, 12, 13]
    (hashtag,) = staged["post_hashtags"]
    assert (hashtag["hashtag"], hashtag["hashtag_normalised"], hashtag["ordinal"]) == ("one", "one", 0)
    (mention,) = staged["post_mentions"]
    assert (mention["mentioned_handle"], mention["mentioned_account_id"]) == ("two", None)
    words = [(text["ordinal"], text["media_text_kind"], text["text"]) for text in staged["post_media_text"]]
    assert words == [(0, "platform_suggestion", "b"), (1, "platform_suggestion", "a")]


def test_profiles_of_another_day_are_not_staged(tmp_path: Path) -> None:
    read = Read(write(tmp_path / "x", [row(0), row(48)]))
    # Nothing tells when the file was made: at its last event.
    assert read.manifest["also_days"] == ["2024-02-04"]
    assert {account["day"] for account in read.staged()["accounts"]} == {date(2024, 2, 4)}
    read.manifest["also_days"] = ["2024-02-02"]
    with pytest.raises(AssertionError):
        read.staged()


def test_repeated_videos_stay_in_raw(tmp_path: Path) -> None:
    read = Read(write(tmp_path / "x", [row(0, video_playcount="1"), row(0, video_playcount="2")]))
    assert [(found["source_row"], found["parsed"]["views"]) for found in read.rows] == [(1, 1), (2, 2)]
