"""What every source must do, whatever its formats: the same tests over the registry and one file of each vintage.

Here: recognition, rows and their places, wrappings, conversion twice, orders of arrival, staging of every raw row. Not
here: facts about any format (tests/sources/), damaged files (`test_mutations`).
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import digests
from fixtures_by_source import (
    FILES,
    UNPACKED,
    WRAPPINGS,
    Delivered,
    days_of,
    every_file,
    header_only,
    land,
    make_layer,
    overlapping,
    publish_raw,
)

from sm_assets.contracts import TABLES
from sm_assets.contracts.schema import DAY
from sm_assets.contracts.staging import DELIVERS
from sm_assets.errors import InputError, UnknownVintage, UnsupportedContainer
from sm_assets.settings import Settings
from sm_assets.sources import SOURCES
from sm_assets.sources.intake import take_in
from sm_assets.sources.reading import REJECT_SCHEMA, ReadOptions, record_schema
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

PLACE = ("source_row", "source_item")
POSITION = ("source_sha256", *PLACE)
ALL = every_file()
CHILDREN = "post_"
# Orders of arrival: with core after every file, elsewhere after the last one.
CORE_EACH_TIME = ("bluesky", "twitter", "edges")


def named(file: Delivered) -> str:
    return f"{file.source}-{file.vintage}-{file.name}"


def a_lake(folder: Path) -> Lake:
    return Lake(Settings(data_root=str(folder), profile="tiny", threads=1, start_day=date(2024, 1, 1)))


class Read:
    """All that the reader of one file gives, its batches checked."""

    def __init__(self, folder: Path, file: Delivered) -> None:
        path = folder / file.source / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        self.rows: dict[str, list[dict[str, Any]]] = {record: [] for record in SOURCES[file.source].records}
        self.rejects: list[dict[str, Any]] = []
        options = ReadOptions(place=f"{file.source}/{file.name}")
        with SOURCES[file.source].load().open_file(path, options) as reader:
            for chunk in reader:
                assert chunk.rejects.schema.equals(REJECT_SCHEMA)
                self.rejects += chunk.rejects.to_pylist()
                for record, batch in chunk.records.items():
                    assert isinstance(batch, pa.RecordBatch)
                    assert batch.schema.equals(record_schema(file.source, record))
                    batch.validate(full=True)
                    assert batch.num_rows <= 1 << 16
                    self.rows[record] += batch.to_pylist()
            self.manifest: dict[str, Any] = reader.manifest
        json.dumps(self.manifest)

    @property
    def n_rows(self) -> int:
        return sum(map(len, self.rows.values()))


def test_there_is_a_file_of_every_source_and_vintage() -> None:
    assert set(FILES) == set(SOURCES)
    assert {(file.source, file.vintage) for file in ALL} == {
        *(("crowdtangle", name) for name in (
            "fb_2021", "fb_2020", "fb_old", "fb_group", "instagram", "fb_subset", "api_flat", "mcl", "history",
        )),
        *(("bluesky", name) for name in ("jetstream_v1", "jetstream_v2", "dd_hh", "search_posts", "car")),
        *(("twitter", name) for name in ("v1", "activity", "v2_page", "v2_flat", "compliance", "notice")),
        *(("tiktok", name) for name in ("pyktok_19", "pyktok_20", "filtered_22", "research_api")),
        *(("edges", name) for name in ("csv", "tsv", "snap", "npy", "parquet", "nodes")),
    }  # fmt: skip


@pytest.mark.parametrize("file", ALL, ids=named)
def test_every_vintage_is_recognised_and_read(tmp_path: Path, file: Delivered) -> None:
    found = Read(tmp_path, file)
    manifest = found.manifest
    assert (manifest["vintage"], found.n_rows, found.rejects) == (file.vintage, file.rows, [])
    assert found.n_rows > 0 or file.vintage == "history"
    assert manifest["rows_out"] == found.n_rows
    assert manifest["rows_in"] == manifest["rows_out"] + sum(manifest["ignored"].values())
    for rows in found.rows.values():
        places = [(row["source_row"], row["source_item"]) for row in rows]
        assert places == sorted(set(places))
        assert all(row >= 1 and item >= 0 for row, item in places)


@pytest.mark.parametrize("file", [file for file in ALL if file.vintage not in UNPACKED], ids=named)
def test_compressed_files_give_equal_rows(tmp_path: Path, file: Delivered) -> None:
    plain = Read(tmp_path / "plain", file)
    for wrapping in WRAPPINGS:
        packed = Read(tmp_path / wrapping, file.wrapped(wrapping))
        assert packed.rows == plain.rows, wrapping
        facts = {key: value for key, value in packed.manifest.items() if key != "compression"}
        assert facts == {key: value for key, value in plain.manifest.items() if key != "compression"}, wrapping
        assert packed.manifest["compression"] == {"": None, "gz": "gzip", "two members": "gzip"}.get(wrapping, "zstd")


def converted(lake: Lake) -> dict[str, str]:
    """Digest of every file of the converted directories, the day of conversion left out."""
    root = Path(lake.path("lake", "_ingest"))
    found = {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*.parquet")
    }
    for path in root.rglob("manifest.json"):
        manifest = json.loads(path.read_text(encoding="utf-8")) | {"first_converted": None}
        found[str(path.relative_to(root))] = json.dumps(manifest, sort_keys=True)
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_converting_twice_changes_no_byte(tmp_path: Path, source: str) -> None:
    lakes = [a_lake(tmp_path / "one"), a_lake(tmp_path / "two" / "elsewhere")]
    files = [file for file in ALL if file.source == source]
    for lake, order in zip(lakes, (files, files[::-1]), strict=True):
        for file in order:
            land(lake, file)
        assert len(take_in(lake, source).converted) == len(files)
    first = converted(lakes[0])
    assert len(first) > 2 * len(files)
    assert converted(lakes[1]) == first
    assert take_in(lakes[0], source).converted == ()
    for manifest in Path(lakes[0].path("lake", "_ingest")).glob("*/manifest.json"):
        manifest.unlink()
    assert len(take_in(lakes[0], source).converted) == len(files)
    assert converted(lakes[0]) == first


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_every_order_of_arrival_gives_the_same_core(tmp_path: Path, source: str) -> None:
    """Each file comes in a run of its own, over the days that the intake calls affected.

    Each file once comes first, in the middle and last, each two of them come in both orders.
    """
    results = {}
    first, second, third = overlapping(source)
    for number, order in enumerate(((first, second, third), (third, first, second), (second, third, first))):
        lake = a_lake(tmp_path / str(number))
        for file in order:
            land(lake, file)
            intake = take_in(lake, source)
            assert [*intake.unknown, *intake.unusable] == []
            days = [day for day in intake.affected if day in intake.covered]
            publish_raw(lake, intake, days)
            make_layer(lake, "stg", days, source)
            if source in CORE_EACH_TIME:
                make_layer(lake, "core", days)
        # Profiles and the day of first sight are looked up over all days: accounts are made last, for every day.
        make_layer(lake, "core", days_of(intake), only=("core_accounts",) if source in CORE_EACH_TIME else ())
        results[" ".join(file.name for file in order)] = {
            path: digest for path, digest in digests(Path(lake.root)).items() if "/core_" in path
        }
    assert len(results) == 3
    expected = next(iter(results.values()))
    assert any(path.startswith("lake/core_accounts") for path in expected)
    for order_of_names, found in results.items():
        differ = sorted(path for path in {*found, *expected} if found.get(path) != expected.get(path))
        assert not differ, f"{order_of_names}: {differ[:5]}"


@pytest.mark.parametrize("file", header_only(), ids=named)
def test_a_header_alone_covers_no_day(tmp_path: Path, file: Delivered) -> None:
    lake = a_lake(tmp_path)
    land(lake, file)
    intake = take_in(lake, file.source)
    (found,) = intake.files
    assert found.manifest["vintage"] == file.vintage
    assert (found.manifest["rows_in"], found.manifest["rows_out"], found.rejected) == (0, 0, {})
    assert (intake.covered, intake.affected) == (set(), ())
    assert found.manifest["coverage_from"] is None


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("data", [b"", b"\n\r\n", b"\xef\xbb\xbf", WRAPPINGS["gz"](b""), WRAPPINGS["zst"](b"")])
def test_an_empty_file_is_recorded_and_covers_no_day(tmp_path: Path, source: str, data: bytes) -> None:
    lake = a_lake(tmp_path)
    land(lake, Delivered(source, "empty", data, "empty", 0))
    intake = take_in(lake, source)
    assert [file.path for file in intake.files] == [f"landing/{source}/empty"], (intake.unknown, intake.unusable)
    assert intake.totals() == {"rows_in": 0, "rows_out": 0}
    assert intake.covered == set()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("data", [b"alpha,beta,gamma\nx y!,(z),1\n", b'{"alpha": 1, "beta": [2]}\n'])
def test_an_unknown_file_is_told_what_it_lacks(tmp_path: Path, source: str, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(UnknownVintage) as caught, SOURCES[source].load().open_file(path, ReadOptions()) as reader:
        list(reader)
    words = str(caught.value)
    if source == "twitter" and data.startswith(b"alpha"):
        assert "is not JSON; Twitter data comes as JSON" in words
        return
    assert "alpha" in words
    assert "earest" in words
    assert any(word in words for word in ("needs", "lacks", "whose lines have")), words


@pytest.mark.parametrize(
    ("source", "name", "digits", "damaged"),
    [
        ("crowdtangle", "old.csv", b"2024-03-02", b"2094-03-02"),
        ("crowdtangle", "mcl.jsonl", b"2024-03-02", b"9024-03-02"),
        ("bluesky", "v1.jsonl", b'"time_us": 17', b'"time_us": 37'),
        ("bluesky", "v2.jsonl", b'"time": "2024', b'"time": "2094'),
        ("bluesky", "2024-03-20-08-00-00-UTC-views.csv", b"2024-03-02T10:00:14.000Z", b"2024-03-22T10:00:14.000Z"),
        ("twitter", "activity.jsonl", b"2024-03-02", b"2094-03-02"),
        ("tiktok", "pyktok_20.csv", b"2024-03-02", b"2094-03-02"),
        ("tiktok", "lines.jsonl", b'"create_time": 170', b'"create_time": 370'),
    ],
)
def test_one_damaged_digit_does_not_put_a_file_into_the_future(
    tmp_path: Path, source: str, name: str, digits: bytes, damaged: bytes
) -> None:
    file = next(file for file in ALL if (file.source, file.name) == (source, name))
    assert digits in file.plain
    found = Read(tmp_path, replace(file, plain=file.plain.replace(digits, damaged, 1)))
    assert found.manifest["rejected"] == {"bad_time": 1}
    assert file.rows - 2 <= found.n_rows < file.rows
    assert found.manifest["last_event_at"] < "2024-03-20"


@pytest.mark.parametrize(
    "file", [file for file in ALL if file.vintage not in (*UNPACKED, "car") and file.source != "edges"], ids=named
)
def test_utf16_without_a_mark_is_told_so(tmp_path: Path, file: Delivered) -> None:
    path = tmp_path / file.name.rsplit("/", 1)[-1]
    path.write_bytes(file.plain.decode().lstrip().encode("utf-16-le"))
    with pytest.raises(InputError, match="looks like UTF-16 or UTF-32 without a byte order mark"):
        SOURCES[file.source].load().open_file(path, ReadOptions())


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("data", [b"\x1f\x8b", WRAPPINGS["gz"](b"x,y\n")[:11], b"\x28\xb5\x2f\xfd"])
def test_a_file_of_which_nothing_can_be_unpacked_is_no_empty_file(tmp_path: Path, source: str, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"cannot be decompressed .* fetch the file again"):
        SOURCES[source].load().open_file(path, ReadOptions())


@pytest.mark.parametrize("source", SOURCES)
def test_archives_are_refused(tmp_path: Path, source: str) -> None:
    packed, bundle = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", "x,y\n")
    with tarfile.open(fileobj=bundle, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a.csv"))
    for data in (packed.getvalue(), bundle.getvalue()):
        path = tmp_path / "archive"
        path.write_bytes(data)
        with pytest.raises(UnsupportedContainer, match="unpack it"):
            SOURCES[source].load().open_file(path, ReadOptions())
    with pytest.raises(InputError, match="cannot be read"):
        SOURCES[source].load().open_file(tmp_path / "absent", ReadOptions())


@pytest.mark.parametrize("source", SOURCES)
def test_every_raw_row_is_staged(tmp_path: Path, source: str) -> None:
    """Contracts are held on publication; here: no raw row is lost, none becomes two of one entity."""
    lake = a_lake(tmp_path)
    for file in ALL:
        if file.source == source:
            land(lake, file)
    intake = take_in(lake, source)
    days = days_of(intake)
    publish_raw(lake, intake, days)
    made = make_layer(lake, "stg", days, source)
    assert set(made) == {f"stg_{source}__{entity}" for entity in DELIVERS[source].split()}
    parents = [name for name in made if not name.split("__")[1].startswith(CHILDREN)]
    position = ", ".join(POSITION)
    with lake.connect() as con:
        for table in (*intake.source.raw_tables, *made):
            lake.register(con, lake.ref(table))
        fed = " union all ".join(f"select {position} from {table}" for table in parents)
        for record in intake.source.records:
            raw = intake.source.raw_table(record)
            rows = sum(sum(file.manifest["rows_by_day"].get(record, {}).values()) for file in intake.files)
            assert con.sql(f"select count(*) from {raw}").fetchall() == [(rows,)]
            assert rows > 0, f"no file gives {record}"
            on = " and ".join(f"raw.{name} = fed.{name}" for name in POSITION)
            lost = con.sql(
                f"select vintage, {position} from {raw} as raw anti join ({fed}) as fed on {on} limit 5"
            ).fetchall()
            assert lost == [], f"rows of {raw} that feed nothing"
        for table in parents:
            # A post may be reply and quote at once: one row of each kind.
            key = [name for name in TABLES[table].key if name != DAY]
            assert set(key) - {"kind"} == set(POSITION), table
            repeated = con.sql(f"select {', '.join(key)} from {table} group by all having count(*) > 1 limit 5")
            assert repeated.fetchall() == [], table
            assert made[table]["rows_out"] > 0 or source == "twitter", table
        for table in made:
            if table not in parents:
                on = " and ".join(f"child.{name} = parent.{name}" for name in POSITION)
                orphans = con.sql(
                    f"select count(*) from {table} as child anti join stg_{source}__posts as parent on {on}"
                )
                assert orphans.fetchall() == [(0,)], table
