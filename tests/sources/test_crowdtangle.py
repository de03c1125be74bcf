"""The reader of CrowdTangle page exports as tables want it: vintages, positions, repairs, rejects, real files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sm_assets.errors import InputError, SettingsError, UnknownVintage, UnsupportedContainer
from sm_assets.sources.crowdtangle import Reader, open_file
from sm_assets.sources.crowdtangle_columns import EXPORTS, VINTAGES, delivered_name
from sm_assets.sources.csv_file import Header
from sm_assets.sources.file_names import exported_at_of
from sm_assets.sources.reading import REJECT_SCHEMA, ReadOptions, record_schema
from sm_assets.sources.zones import AMBIGUOUS, FIXED, ZoneRules, fixed_hours

COLUMNS = [delivered_name(column) for column in VINTAGES["fb_2021"].columns]
ROW = {
    "Page Name": "A Page", "User Name": "a.page", "Facebook Id": "100000000000001", "Page Admin Top Country": "BR",
    "Page Created": "2019-05-01 10:00:00", "Followers at Posting": "1,234", "Post Created": "2021-07-05 22:30:00 EDT",
    "Total Interactions": "6", "Likes": "1", "Comments": "2", "Shares": "3", "URL": "https://www.facebook.com/100000000000001/posts/7",
    "Message": "A message", "Video Length": "00:01:30",
}  # fmt: skip


def export(path: Path, *rows: dict[str, str], columns: list[str] = COLUMNS) -> Path:
    """Write rows (changes to ROW) as an export in which every field is quoted."""
    lines = [columns, *([{**ROW, **row}.get(name, "") for name in columns] for row in rows)]
    path.write_text(
        "\n".join(",".join('"' + field.replace('"', '""') + '"' for field in line) for line in lines) + "\n",
        encoding="utf-8",
    )
    return path


def read(path: Path, **options: object) -> tuple[list[dict[str, object]], list[dict[str, object]], Reader]:
    """(records, rejects, reader) of one file."""
    records: list[dict[str, object]] = []
    rejects: list[dict[str, object]] = []
    with open_file(path, ReadOptions(**options)) as reader:  # type: ignore[arg-type]  # passed on
        for chunk in reader:
            assert chunk.records["posts"].schema.equals(record_schema("crowdtangle", "posts"))
            assert chunk.rejects.schema.equals(REJECT_SCHEMA)
            records += chunk.records["posts"].to_pylist()
            rejects += chunk.rejects.to_pylist()
    manifest = reader.manifest
    ignored = sum(manifest["ignored"].values())
    assert manifest["rows_in"] == len(records) + len(rejects) + ignored
    assert (manifest["rows_out"], sum(manifest["rejected"].values())) == (len(records), len(rejects))
    places = [(record["source_row"], record["source_item"]) for record in records]
    assert places == sorted(set(places))
    json.dumps(manifest)
    return records, rejects, reader


def test_a_row_as_delivered_and_as_read(tmp_path: Path) -> None:
    (record,), rejects, reader = read(export(tmp_path / "x.csv", {}))
    assert rejects == []
    assert (record["source_row"], record["source_item"], record["source_line"]) == (1, 0, 2)
    assert (record["page_name"], record["followers_at_posting"], record["sponsor_id"]) == ("A Page", "1,234", None)
    assert record["day"] == date(2021, 7, 6)
    assert record["zone"] == "EDT"
    parsed = record["parsed"]
    assert isinstance(parsed, dict)
    assert (parsed["platform"], parsed["account_id"], parsed["post_id"]) == (
        "facebook",
        "100000000000001",
        "100000000000001_7",
    )
    assert parsed["posted_at"] == datetime(2021, 7, 6, 2, 30)
    assert parsed["page_created_at"] == datetime(2019, 5, 1, 14, 0)
    assert (parsed["followers_at_posting"], parsed["love"], parsed["video_seconds"]) == (1234, None, 90.0)
    assert reader.manifest["last_event_at"] == "2021-07-06T02:30:00+00:00"


def test_handle_and_id_forms_of_an_address_are_one_post(tmp_path: Path) -> None:
    records, _, _ = read(export(tmp_path / "x.csv", {}, {"URL": "https://www.facebook.com/a.page/posts/7/"}))
    assert len({record["parsed"]["post_id"] for record in records}) == 1  # type: ignore[index]  # a struct


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"URL": ""}, "missing_key"),
        ({"Post Created": ""}, "bad_time"),
        ({"Post Created": "yesterday"}, "bad_time"),
        ({"Post Created": "2003-12-31 00:00:00 EDT"}, "bad_time"),
        ({"Post Created": "2999-01-01 00:00:00 EDT"}, "bad_time"),
        ({"Post Created": "2021-07-05 22:30:00 CST"}, "ambiguous_zone"),
        ({"Post Created": "2021-07-05 22:30:00 QQQ"}, "ambiguous_zone"),
        ({"Facebook Id": "", "User Name": "", "URL": "https://www.facebook.com/photo.php?fbid=1"}, "missing_account"),
    ],
)
def test_what_makes_a_row_unusable(tmp_path: Path, change: dict[str, str], reason: str) -> None:
    records, (reject,), _ = read(export(tmp_path / "x.csv", {}, change))
    assert len(records) == 1
    assert (reject["reason"], reject["line"], reject["record"]) == (reason, 3, 2)
    assert str(reject["raw_excerpt"]).startswith('"A Page"')
    data = (tmp_path / "x.csv").read_bytes()
    start = reject["byte_offset"]
    assert data[start : start + reject["byte_length"]].decode() == data.decode().splitlines()[2]  # type: ignore[index, operator]  # whole numbers


@pytest.mark.parametrize(
    ("change", "repair"),
    [
        ({"Total Interactions": "1.5"}, "total_interactions/bad_number"),
        ({"Likes": "-3"}, "likes/bad_number"),
        ({"Facebook Id": "1.00E+14"}, "facebook_id/bad_id"),
        ({"Page Admin Top Country": "Brazil"}, "page_admin_top_country/bad_country"),
        ({"Page Created": "long ago"}, "page_created/bad_time"),
        ({"Video Length": "long"}, "video_length/bad_number"),
        ({"Post Created": "2021-07-05 22:30:00"}, "post_created/assumed_zone"),
        ({"Message": "a\0b"}, "record/nul"),
        ({"Shares": "2.5K"}, "shares/rounded_count"),
    ],
)
def test_a_bad_field_does_not_cost_the_row(tmp_path: Path, change: dict[str, str], repair: str) -> None:
    (record,), _, reader = read(export(tmp_path / "x.csv", change))
    assert reader.manifest["repairs"] == {repair: 1}
    column, _, reason = repair.partition("/")
    if column != "record":
        assert record["warnings"] == [f"{column}:{reason}"]
        assert record[column] == next(iter(change.values()))


def test_a_zone_settles_what_is_ambiguous(tmp_path: Path) -> None:
    summer, winter = {"Post Created": "2021-07-05 22:00:00 CDT"}, {"Post Created": "2021-12-05 22:00:00 CST"}
    records, _, _ = read(export(tmp_path / "x.csv", summer, winter))
    assert [r["parsed"]["posted_at"] for r in records] == [datetime(2021, 7, 6, 3), datetime(2021, 12, 6, 4)]  # type: ignore[index]  # a struct
    (record,), _, reader = read(export(tmp_path / "x.csv", winter), zone="Asia/Shanghai")
    assert record["parsed"]["posted_at"] == datetime(2021, 12, 5, 14)  # type: ignore[index]  # a struct
    assert reader.manifest["zone_origin"] == "stated"
    with pytest.raises(SettingsError, match="is unknown"):
        open_file(tmp_path / "x.csv", ReadOptions(zone="Nowhere"))


def test_the_zone_in_the_name_serves_rows_without_one(tmp_path: Path) -> None:
    path = export(tmp_path / "2021-07-06-00-10-00-BRT-search-csv-export.csv", {"Post Created": "2021-07-05 22:30:00"})
    (record,), _, reader = read(path)
    assert record["parsed"]["posted_at"] == datetime(2021, 7, 6, 1, 30)  # type: ignore[index]  # a struct
    assert record["exported_at"] == record["observed_at"] == datetime(2021, 7, 6, 3, 10)
    assert reader.manifest["exported_at_origin"] == "file_name"
    late = export(path, {"Post Created": "2021-07-06 02:00:00 BRT"})
    assert [r["reason"] for r in read(late)[1]] == ["bad_time"]


def test_names_of_files() -> None:
    at, zone = exported_at_of(Path("x/2021-07-05-22-49-20-BRT-search-csv-export.csv"))
    assert (at, zone) == (datetime(2021, 7, 6, 1, 49, 20, tzinfo=UTC), "BRT")
    assert exported_at_of(Path("2021-13-05-22-49-20-BRT-x.csv")) == (None, None)
    assert exported_at_of(Path("posts.csv")) == (None, None)


@pytest.mark.parametrize(
    ("rows", "mark", "values"),
    [
        ([{"Total Interactions": "1.200", "Likes": "1.195", "Overperforming Score": "1,4"}], ".", [1200]),
        ([{"Total Interactions": "1,200", "Likes": "1,195"}, {"Followers at Posting": "1.234"}], ",", [1200, 6]),
        ([{"Total Interactions": "1\u00a0200", "Likes": "1195", "Followers at Posting": ""}], " ", [1200]),
    ],
)  # fmt: skip
def test_one_thousands_mark_per_file(tmp_path: Path, rows: list[dict[str, str]], mark: str, values: list[int]) -> None:
    whole = [
        {
            "Comments": "2",
            "Shares": "3",
            "Love": "0",
            "Wow": "0",
            "Haha": "0",
            "Sad": "0",
            "Angry": "0",
            "Care": "0",
            **row,
        }
        for row in rows
    ]
    whole = [{"Followers at Posting": "", **row} for row in whole]
    records, _, reader = read(export(tmp_path / "x.csv", *whole))
    assert reader.manifest["number_format"] == mark
    assert [r["parsed"]["total_interactions"] for r in records] == values  # type: ignore[index]  # a struct


def test_vintages(tmp_path: Path) -> None:
    def vintage(columns: list[str]) -> str:
        return open_file(export(tmp_path / "v.csv", {}, columns=columns), ReadOptions()).vintage

    assert vintage(COLUMNS) == "fb_2021"
    newer = {"Page Category", "Page Admin Top Country", "Page Description", "Page Created", "Post Created Date"}
    assert vintage([name for name in COLUMNS if name not in newer]) == "fb_2020"
    assert vintage(["Page Name", "Post Created", "URL", "Message"]) == "fb_subset"
    for columns in (["Account", "User Name", "URL", "Description"], ["a", "b"]):
        with pytest.raises(UnknownVintage, match=columns[0]):
            vintage(columns)


def test_headers_are_compared_folded() -> None:
    header = Header.of(
        [
            "\ufeffPage\u00a0Name",
            " post  created ",
            "Overperforming Score (weighted  —  Likes 2x )",
            "URL",
            "URL",
            "Mine",
            "",
        ],
        EXPORTS.mapper(),
    )
    assert header.positions == {"page_name": 0, "post_created": 1, "overperforming_score": 2, "url": 3}
    assert header.unknown == {"URL": 4, "Mine": 5, "column 7": 6}
    mapped = Header.of(["Seite", "Page Name"], EXPORTS.mapper({"Seite": "page_name"}))
    assert (mapped.positions, mapped.unknown) == ({"page_name": 0}, {"Page Name": 1})


def test_unknown_columns_are_kept(tmp_path: Path) -> None:
    (first, second), _, reader = read(export(tmp_path / "x.csv", {"Mine": 'a "b"'}, {}, columns=[*COLUMNS, "Mine"]))
    assert json.loads(str(first["extra"])) == {"Mine": 'a "b"'}
    assert second["extra"] is None
    assert reader.manifest["columns_unknown"] == ["Mine"]


def test_files_without_rows(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    assert read(tmp_path / "empty.csv")[:2] == ([], [])
    assert read(export(tmp_path / "header.csv"))[:2] == ([], [])


def test_what_cannot_be_read_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(UnsupportedContainer, match="archive"):
        open_file(tmp_path / "a.zip", ReadOptions())
    with pytest.raises(InputError, match="cannot be read"):
        open_file(tmp_path / "none.csv", ReadOptions())


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_damaged_files_reconcile_and_never_raise(tmp_path: Path, data: st.DataObject) -> None:
    path = export(tmp_path / "x.csv", *({"Message": f'Line {k}\nwith "quotes" and é 😀'} for k in range(6)))
    content = bytearray(path.read_bytes())
    start = content.index(b"\n") + 1
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(start, len(content) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "quote", "nul", "line end", "drop"]))
        if kind == "flip":
            content[at] ^= data.draw(st.integers(1, 255))
        elif kind == "cut":
            del content[at:]
            break
        elif kind == "drop":
            del content[at : at + data.draw(st.integers(1, 30))]
        else:
            content[at:at] = {"quote": b'"', "nul": b"\0", "line end": b"\n"}[kind]
        if len(content) <= start:
            break
    path.write_bytes(bytes(content))
    records, _, _ = read(path)
    for record in records:
        for name in ("page_name", "message", "url"):
            assert record[name] is None or isinstance(record[name], str)


# -----------------------------------------------------------------------------------------------------------------
# zones


def test_zone_rules() -> None:
    assert fixed_hours("+0530") == fixed_hours("GMT+5:30") == 5.5
    assert fixed_hours("-03") == -3
    assert fixed_hours("edt") == FIXED["EDT"] == -4
    assert fixed_hours("+99:00") is None
    assert (fixed_hours("NPT"), ZoneRules().reading("COT"), ZoneRules().reading("XYZ")) == (
        5.75,
        ("COT", False),
        (None, False),
    )
    lenient = ZoneRules(lenient=True)
    assert lenient.reading("CST") == ("CST", False)
    assert lenient.reading("XYZ") == ("UTC", True)
    assert ZoneRules(hint="BRT", lenient=True).reading("") == ("BRT", False)
    strict = ZoneRules(seen=frozenset({"IDT"}))
    assert strict.reading("IST") == ("+02:00", False)
    assert {abbreviation: strict.reading(abbreviation)[0] for abbreviation in AMBIGUOUS if abbreviation != "IST"} == {
        "CST": None, "BST": None, "AST": None, "GST": None,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ real
# files


@pytest.mark.shared_data
def test_the_brazilian_export(shared_data: Path) -> None:
    records, rejects, reader = read(next((shared_data / "crowdtangle").glob("2021-*.csv")))
    manifest = reader.manifest
    assert (len(records), rejects, len(manifest["columns"]), manifest["columns_missing"]) == (10, [], 41, [])
    assert (manifest["number_format"], manifest["exported_at"]) == (".", "2021-07-06T01:49:20+00:00")
    first = records[0]["parsed"]
    assert isinstance(first, dict)
    assert first["posted_at"] == datetime(2021, 7, 5, 21, 2, 45)
    assert first["total_interactions"] == 407_137
    parts = ("likes", "comments", "shares", "love", "wow", "haha", "sad", "angry", "care")
    assert all(r["parsed"]["total_interactions"] == sum(r["parsed"][part] for part in parts) for r in records)  # type: ignore[index]  # structs
    assert {record["day"] for record in records} == {date(2021, 7, 5)}
    assert sum(str(record["post_created"]).startswith("2021-07-04") for record in records) == 1


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "posts", "accounts", "zones", "moved", "shares"),
    [
        ("db1_rows_with_genocide.csv", 2203, 17, {"EDT": 1302, "EST": 901}, 29, 152_673),
        ("db2_rows_with_genocide.csv", 382, 61, {"EDT": 228, "EST": 154}, 53, 91_930),
    ],
)  # fmt: skip
def test_the_five_column_exports(
    shared_data: Path, name: str, posts: int, accounts: int, zones: dict[str, int], moved: int, shares: int
) -> None:
    records, rejects, _ = read(shared_data / "crowdtangle" / name)
    assert (len(records), rejects) == (posts, [])
    parsed = [record["parsed"] for record in records]
    assert len({p["account_id"] for p in parsed}) == accounts  # type: ignore[index]  # structs
    assert len({p["post_id"] for p in parsed}) == posts  # type: ignore[index]  # structs
    assert {zone: sum(record["zone"] == zone for record in records) for zone in zones} == zones
    assert sum(str(record["post_created"])[:10] != str(record["day"]) for record in records) == moved
    assert sum(p["shares"] for p in parsed) == shares  # type: ignore[index]  # structs
    span = [min(record["day"] for record in records), max(record["day"] for record in records)]  # type: ignore[type-var]  # dates
    assert span[1] - span[0] > timedelta(days=200)  # type: ignore[operator]  # dates
