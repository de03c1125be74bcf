"""Conversion: once per file, complete or not at all, and what a run may publish of it."""

from __future__ import annotations

import gzip
import json
import random
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import post, some_posts, write_export

from sm_assets.contracts import TABLES
from sm_assets.errors import UncoveredDays, Unreconciled, UnstableFile, VanishedFiles
from sm_assets.settings import Settings
from sm_assets.sources import convert as convert_module
from sm_assets.sources import crowdtangle
from sm_assets.sources.coverage import days_to_publish, reject_days
from sm_assets.sources.intake import Intake, take_in
from sm_assets.sources.publication import raw_rows, reject_rows
from sm_assets.storage import Lake, day_range

FIRST = date(2021, 7, 1)
RAW, REJECTS = TABLES["raw_crowdtangle__posts"], TABLES["raw_crowdtangle__rejects"]


def landing(lake: Lake, name: str) -> Path:
    return Path(lake.path("landing", "crowdtangle", name))


def publish(lake: Lake, first: date, last: date, **options: Any) -> Intake:
    intake = take_in(lake, "crowdtangle")
    days = days_to_publish(lake, intake, day_range(first, last), **options)
    with lake.connect() as con:
        lake.publish(RAW, raw_rows(lake, intake, "posts", days), days, is_sorted=True)
        with_rejects = sorted({*days, *reject_days(lake, intake, day_range(first, last))})
        lake.publish(REJECTS, reject_rows(con, lake, intake, with_rejects), with_rejects)
    return intake


def count(lake: Lake, table: str = RAW.name) -> int:
    with lake.connect() as con:
        return int(lake.register(con, lake.ref(table)).aggregate("count(*)").fetchall()[0][0])


def test_a_file_is_converted_once(lake: Lake) -> None:
    path = write_export(landing(lake, "a.csv"), some_posts(FIRST, 3))
    first = take_in(lake, "crowdtangle")
    assert first.converted == ("landing/crowdtangle/a.csv",)
    assert first.totals() == {"rows_in": 24, "rows_out": 24}
    assert first.affected == tuple(day_range(FIRST, date(2021, 7, 3)))
    again = take_in(lake, "crowdtangle")
    assert (again.converted, again.affected) == ((), ())
    assert again.files[0].manifest == first.files[0].manifest
    moved = path.parent / "deeper" / "a.csv"
    moved.parent.mkdir()
    path.rename(moved)
    assert take_in(lake, "crowdtangle").converted == (), "the same bytes under the same name elsewhere"


def test_the_manifest_tells_how_the_file_was_read(lake: Lake) -> None:
    write_export(landing(lake, "2021-07-06-10-00-00-EDT-search-csv-export.csv"), some_posts(FIRST, 2))
    manifest = take_in(lake, "crowdtangle").files[0].manifest
    assert manifest["vintage"].startswith("fb_")
    assert manifest["exported_at"].startswith("2021-07-06T14:00:00")
    assert manifest["rows_by_day"] == {"posts": {"2021-07-01": 8, "2021-07-02": 8}}
    assert (manifest["coverage_kind"], manifest["coverage_from"], manifest["coverage_to"]) == (
        "observed",
        "2021-07-01",
        "2021-07-02",
    )
    assert (manifest["bytes"] > 0, manifest["paths"]) == (
        True,
        ["landing/crowdtangle/2021-07-06-10-00-00-EDT-search-csv-export.csv"],
    )
    assert {"converter_version", "raw_columns", "reader_version", "settings"} == set(manifest["made_by"])


def test_converted_rows_lie_clustered_by_day(lake: Lake) -> None:
    rows = some_posts(FIRST, 2)
    write_export(landing(lake, "a.csv"), rows[::-1])
    file = take_in(lake, "crowdtangle").files[0]
    folder = Path(lake.path("lake", "_ingest", file.sha256))
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) == [
        "manifest.json",
        "posts/day=2021-07-01/part-0.parquet",
        "posts/day=2021-07-02/part-0.parquet",
        "reject/part-0.parquet",
    ]
    stored = pq.ParquetFile(folder / "posts/day=2021-07-01/part-0.parquet").read()
    assert stored["source_row"].to_pylist() == list(range(9, 17))
    assert "source_sha256" not in stored.column_names, "the directory's name says it"
    assert set(stored["exported_at"].to_pylist()) == {None}
    # No export time is known: the file's last event stands for it once the rows are published.
    publish(lake, FIRST, date(2021, 7, 2))
    with lake.connect() as con:
        published = lake.register(con, lake.ref(RAW.name)).project("observed_at").distinct().fetchall()
    assert published == [(datetime(2021, 7, 2, 10, 3),)]


