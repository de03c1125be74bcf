"""A full disk, a read-only one, names that lead out of the data root: a clear sentence, and the old data stays."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from conftest import digests, some_posts, write_export
from test_storage import DAYS, TABLE, rows

from sm_assets.errors import LandingError, NoSpaceLeft, NotWritable, OutsideDataRoot
from sm_assets.settings import Settings
from sm_assets.sources.intake import take_in
from sm_assets.sources.landing import discover
from sm_assets.storage import Lake


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a small file system, or mounts it anew with other options."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"mounting a small disk needs the rights of root: {done.stderr.strip()}")
        return place

    yield mount
    subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)


def lake_on(place: Path) -> Lake:
    return Lake(Settings(data_root=str(place / "data"), profile="tiny", threads=1, start_day=date(2021, 1, 1)))


def many_rows() -> pa.Table:
    rows_of_days = rows()  # noqa: F841  # DuckDB finds it by its name
    found = duckdb.sql(
        "select * exclude (n) replace (post_id || '-' || n || md5(post_id || n) as post_id) "
        "from rows_of_days, range(200) as more(n)"
    )
    assert found is not None
    return found.to_arrow_table()


def count(lake: Lake) -> int:
    with duckdb.connect(lake.path("catalog.duckdb"), read_only=True) as con:
        return int(con.sql(f"select count(*) from {TABLE.name}").fetchall()[0][0])


def test_a_full_disk_keeps_what_is_there_and_says_what_to_do(disk: Callable[[str], Path]) -> None:
    place = disk("size=3m")
    lake = lake_on(place)
    lake.publish(TABLE, rows(), DAYS)
    before = digests(Path(lake.root))
    data = many_rows()
    with pytest.raises(NoSpaceLeft, match=r"feat_post_language: no space left on the disk .* had been written, .* of "):
        lake.publish(TABLE, data, DAYS)
    assert digests(Path(lake.root)) == before
    assert count(lake) == 1000
    assert [path.name for path in Path(lake.path("lake", "_staging")).glob("feat_*")] == []
    disk("remount,size=200m")
    assert lake.publish(TABLE, data, DAYS).total == count(lake) == 200_000


def test_a_full_disk_while_a_landing_file_is_converted(disk: Callable[[str], Path]) -> None:
    place = disk("size=6m")
    lake = lake_on(place)
    export = Path(lake.path("landing", "crowdtangle", "export.csv"))
    write_export(export, some_posts(date(2021, 7, 1), 3))
    (place / "ballast").write_bytes(os.urandom(os.statvfs(place).f_bavail * os.statvfs(place).f_frsize - 24_000))
    with pytest.raises(NoSpaceLeft, match=r"no space left .* run again"):
        take_in(lake, "crowdtangle")
    (place / "ballast").unlink()
    assert take_in(lake, "crowdtangle").converted == ("landing/crowdtangle/export.csv",)


def test_a_read_only_lake_can_be_read_and_says_that_it_cannot_be_written(disk: Callable[[str], Path]) -> None:
    place = disk("size=50m")
    lake_on(place).publish(TABLE, rows(), DAYS)
    disk("remount,ro")
    lake = lake_on(place)
    before = digests(Path(lake.root))
    with pytest.raises(NotWritable, match=r"cannot be written \(Read-only file system\); nothing was changed"):
        lake.publish(TABLE, rows(), DAYS)
    with pytest.raises(NotWritable, match="cannot be written"):
        take_in(lake, "crowdtangle")
    with lake.connect() as con:
        found = lake.register(con, lake.ref(TABLE.name))
        assert found.aggregate("count(*)").fetchall() == [(1000,)]
    assert count(lake) == 1000
    assert digests(Path(lake.root)) == before
    disk("remount,rw")
    assert lake.publish(TABLE, rows(), DAYS).total == 1000


@pytest.mark.parametrize("name", ["..", "../x", "a/../../x", "/etc/passwd", "a/..", "x\0y"])
def test_a_name_that_leads_out_of_the_data_root_is_refused(lake: Lake, name: str) -> None:
    with pytest.raises(OutsideDataRoot, match="leads out of the data root"):
        lake.path("exports", name)
    with pytest.raises(OutsideDataRoot):
        lake.write_json({}, "exports", name)
    with pytest.raises(OutsideDataRoot):
        lake.read_json("labels", name)


def test_a_name_with_dots_in_it_is_a_name(lake: Lake) -> None:
    assert lake.path("landing", "a..b.csv", "..c") == f"{lake.root}/landing/a..b.csv/..c"


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_link_that_leads_out_of_the_landing_folder_is_refused(lake: Lake, tmp_path: Path, linked: str) -> None:
    secret = write_export(tmp_path / "elsewhere" / "export.csv", some_posts(date(2021, 7, 1), 1))
    folder = Path(lake.path("landing", "crowdtangle"))
    folder.mkdir(parents=True)
    link, target = (folder / "x.csv", secret) if linked == "file" else (folder / "more", secret.parent)
    link.symlink_to(target)
    with pytest.raises(LandingError, match=r"is a link out of landing/crowdtangle/"):
        discover(lake, "crowdtangle")
    link.unlink()
    # The folder of a source itself may lie on another disk.
    folder.rmdir()
    folder.symlink_to(secret.parent)
    assert [delivery.path for delivery in discover(lake, "crowdtangle")] == ["landing/crowdtangle/export.csv"]
