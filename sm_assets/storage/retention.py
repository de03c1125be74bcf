"""Old as-of days of snapshots and exports: which go, and their removal.

Here: choosing days, removing files and folders below the data root. Not here: how long anything is kept
(`defs.housekeeping`), conversions of landing files (`sources.leftovers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sm_assets.contracts.schema import DAY
from sm_assets.storage.lake import Lake

EXPORTS = "exports"
EXPORT_FOLDERS = ("audiences", "hashtags", "maps", "personas", "profiles")
"""What analyses write; other folders there are somebody's own."""
_PREFIX = f"{DAY}="


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed, or would be.

    Attributes:
        what: kind of thing, as snapshot, export, conversion, run.
        name: which, or of which table.
        items: how many.
        bytes: what they took on disk.
        why: one sentence where the reader may wonder; also why something stays (then `items` is 0).
    """

    what: str
    name: str
    items: int
    bytes: int
    why: str = ""


def days_to_drop(
    days: Mapping[str, Iterable[date]], keep_days: int, *, keep_weekly: bool, always: Iterable[date] = ()
) -> list[date]:
    """As-of days that go, ascending; the newest day of each table stays, whatever else is there.

    Args:
        days: table or folder -> its as-of days. They are judged together, so that tables of one day go together.
        keep_days: days before the newest as-of day that stay, every one of them; 0: nothing goes.
        keep_weekly: of the days before these the last of each week (Monday to Sunday) stays.
        always: days that stay, whatever else is said.
    """
    found = {name: sorted(set(listed)) for name, listed in days.items()}
    every = sorted({day for listed in found.values() for day in listed})
    if not keep_days or not every:
        return []
    kept = {listed[-1] for listed in found.values() if listed}.union(always)
    if keep_weekly:
        kept |= set(_last_of_weeks(every))
    edge = every[-1] - timedelta(days=keep_days)
    return [day for day in every if day <= edge and day not in kept]


def _last_of_weeks(days: Iterable[date]) -> Iterable[date]:
    return {day.isocalendar()[:2]: day for day in sorted(days)}.values()


def drop_snapshots(lake: Lake, tables: Iterable[str], days: Iterable[date], *, dry_run: bool) -> Iterator[Removed]:
    """Remove the partitions of tables, a day of all tables before the next day: an interruption leaves one day in part.

    The next run goes on where this one ended.
    """
    listed = {name: set(lake.days(name)) for name in tables}
    sums = dict.fromkeys(listed, (0, 0))
    for day in sorted(set(days)):
        for name, present in listed.items():
            if day not in present:
                continue
            file = lake.file(name, day)
            size = int(lake.fs.size(file))
            if not dry_run:
                with lake.locked(name):
                    lake.fs.rm_file(file)
                    _drop_empty(lake, file.rsplit("/", 1)[0])
            items, taken = sums[name]
            sums[name] = items + 1, taken + size
    for name, (items, taken) in sums.items():
        if items:
            yield Removed("snapshot", name, items, taken)


def export_days(lake: Lake) -> dict[str, list[date]]:
    """Folder below exports/ -> its as-of days; only folders that analyses write, and names that are days."""
    found: dict[str, list[date]] = {}
    for kind in EXPORT_FOLDERS:
        for path in _day_folders(lake, lake.path(EXPORTS, kind)):
            folder, _, name = path.rpartition("/")
            day = _day_of(name)
            if day is not None:
                found.setdefault(folder[len(lake.path("")) :], []).append(day)
    return found


def _day_of(name: str) -> date | None:
    try:
        day = date.fromisoformat(name.removeprefix(_PREFIX))
    except ValueError:
        return None
    # `day=20240101` is read as a day too, but nobody here writes it.
    return day if name == f"{_PREFIX}{day}" else None


def _day_folders(lake: Lake, folder: str) -> Iterator[str]:
    if not lake.fs.isdir(folder):
        return
    for entry in sorted(lake.fs.ls(folder, detail=True, refresh=True), key=lambda each: str(each["name"])):
        path = str(entry["name"]).rstrip("/")
        if entry["type"] != "directory" or entry.get("islink"):
            continue
        if path.rsplit("/", 1)[-1].startswith(_PREFIX):
            yield path
        else:
            yield from _day_folders(lake, path)


def drop_exports(
    lake: Lake, folders: Mapping[str, Iterable[date]], days: Iterable[date], *, dry_run: bool
) -> Iterator[Removed]:
    """Remove the folders of days below exports/; the newest of each folder stays."""
    chosen = set(days)
    for folder, present in folders.items():
        listed = sorted(present)
        gone = [day for day in listed[:-1] if day in chosen]
        sizes = 0
        for day in gone:
            path = lake.path(folder, f"{_PREFIX}{day}")
            sizes += folder_bytes(lake, path)
            if not dry_run:
                remove_folder(lake, path)
        if gone:
            yield Removed("export", folder, len(gone), sizes)


def folder_bytes(lake: Lake, folder: str) -> int:
    """Bytes of all files of a folder."""
    return sum(int(entry["size"]) for entry in lake.fs.find(folder, detail=True).values())


def remove_folder(lake: Lake, folder: str) -> None:
    """Remove a folder below the data root: at once for all who read names, then file by file."""
    if not lake.is_local:
        lake.fs.rm(folder, recursive=True)
        return
    with lake.workspace("removed") as workspace:
        # It goes with the workspace, be it after a crash.
        Path(folder).rename(workspace / "folder")


def empty_day_folders(lake: Lake, tables: Iterable[str], *, dry_run: bool) -> Iterator[Removed]:
    """Folders of days whose file never came, as a crash leaves them; only local disks have such."""
    for name in tables if lake.is_local else ():
        root = Path(lake.path("lake", name))
        empty = [path for path in root.glob(f"{_PREFIX}*") if path.is_dir() and not any(path.iterdir())]
        for path in () if dry_run else empty:
            with lake.locked(name):
                _drop_empty(lake, str(path))
        if empty:
            yield Removed("empty folder", name, len(empty), 0)


def _drop_empty(lake: Lake, folder: str) -> None:
    if lake.is_local and not any(Path(folder).iterdir()):
        Path(folder).rmdir()
