"""What an intake brings: landing files in the lake, and what is known of them.

Here: converted files, all files of a source, days in words. Not here: how they come to be (`intake`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sm_assets.contracts import TABLES, Table
from sm_assets.sources import SOURCES, Source
from sm_assets.storage import day_range


@dataclass(frozen=True, slots=True)
class Converted:
    """One landing file in the lake.

    Attributes:
        path: where it lies under landing/ now.
        manifest: what its conversion found; keys as in manifest.json.
        folder: its converted directory.
        delivery: the collection it belongs to.
    """

    path: str
    sha256: str
    manifest: dict[str, Any]
    folder: str
    delivery: str = ""

    def place(self, *parts: str) -> str:
        """Path of something inside its converted directory."""
        return "/".join((self.folder, *parts))

    def table(self, record: str) -> Table:
        """Contract of the raw table of one kind of its records."""
        return TABLES[f"raw_{self.manifest['source']}__{record}"]

    @property
    def rows_by_day(self) -> dict[date, int]:
        """Rows of each day that has any, over all kinds of records."""
        rows: Counter[date] = Counter()
        for days in self.manifest["rows_by_day"].values():
            rows.update({date.fromisoformat(day): n for day, n in days.items()})
        return dict(sorted(rows.items()))

    @property
    def covered(self) -> list[date]:
        """Days that the file speaks of, with or without rows.

        Rows that came only inside others lie on days that the file does not cover otherwise; they are shown all the
        same, and so are days on which only staged rows lie.
        """
        complete = self.manifest.get("complete")
        days = {*self.rows_by_day, *map(date.fromisoformat, self.manifest.get("also_days", ()))}
        if complete is not None:
            days.update(day_range(*map(date.fromisoformat, complete)))
        return sorted(days)

    @property
    def touched(self) -> set[date | None]:
        """Days of records that the file's withdrawals reach; None among them: any day."""
        return {date.fromisoformat(day) if day else None for day in self.manifest.get("touched_days", ())}

    @property
    def profile_days(self) -> set[date]:
        """Days on which profiles of its rows lie, as far as its source tells; they go on into all later days."""
        manifest = self.manifest
        days = {*manifest.get("also_days", ()), *manifest.get("profile_days", ())}
        for record in SOURCES[manifest["source"]].profiles:
            days.update(manifest["rows_by_day"].get(record, ()))
        return {date.fromisoformat(day) for day in days}

    @property
    def rejected(self) -> dict[str, int]:
        """Rejected rows by reason."""
        return dict(self.manifest["rejected"])


@dataclass(frozen=True, slots=True)
class Intake:
    """All files of a source after conversion.

    Attributes:
        files: one per distinct file content, by path.
        same_as: path of a file of equal bytes -> path of the one in `files`.
        unknown: path -> why no vintage recognises the file.
        unusable: path -> why the file could not be used otherwise (archive, changed while read, ...).
        converted: paths converted now; the others are reused.
        affected: days that files new, gone, renamed or read otherwise since the last time cover or covered, those that
        their withdrawals reach, and those into which their profiles and lists go on, ascending.
        purged: landing file -> rows whose words were now taken out of its conversion because they were purged.
        held: landing file -> rows taken out of its conversion so far; the file itself holds their words until it goes.
        number: how many intakes of the source found something else than the one before, up to this one.
    """

    source: Source
    files: tuple[Converted, ...]
    same_as: dict[str, str]
    unknown: dict[str, str]
    unusable: dict[str, str]
    converted: tuple[str, ...]
    affected: tuple[date, ...] = field(default=())
    purged: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    number: int = 0

    @property
    def covered(self) -> set[date]:
        """Days that at least one file speaks of."""
        return {day for file in self.files for day in file.covered}

    def totals(self) -> dict[str, int]:
        """Rows over all files: rows_in, rows_out and one entry per disposition and reason."""
        totals: Counter[str] = Counter(rows_in=0, rows_out=0)
        for file in self.files:
            totals["rows_in"] += file.manifest["rows_in"]
            totals["rows_out"] += file.manifest["rows_out"]
            for disposition in ("rejected", "ignored"):
                for reason, rows in file.manifest[disposition].items():
                    totals[f"{disposition}/{reason}"] += rows
        rows = {file.path: file.manifest["rows_in"] for file in self.files}
        same = sum(rows[path] for path in self.same_as.values())
        if same:
            totals["rows_in"] += same
            totals["duplicate/same_file"] += same
        return dict(totals)

    def repairs(self) -> dict[str, int]:
        """Repaired cells over all files, by `column/reason`."""
        found: Counter[str] = Counter()
        for file in self.files:
            found.update(file.manifest["repairs"])
        return dict(sorted(found.items()))

    def outside(self, first: date, last: date) -> dict[str, int]:
        """Rows on days that no partition from `first` to `last` takes, by file and days."""
        found = {}
        for file in self.files:
            rows = {day: n for day, n in file.rows_by_day.items() if not first <= day <= last}
            if rows:
                found[f"{file.path} ({spans(rows)})"] = sum(rows.values())
        return found


def stretches(days: Iterable[date]) -> list[list[date]]:
    """Days in stretches without a gap, ascending."""
    found: list[list[date]] = []
    for day in sorted(set(days)):
        if found and (day - found[-1][-1]).days == 1:
            found[-1].append(day)
        else:
            found.append([day])
    return found


def spans(days: Iterable[date], most: int = 10) -> str:
    """Days as stretches, `2021-07-01 to 2021-07-03, 2021-07-09`; of very many the first `most`."""
    found = stretches(days)
    shown = [str(s[0]) if len(s) == 1 else f"{s[0]} to {s[-1]}" for s in found[:most]]
    more = sum(len(s) for s in found[most:])
    return ", ".join(shown) + (f" and {more} more days" if more else "")
