"""Hundreds of damaged files of every format: none stops the intake, none loses a row in silence, all rows add up.

Here: what must hold of any file whatever. Not here: how files get damaged (`damage`), what single formats mean.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from damage import RECODED, Damaged, bombs, mutants, strangers
from fixtures_by_source import FILES, ROWS, UNPACKED, Delivered, days_of, land, make_layer, publish_raw
from forgetful import forgetful

from sm_assets.defs.run import materialise_range
from sm_assets.settings import Settings
from sm_assets.sources.intake import Converted, Intake, take_in
from sm_assets.sources.purges import redactions
from sm_assets.sources.reading import EXCERPT
from sm_assets.storage import PART, Lake
from sm_assets.storage import lake as lake_module

SEEDS = {source: 1000 * number for number, source in enumerate(FILES, 1)}
# Sources with many formats take every second of the damages per format.
STEPS = {"crowdtangle": 2, "twitter": 2}
# A damaged file may hold lines twice and break one into several, but no more.
MOST_ROWS = 6


@dataclass(frozen=True, slots=True)
class Landed:
    """A landing folder of one source's damaged files, taken in."""

    lake: Lake
    intake: Intake
    damaged: dict[str, Damaged]
    strange: dict[str, tuple[bytes, str]]

    @property
    def converted(self) -> Iterator[tuple[Damaged, Converted]]:
        """Damaged files that were converted."""
        for file in self.intake.files:
            if file.path in self.damaged:
                yield self.damaged[file.path], file


_taken: dict[str, Landed] = {}


