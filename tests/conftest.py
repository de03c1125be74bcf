"""What tests of several rooms share: the sample data folder, a lake of their own, synthetic exports.

Here: fixtures and small helpers. Not here: any fact about a table or a file.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest

# Each core has a process of tests: threads of their libraries would only wait for each other. NumPy reads this once.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import duckdb
import pyarrow.parquet as pq

from sm_assets.defs.footers import CODE, MADE_FROM
from sm_assets.settings import Settings
from sm_assets.storage import Lake
from sm_assets.storage import lake as lake_module
from sm_assets.storage.catalog import refresh_catalog

# How long an example takes says nothing on a machine that does other things, too.
hypothesis.settings.register_profile("ours", deadline=None)
hypothesis.settings.load_profile("ours")

EXPORT_COLUMNS = (
    "Page Name",
    "User Name",
    "Facebook Id",
    "Page Category",
    "Page Admin Top Country",
    "Page Description",
    "Page Created",
    "Likes at Posting",
    "Followers at Posting",
    "Post Created",
    "Post Created Date",
    "Post Created Time",
    "Type",
    "Total Interactions",
    "Likes",
    "Comments",
    "Shares",
    "Love",
    "Wow",
    "Haha",
    "Sad",
    "Angry",
    "Care",
    "Video Share Status",
    "Is Video Owner?",
    "Post Views",
    "Total Views",
    "Total Views For All Crossposts",
    "Video Length",
    "URL",
    "Message",
    "Link",
    "Final Link",
    "Image Text",
    "Link Text",
    "Description",
    "Sponsor Id",
    "Sponsor Name",
    "Sponsor Category",
    "Overperforming Score",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: one that came last would keep one core busy and the others waiting."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of sample data beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the sample data folder {folder} is absent")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_disks() -> Iterator[None]:
    """No test could tell whether files are brought to disk: only a machine that loses power could."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="module")
def no_catalogue() -> Iterator[None]:
    """The catalogue of views is written again for every new table; tests that ask it do so by `catalogue_of`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake_module, "refresh_catalog", lambda _: False)
        yield


def catalogue_of(settings: Settings) -> duckdb.DuckDBPyConnection:
    """The catalogue of a lake, brought up to date."""
    refresh_catalog(Lake(settings))
    return duckdb.connect(f"{settings.data_root}/catalog.duckdb", read_only=True)


@pytest.fixture
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder; the same one for all tests of a process, so that definitions over it are built once."""
    root = tmp_path_factory.getbasetemp() / "root"
    if root.exists():
        shutil.rmtree(root)
    root.mkdir()
    return root


@pytest.fixture
def settings(data_root: Path) -> Settings:
    """Settings over an empty data root."""
    return Settings(data_root=str(data_root / "data"), profile="tiny", threads=1, start_day=date(2021, 1, 1))


@pytest.fixture
def lake(settings: Settings) -> Lake:
    """A lake over an empty data root."""
    return Lake(settings)


def post(page: int, number: int, when: datetime, message: str = "", **more: object) -> dict[str, object]:
    """One row of an export: post `number` of page `page` at `when` (UTC)."""
    shares = int(more.pop("shares", 1))  # type: ignore[call-overload]  # tests pass whole numbers
    return {
        "Page Name": f"Page {page}",
        "User Name": f"page.{page:04d}",
        "Facebook Id": str(100_000_000_000_000 + page),
        "Page Category": "COMMUNITY",
        "Page Admin Top Country": "US",
        "Likes at Posting": 1000 + page,
        "Followers at Posting": 2000 + page,
        "Post Created": f"{when:%Y-%m-%d %H:%M:%S} UTC",
        "Type": "Status",
        "Total Interactions": shares,
        "Shares": shares,
        "URL": f"https://www.facebook.com/{100_000_000_000_000 + page}/posts/{number}",
        "Message": message or f"This is message number {number}, written by nobody but page {page} itself.",
        **more,
    }


def write_export(path: Path, rows: Iterable[Mapping[str, object]], columns: Iterable[str] = EXPORT_COLUMNS) -> Path:
    """Write rows as a CrowdTangle export."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.DictWriter(sink, list(columns), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def some_posts(first: date, days: int, *, pages: int = 4, start: int = 0, shares: int = 1) -> list[dict[str, object]]:
    """A post per page and day; on each day all pages also carry one common message."""
    rows = []
    for day in range(days):
        for page in range(pages):
            when = datetime(first.year, first.month, first.day, 9, page) + timedelta(days=day)
            number = start + 1000 * day + page
            rows.append(post(page, number, when, shares=shares))
            common = f"Everybody should read this very important message of day {day} before it is deleted!"
            rows.append(post(page, number + 500, when + timedelta(hours=1), common, shares=shares))
    return rows


def digests(root: Path, *, below: str = "lake", ignore: Callable[[Path], bool] = lambda _: False) -> dict[str, str]:
    """SHA-256 of every Parquet file below `root`/`below` by relative path; tables only."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((root / below).rglob("*.parquet"))
        if not {"_ingest", "_embeddings", "_catalog"} & set(path.parts) and not ignore(path)
    }


def contents(root: Path) -> dict[str, dict[bytes, bytes]]:
    """What every table file says of itself, its digest of rows among it, but not what it was made from; by path."""
    made = {MADE_FROM.encode(), CODE.encode(), b"ARROW:schema"}  # the schema holds them once more
    said = {name: pq.read_metadata(root / name).metadata or {} for name in digests(root)}
    return {name: {key: value for key, value in of.items() if key not in made} for name, of in said.items()}