def test_equal_bytes_are_counted_once(lake: Lake) -> None:
    a = write_export(landing(lake, "a.csv"), some_posts(FIRST, 1))
    shutil.copy(a, landing(lake, "copy of a.csv"))
    intake = publish(lake, FIRST, FIRST)
    assert intake.totals() == {"rows_in": 16, "rows_out": 8, "duplicate/same_file": 8}
    assert count(lake) == 8


def test_settings_and_sidecars_that_change_the_result_convert_again(lake: Lake, settings: Settings) -> None:
    write_export(landing(lake, "a.csv"), some_posts(FIRST, 1))
    take_in(lake, "crowdtangle")
    (landing(lake, "_meta.json")).write_text(json.dumps({"exported_at": "2021-08-01T00:00:00Z"}), encoding="utf-8")
    changed = take_in(lake, "crowdtangle")
    assert changed.converted
    assert changed.files[0].manifest["exported_at"].startswith("2021-08-01T00:00:00")
    other = Lake(Settings(data_root=settings.data_root, zone="America/New_York"))
    assert take_in(other, "crowdtangle").converted
    assert take_in(other, "crowdtangle").converted == ()


def test_compressed_files_give_the_same_rows(lake: Lake, tmp_path: Path) -> None:
    plain = write_export(landing(lake, "a.csv"), some_posts(FIRST, 1)).read_bytes()
    publish(lake, FIRST, FIRST)
    other = Lake(Settings(data_root=str(tmp_path / "other")))
    landing(other, "x").mkdir(parents=True)
    half = plain.index(b"\n", len(plain) // 2) + 1
    landing(other, "x/no extension").write_bytes(gzip.compress(plain[:half]) + gzip.compress(plain[half:]))
    publish(other, FIRST, FIRST)

    def content(of: Lake) -> list[Any]:
        with of.connect() as con:
            return list(
                of.register(con, of.ref(RAW.name))
                .project("* exclude (source_file, source_sha256, delivery)")
                .order("source_row")
                .fetchall()
            )

    assert content(lake) == content(other)


def test_bad_rows_are_rejects_with_their_place(lake: Lake) -> None:
    rows = [*some_posts(FIRST, 1), post(9, 1, datetime(2021, 7, 1, 12)) | {"Post Created": "soon"}]
    write_export(landing(lake, "a.csv"), rows)
    intake = publish(lake, FIRST, FIRST)
    assert intake.totals() == {"rows_in": 9, "rows_out": 8, "rejected/bad_time": 1}
    with lake.connect() as con:
        found = (
            lake.register(con, lake.ref(REJECTS.name))
            .project("source, source_file, line, record, reason, day")
            .fetchall()
        )
    assert found == [("crowdtangle", "landing/crowdtangle/a.csv", 10, 9, "bad_time", FIRST)]


def test_unknown_and_unusable_files_are_set_aside_and_the_others_go_on(lake: Lake) -> None:
    write_export(landing(lake, "a.csv"), some_posts(FIRST, 1))
    write_export(landing(lake, "other.csv"), [{"x": 1, "y": 2}], ["x", "y"])
    landing(lake, "b.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    landing(lake, "empty.csv").write_bytes(b"")
    write_export(landing(lake, "header.csv"), [])
    intake = publish(lake, FIRST, FIRST)
    assert list(intake.unknown) == ["landing/crowdtangle/other.csv"]
    assert "x" in intake.unknown["landing/crowdtangle/other.csv"]
    assert list(intake.unusable) == ["landing/crowdtangle/b.zip"]
    assert intake.covered == {FIRST}
    assert {f.path: f.manifest["rows_in"] for f in intake.files} == {
        "landing/crowdtangle/a.csv": 8, "landing/crowdtangle/empty.csv": 0, "landing/crowdtangle/header.csv": 0,
    }  # fmt: skip
    assert count(lake) == 8


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_run(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_export(landing(lake, "a.csv"), some_posts(FIRST, 1))
    read = crowdtangle.open_file

    def growing(*arguments: Any) -> Any:
        with path.open("a", encoding="utf-8") as sink:
            sink.write("\n")
        return read(*arguments)

    monkeypatch.setattr(crowdtangle, "open_file", growing)
    intake = take_in(lake, "crowdtangle")
    assert UnstableFile.__doc__
    assert "changed while it was read" in intake.unusable["landing/crowdtangle/a.csv"]
    assert intake.files == ()
    monkeypatch.undo()
    assert take_in(lake, "crowdtangle").totals()["rows_out"] == 8


def test_a_reader_that_loses_a_row_stops_the_run(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write_export(landing(lake, "a.csv"), some_posts(FIRST, 1))
    convert_rows = convert_module._convert_rows

    def losing(*arguments: Any) -> dict[str, Any]:
        manifest = convert_rows(*arguments)
        return manifest | {"rows_in": manifest["rows_in"] + 1}

    monkeypatch.setattr(convert_module, "_convert_rows", losing)
    with pytest.raises(Unreconciled, match=r"a\.csv: 9 rows in are not 8 out"):
        take_in(lake, "crowdtangle")
    assert not [p for p in Path(lake.path("lake", "_ingest")).iterdir() if p.is_dir()]


# ------------------------------------------------------- no file is not empty


def test_a_day_without_a_file_is_not_an_empty_day(lake: Lake) -> None:
    rows = [row for row in some_posts(FIRST, 3) if "2021-07-02" not in str(row["Post Created"])]
    write_export(landing(lake, "a.csv"), rows)
    publish(lake, date(2021, 6, 28), date(2021, 7, 5))
    assert lake.days(RAW.name) == day_range(FIRST, date(2021, 7, 3)), "covered days only, the one without rows included"
    assert pq.ParquetFile(lake.file(RAW.name, date(2021, 7, 2))).metadata.num_rows == 0
    with pytest.raises(UncoveredDays, match="speaks of 2021-08-01 to 2021-08-02; they cover 2021-07-01 to 2021-07-03"):
        publish(lake, date(2021, 8, 1), date(2021, 8, 2))


def test_declared_coverage_reaches_beyond_the_rows(lake: Lake) -> None:
    write_export(landing(lake, "a.csv"), some_posts(FIRST, 1))
    landing(lake, "a.csv.meta.json").write_text(
        '{"coverage": {"from": "2021-06-29", "to": "2021-07-03"}}', encoding="utf-8"
    )
    publish(lake, date(2021, 6, 1), date(2021, 7, 31))
    assert lake.days(RAW.name) == day_range(date(2021, 6, 29), date(2021, 7, 3))


def test_declared_coverage_says_nothing_about_the_days_up_to_a_looked_up_row(lake: Lake) -> None:
    """Rows may lie years before the days that a list is declared for; none of the days between is a day without any."""
    moments = (datetime(2021, 7, 2, 12, tzinfo=UTC), datetime(2019, 1, 1, 12, tzinfo=UTC))
    file = Path(lake.path("landing", "tiktok", "list.jsonl"))
    file.parent.mkdir(parents=True)
    videos = [
        {"id": int(moment.timestamp()) << 32, "create_time": int(moment.timestamp()), "username": "a"}
        for moment in moments
    ]
    file.write_text("".join(json.dumps(video) + "\n" for video in videos), encoding="utf-8")
    sidecar = file.with_name("list.jsonl.meta.json")
    sidecar.write_text('{"coverage": {"from": "2021-07-01", "to": "2021-07-03"}}', encoding="utf-8")
    (converted,) = take_in(lake, "tiktok").files
    assert converted.covered == [date(2019, 1, 1), *day_range(FIRST, date(2021, 7, 3))]
    assert (converted.manifest["coverage_from"], converted.manifest["coverage_to"]) == ("2019-01-01", "2021-07-03")


def test_files_that_vanished_never_empty_a_partition(lake: Lake) -> None:
    a = write_export(landing(lake, "a.csv"), some_posts(FIRST, 2))
    b = write_export(landing(lake, "b.csv"), some_posts(FIRST, 2, start=300_000))
    publish(lake, FIRST, date(2021, 7, 2))
    b.unlink()
    with pytest.raises(VanishedFiles, match=r"landing/crowdtangle/b\.csv fed 2021-07-01 to 2021-07-02: it is gone"):
        publish(lake, FIRST, date(2021, 7, 2))
    a.unlink()
    with pytest.raises(VanishedFiles, match=r"crowdtangle/a\.csv fed .*landing/crowdtangle/b\.csv fed "):
        publish(lake, FIRST, date(2021, 7, 2))
    assert count(lake) == 32
    publish(lake, FIRST, FIRST, accept_vanished=True)
    assert count(lake) == 16, "on purpose, and on the days of the run only"


def test_a_newer_file_under_the_same_name_takes_its_place(lake: Lake) -> None:
    write_export(landing(lake, "a.csv"), some_posts(FIRST, 1))
    publish(lake, FIRST, FIRST)
    write_export(landing(lake, "a.csv"), some_posts(FIRST, 1, pages=6))
    publish(lake, FIRST, FIRST)
    assert count(lake) == 12
    landing(lake, "a.csv").write_bytes(b"")
    with pytest.raises(VanishedFiles):
        publish(lake, FIRST, FIRST)


def test_a_replaced_file_that_covers_fewer_days_leaves_no_stale_rows(lake: Lake) -> None:
    write_export(landing(lake, "a.csv"), some_posts(FIRST, 3))
    publish(lake, FIRST, date(2021, 7, 3))
    write_export(landing(lake, "a.csv"), some_posts(date(2021, 7, 3), 2))
    with pytest.raises(VanishedFiles, match=r"landing/crowdtangle/a\.csv fed 2021-07-01 to 2021-07-02.*other bytes"):
        publish(lake, FIRST, date(2021, 7, 4))
    assert count(lake) == 24, "nothing was replaced"
    publish(lake, FIRST, date(2021, 7, 4), accept_vanished=True)
    with lake.connect() as con:
        found = lake.register(con, lake.ref(RAW.name)).aggregate("day, count(*)").order("day").fetchall()
    assert found == [(date(2021, 7, 3), 8), (date(2021, 7, 4), 8)]
    publish(lake, FIRST, date(2021, 7, 4))
    assert count(lake) == 16, "accepted once, it is no news"


def test_affected_days_name_what_the_earlier_bytes_covered(lake: Lake) -> None:
    write_export(landing(lake, "a.csv"), some_posts(FIRST, 2))
    take_in(lake, "crowdtangle")
    early = landing(lake, "a.csv").read_bytes()
    write_export(landing(lake, "a.csv"), some_posts(date(2021, 7, 5), 1))
    both = (*day_range(FIRST, date(2021, 7, 2)), date(2021, 7, 5))
    assert take_in(lake, "crowdtangle").affected == both
    landing(lake, "a.csv").write_bytes(early)
    again = take_in(lake, "crowdtangle")
    assert (again.converted, again.affected) == ((), both), "bytes known from before come back"
    landing(lake, "a.csv").unlink()
    assert take_in(lake, "crowdtangle").affected == both[:2]


def in_zone(rows: list[dict[str, object]], zone: str) -> list[dict[str, object]]:
    return [row | {"Post Created": str(row["Post Created"]).replace("UTC", zone)} for row in rows]


def test_a_file_read_otherwise_never_empties_a_partition_in_silence(lake: Lake) -> None:
    write_export(landing(lake, "a.csv"), in_zone(some_posts(FIRST, 1), "CST"))
    sidecar = landing(lake, "a.csv.meta.json")
    sidecar.write_text('{"zone": "-06:00"}', encoding="utf-8")
    publish(lake, FIRST, FIRST)
    sidecar.unlink()
    with pytest.raises(VanishedFiles, match=r"a\.csv fed 2021-07-01.*8 of 8 rows are rejected \(8 ambiguous_zone\)"):
        publish(lake, FIRST, FIRST)
    assert count(lake) == 8
    publish(lake, FIRST, FIRST, accept_vanished=True)
    assert count(lake) == 0


def test_a_file_of_rejects_only_is_named_with_the_remedy_and_its_rejects_show(lake: Lake) -> None:
    write_export(landing(lake, "a.csv"), in_zone(some_posts(FIRST, 1), "CST"))
    with pytest.raises(
        UncoveredDays, match=r"landing/crowdtangle/a\.csv: 8 of 8 rows are rejected \(8 ambiguous_zone: .*`zone`"
    ):
        publish(lake, FIRST, FIRST)
    write_export(landing(lake, "b.csv"), some_posts(FIRST, 1, start=300_000))
    publish(lake, FIRST, FIRST)
    assert (count(lake), count(lake, REJECTS.name)) == (8, 8)
    landing(lake, "a.csv.meta.json").write_text('{"zone": "-06:00"}', encoding="utf-8")
    publish(lake, FIRST, FIRST)
    assert (count(lake), count(lake, REJECTS.name)) == (16, 0), "what was rejected once does not stay"


def test_an_extra_path_of_equal_bytes_is_listed(lake: Lake) -> None:
    a = write_export(landing(lake, "a.csv"), some_posts(FIRST, 1))
    shutil.copy(a, landing(lake, "b.csv"))
    intake = take_in(lake, "crowdtangle")
    same = {"landing/crowdtangle/b.csv": "landing/crowdtangle/a.csv"}
    assert (intake.same_as, intake.totals()["duplicate/same_file"]) == (same, 8)
    assert lake.read_json("lake", "_ingest", "crowdtangle.json")["same_as"] == same


def test_a_path_that_now_holds_the_bytes_of_another_feeds_through_it(lake: Lake) -> None:
    a = write_export(landing(lake, "a.csv"), some_posts(FIRST, 1))
    b = write_export(landing(lake, "b.csv"), some_posts(FIRST, 1, start=300_000))
    publish(lake, FIRST, FIRST)
    shutil.copy(a, b)
    publish(lake, FIRST, FIRST)
    assert count(lake) == 8


def test_rows_that_no_partition_takes_are_counted(lake: Lake) -> None:
    write_export(landing(lake, "a.csv"), [*some_posts(FIRST, 1), *some_posts(date(2020, 12, 31), 1)])
    intake = take_in(lake, "crowdtangle")
    assert intake.outside(date(2021, 1, 1), date(2022, 1, 1)) == {"landing/crowdtangle/a.csv (2020-12-31)": 8}
    assert intake.outside(date(2020, 12, 31), FIRST) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"encoding": "utf-99"}', "encoding is 'utf-99'"),
        ('{"encoding": "base64"}', "encoding is 'base64'"),
        ('{"number_format": ";"}', "number_format is ';'; expected one of"),
        ('{"zone": "Mars/Olympus"}', "zone 'Mars/Olympus' is unknown"),
        ('{"platform": "tiktok"}', "platform is 'tiktok'; expected 'facebook', 'instagram'"),
        ('{"direction": "upwards"}', "direction is 'upwards'; expected one of 'first_follows_second'"),
        ('{"columns": {"Titel": "titel"}}', "columns maps 'Titel' to 'titel', which is no raw column"),
    ],
)
def test_a_sidecar_value_that_cannot_be_used_sets_its_files_aside(lake: Lake, content: str, message: str) -> None:
    write_export(landing(lake, "a/x.csv"), some_posts(FIRST, 1))
    write_export(landing(lake, "b/y.csv"), some_posts(FIRST, 1, start=300_000))
    landing(lake, "a/_meta.json").write_text(content, encoding="utf-8")
    intake = take_in(lake, "crowdtangle")
    assert list(intake.unusable) == ["landing/crowdtangle/a/x.csv"]
    assert intake.unusable["landing/crowdtangle/a/x.csv"].startswith(f"landing/crowdtangle/a/_meta.json: {message}")
    assert [file.path for file in intake.files] == ["landing/crowdtangle/b/y.csv"]


def test_a_bad_value_stated_after_the_conversion_does_not_pass(lake: Lake) -> None:
    write_export(landing(lake, "a.csv"), some_posts(FIRST, 1))
    publish(lake, FIRST, FIRST)
    landing(lake, "_meta.json").write_text('{"platform": "bluesky"}', encoding="utf-8")
    with pytest.raises(VanishedFiles, match=r"a\.csv fed 2021-07-01: it was set aside .*platform is 'bluesky'"):
        publish(lake, FIRST, FIRST)


def test_what_is_said_of_files_set_aside_is_readable(lake: Lake) -> None:
    landing(lake, "").mkdir(parents=True)
    landing(lake, "image.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(1, 256)) * 40)
    landing(lake, "noise").write_bytes(random.Random(1).randbytes(50_000))
    write_export(landing(lake, "wide.csv"), [{}], [f"a column of number {n}" for n in range(200)])
    unknown = take_in(lake, "crowdtangle").unknown
    assert len(unknown) == 3
    assert len(unknown["landing/crowdtangle/noise"]) < 250
    for why in unknown.values():
        assert lake.root not in why
        assert why.isprintable()
        assert len(why) < 800
        assert "Nearest: fb_" in why