@pytest.fixture(scope="module", autouse=True)
def _no_catalogue() -> Iterator[None]:
    """The catalogue of views is rewritten for every new table: nobody needs it here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake_module, "refresh_catalog", lambda _: False)
        yield
    _taken.clear()


@pytest.fixture(params=list(FILES))
def landed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    source: str = request.param
    if source not in _taken:
        _taken[source] = _take(source, tmp_path_factory.mktemp(source))
    return _taken[source]


def mutants_of(source: str) -> Iterator[Damaged]:
    return mutants(FILES[source](ROWS), SEEDS[source], STEPS.get(source, 1))


def _take(source: str, folder: Path) -> Landed:
    lake = Lake(Settings(data_root=str(folder), profile="tiny", threads=1, start_day=date(2024, 1, 1)))
    damaged = {land(lake, _as_file(file), file.folder): file for file in mutants_of(source)}
    strange = {}
    for name, (data, expected) in strangers().items():
        strange[land(lake, Delivered(source, name, data, "", 0))] = (data, expected)
    log: list[str] = []
    try:
        intake = take_in(lake, source, log.append)
    except Exception as error:
        # The last line names the file, and its folder the seed and the damage.
        error.add_note(f"{log[-1:]}, seeds of {source} from {SEEDS[source]}")
        raise
    return Landed(lake, intake, damaged, strange)


def _as_file(file: Damaged) -> Delivered:
    return replace(file.base, plain=file.data, wrapping="")


def rejects_of(file: Converted) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.ParquetFile(Path(file.place("reject", PART))).read().to_pylist()
    return found


def test_there_are_enough_of_them() -> None:
    assert sum(1 for source in FILES for _ in mutants_of(source)) >= 500


def test_every_file_ends_as_converted_unknown_or_unusable(landed: Landed) -> None:
    intake = landed.intake
    ends = Counter(
        path
        for group in ((f.path for f in intake.files), intake.same_as, intake.unknown, intake.unusable)
        for path in group
    )
    assert ends == Counter([*landed.damaged, *landed.strange])
    for path, words in {**intake.unknown, **intake.unusable}.items():
        about = landed.damaged.get(path, path)
        assert words.isprintable(), str(about)
        assert 20 < len(words) < 800, str(about)
        assert landed.lake.root not in words, str(about)
    converted = {file.path for file in intake.files}
    ended = {"converted": converted, "unknown": intake.unknown, "unusable": intake.unusable}
    for path, (_, expected) in landed.strange.items():
        if expected:
            assert path in ended[expected], path
    kept = sum(file.manifest["rows_out"] for file in intake.files if file.path in landed.strange)
    assert kept == 0, "files that are nobody's data gave rows"


def test_rows_in_are_rows_out_rejected_and_ignored(landed: Landed) -> None:
    for damaged, file in landed.converted:
        manifest = file.manifest
        lost = sum(manifest["rejected"].values()) + sum(manifest["ignored"].values())
        assert manifest["rows_in"] == manifest["rows_out"] + lost, str(damaged)
        assert manifest["rows_out"] == sum(file.rows_by_day.values()), str(damaged)
        assert manifest["rows_out"] <= MOST_ROWS * max(damaged.base.rows, ROWS), str(damaged)
        written = {
            record: sum(pq.ParquetFile(Path(file.place(record, f"day={day}", PART))).metadata.num_rows for day in days)
            for record, days in manifest["rows_by_day"].items()
        }
        assert written == {record: sum(days.values()) for record, days in manifest["rows_by_day"].items()}, str(damaged)


def test_rejects_are_those_counted_and_lie_inside_the_file(landed: Landed) -> None:
    seen = 0
    for damaged, file in landed.converted:
        rejects = rejects_of(file)
        assert Counter(row["reason"] for row in rejects) == file.manifest["rejected"], str(damaged)
        plain = damaged.plain
        size = len(damaged.base.plain) if plain is None else len(plain)
        if damaged.kind in RECODED or file.manifest.get("encoding", "utf-8") != "utf-8":
            size *= 3  # places in the text as decoded
        # Flipped bits may unpack to more than there was.
        bound = size if "flip " not in damaged.kind else 1 << 20
        for row in rejects:
            assert row["line"] >= 1, str(damaged)
            assert row["byte_length"] >= 0, str(damaged)
            assert 0 <= row["byte_offset"] <= row["byte_offset"] + row["byte_length"] <= bound, f"{damaged}: {row}"
            assert len(row["raw_excerpt"] or "") <= EXCERPT, str(damaged)
        seen += len(rejects)
    assert seen > 20


def test_excerpts_stand_where_the_reject_says(landed: Landed) -> None:
    checked = 0
    withdraws = bool(redactions(landed.intake.source))
    for damaged, file in landed.converted:
        plain = damaged.plain
        if plain is None or damaged.kind in RECODED or damaged.base.vintage in (*UNPACKED, "car"):
            continue
        if file.manifest["encoding"] != "utf-8":
            continue
        line_ends = [found.end() for found in re.finditer(rb"\r\n|\n|\r", plain)]
        newlines = [found.end() for found in re.finditer(rb"\n", plain)]
        for row in rejects_of(file):
            start = row["byte_offset"]
            piece = plain[start : start + min(row["byte_length"], EXCERPT)]
            if row["raw_excerpt"] is None and withdraws:
                continue  # it names a record that another file of the folder withdraws
            assert row["raw_excerpt"] == piece.decode("utf-8", "replace").replace("\0", "\ufffd"), f"{damaged}: {row}"
            possible = {1 + sum(end <= start for end in ends) for ends in (line_ends, newlines)}
            assert row["line"] in possible, f"{damaged}: {row}"
            checked += 1
    assert checked > 10


def test_all_that_is_kept_goes_through_to_core(landed: Landed) -> None:
    """No cast in staging fails, every contract holds, core and the report of what became of every row add up."""
    lake, intake = landed.lake, landed.intake
    source = intake.source.name
    hint = f"{source}, seeds from {SEEDS[source]}"
    days = days_of(intake)
    assert days, hint
    publish_raw(lake, intake, days)
    try:
        staged = make_layer(lake, "stg", days, source)
        core = make_layer(lake, "core", days)
    except Exception as error:
        error.add_note(f"damaged files of {hint}")
        raise
    raw = {record: sum(sum(f.manifest["rows_by_day"].get(record, {}).values()) for f in intake.files)
           for record in intake.source.records}  # fmt: skip
    with lake.connect() as con:
        for record, rows in raw.items():
            found = lake.register(con, lake.ref(intake.source.raw_table(record))).aggregate("count(*)").fetchall()
            assert found == [(rows,)], (hint, record)
    for table, counted in {**staged, **core}.items():
        if "rows_in" in counted:
            lost = sum(rows for entry, rows in counted.items() if entry not in ("rows_in", "rows_out"))
            assert counted["rows_in"] == counted["rows_out"] + lost, (hint, table)
    for entity in ("posts", "interactions", "follows", "tombstones"):
        if f"stg_{source}__{entity}" in staged:
            rows_in = core[f"core_{entity}"]["rows_in"]
            assert rows_in == staged[f"stg_{source}__{entity}"]["rows_out"], (hint, entity)
    _report_closes(lake, days, hint)


def _report_closes(lake: Lake, days: list[date], hint: str) -> None:
    last = max(days)
    with forgetful() as instance:
        assert materialise_range(
            lake.settings, last, last, tables=["out_ingest_report"], instance=instance, raise_on_error=True
        ), hint
    with lake.connect() as con:
        report = lake.register(con, lake.ref("out_ingest_report", [last]))
        rows = report.project("stage, source_file, disposition, reason, rows").fetchall()
    counted = Counter[str]()
    for stage, _, disposition, _, number in rows:
        counted[f"{stage} {disposition}"] += number
    lost = sum(counted[f"landing {disposition}"] for disposition in ("rejected", "ignored", "duplicate"))
    assert counted["landing in"] == counted["landing out"] + lost > 0, hint
    lost = sum(counted[f"core {disposition}"] for disposition in ("duplicate", "withdrawn"))
    assert counted["core in"] == counted["core out"] + lost > 0, hint


# ------------------------------------------------------------------- too much

_CHILD = """
import json, sys
from sm_assets.settings import Settings
from sm_assets.sources.intake import take_in
from sm_assets.storage import Lake

intake = take_in(Lake(Settings(data_root=sys.argv[1], profile="tiny", threads=1)), sys.argv[2])
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
print(json.dumps({
    "peak": peak / 1024,
    "aside": {**intake.unknown, **intake.unusable},
    "files": {f.path: {key: f.manifest[key] for key in ("rows_in", "rows_out", "rejected", "ignored")}
              for f in intake.files},
}))
"""
# What the specification allows is 1,024; a record of 50 MB is held several times over while it is taken apart.
_PEAK_MIB = 800


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "vintage", "alone"),
    [
        ("crowdtangle", "fb_2020", False),
        ("crowdtangle", "fb_2020", True),
        ("bluesky", "jetstream_v1", False),
        ("bluesky", "jetstream_v1", True),
        ("twitter", "v1", False),
        ("twitter", "v1", True),
        ("edges", "csv", False),
    ],
)
def test_memory_stays_bounded_whatever_a_file_unpacks_to(
    tmp_path: Path, source: str, vintage: str, alone: bool
) -> None:
    """The long record is read in a process of its own: the allocator keeps some of what it took."""
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    lake = Lake(Settings(data_root=str(tmp_path), profile="tiny", threads=1))
    file = next(file for file in FILES[source](ROWS) if file.vintage == vintage)
    names = {
        land(lake, replace(file, plain=data()), name): name
        for name, data in bombs(file).items()
        if (name == "long line") == alone
    }
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(tmp_path), source], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["peak"] < _PEAK_MIB
    ended = found["files"] | found["aside"]
    assert set(ended) == set(names)
    for path, name in names.items():
        if name == "zeros":
            continue
        end = ended[path]
        assert isinstance(end, dict), (name, end)
        lost = sum(end["rejected"].values()) + sum(end["ignored"].values())
        assert end["rows_in"] == end["rows_out"] + lost, name
        # All that stood before what has no end is there.
        assert end["rows_out"] >= file.rows - 1, (name, end)
