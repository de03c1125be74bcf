"""Label files below labels/: found, read as texts, and remembered by the days that they fed.

Here: files to rows, and what has become of the files behind a published day. Not here: which rows are labels
(`sm_assets.analysis.labels`).
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.analysis.labels import LABELS, OPTIONAL, REQUIRED
from sm_assets.contracts import TABLES
from sm_assets.errors import InputError, VanishedFiles
from sm_assets.storage import Lake

FOLDER: Final = "labels"
FED_BY: Final = "sm.label_files"
_KNOWN: Final = (*REQUIRED, *OPTIONAL)
_EXPECTED: Final = f"expected are the columns {', '.join(REQUIRED)} and, where known, {', '.join(OPTIONAL)}"
_DIVIDERS: Final = ",;\t"
_PLATFORMS: Final = frozenset(next(c.allowed for c in TABLES[LABELS].columns if c.name == "platform"))
_SHOWN: Final = 5
_LONGEST: Final = 80


@dataclass(frozen=True, slots=True)
class LabelFiles:
    """What lies below labels/.

    Attributes:
        rows: cells as texts, with source_file, source_row, file_day, extra_cells.
        sha256: of each file by its path below the data root.
        ignored: paths of files that are neither CSV nor Parquet, and of folders, which end with a stroke.
    """

    rows: list[dict[str, Any]]
    sha256: Mapping[str, str]
    ignored: tuple[str, ...]

    def told(self, paths: Iterable[str]) -> dict[str, str]:
        """Metadata of a day's file: which label files its rows come from."""
        return {FED_BY: json.dumps({path: self.sha256[path] for path in sorted(paths)})}


def read_label_files(lake: Lake) -> LabelFiles:
    """All rows of all label files, in the order of paths and rows; none where the folder is not there.

    Raises:
        InputError: a file is empty, not UTF-8, broken, or lacks a column; it names the file and the columns.
    """
    folder = lake.path(FOLDER)
    rows: list[dict[str, Any]] = []
    digests: dict[str, str] = {}
    ignored = []
    found = lake.fs.ls(folder, detail=True, refresh=True) if lake.fs.isdir(folder) else []
    for entry in sorted(found, key=lambda entry: str(entry["name"])):
        name = str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]
        if name.startswith("."):
            continue
        path = f"{FOLDER}/{name}"
        if entry["type"] != "file":
            ignored.append(f"{path}/")
            continue
        read = {"csv": _csv_rows, "parquet": _parquet_rows}.get(name.rsplit(".", 1)[-1].lower())
        if read is None:
            ignored.append(path)
            continue
        content = lake.fs.cat_file(entry["name"])
        digests[path] = hashlib.sha256(content).hexdigest()
        changed = lake.fs.modified(entry["name"])
        day = (changed if changed.tzinfo is None else changed.astimezone(UTC)).date()
        rows += [row | {"source_file": path, "file_day": day} for row in read(path, content)]
    return LabelFiles(rows, digests, tuple(ignored))


def refuse_vanished(lake: Lake, files: LabelFiles, days: Iterable[date]) -> None:
    """Hold published days to the files that they came from; a file under another name is the same file.

    Raises:
        VanishedFiles: names the files that are gone and the days that would lose their labels.
    """
    there = set(files.sha256.values())
    gone: dict[str, list[date]] = {}
    published = set(lake.days(LABELS))
    for day in sorted(published.intersection(days)):
        fed = json.loads(lake.metadata(LABELS, day).get(FED_BY, "{}"))
        for path, digest in fed.items():
            if path not in files.sha256 and digest not in there:
                gone.setdefault(path, []).append(day)
    if gone:
        named = ", ".join(sorted(gone)[:_SHOWN]) + (f" and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else "")
        days_hit = sorted({day for hit in gone.values() for day in hit})
        raise VanishedFiles(
            f"{named}: labels of {days_hit[0]} to {days_hit[-1]} came from there, and the file is gone. Nothing was "
            "replaced. Put it back, or set accept_vanished to drop its labels."
        )


def _csv_rows(path: str, content: bytes) -> list[dict[str, Any]]:
    try:
        text = content.decode("utf-8-sig").lstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 (byte {error.start}); {_EXPECTED}, as CSV in UTF-8. No label was read."
        ) from error
    if not text.split("\n", 1)[0].strip():
        raise InputError(f"{path} is empty; {_EXPECTED} in its first row, and a row per label.")
    header, cells = _cells(path, text)
    whole = [row for row in cells if len(row) == len(header)]
    columns = [pa.array([row[n] for row in whole], pa.string()) for n in range(len(header))]
    rows = iter(_rows(path, pa.Table.from_arrays(columns, header)))
    return _numbered(path, [next(rows) if len(row) == len(header) else {"extra_cells": True} for row in cells])


def _cells(path: str, text: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows; the divider is the one under which the header has all columns that are needed."""
    rows: list[list[str]] = []
    divider = _DIVIDERS[0]
    try:
        found = {}
        for divider in _DIVIDERS:
            # No quote of the header is held to anything before the divider is known.
            header = next(csv.reader(io.StringIO(text, newline=""), delimiter=divider), [])
            found[divider] = (sum(name in map(_folded, header) for name in REQUIRED), len(header))
        divider = max(_DIVIDERS, key=found.__getitem__)
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=divider, strict=True):
            rows += [row] if row else []
    except csv.Error as error:
        raise InputError(
            f"{path}: a quote opens in {_row(len(rows))} and does not close before a {divider!r} or the row's end "
            f"({error}); {_EXPECTED}."
        ) from error
    for number, row in enumerate(rows):
        # A quote too few here, and one too many below: rows between would be words of a cell.
        if any(_holds_a_row(cell, divider, rows[0]) for cell in row):
            raise InputError(f"{path}: a quote opens in {_row(number)} and takes in the row below it; {_EXPECTED}.")
    return rows[0], rows[1:]


def _row(number: int) -> str:
    return f"row {number}" if number else "the header"


def _holds_a_row(cell: str, divider: str, header: list[str]) -> bool:
    if "\n" not in cell and "\r" not in cell:
        return False
    place = [_folded(name) for name in header].index("platform") if "platform" in map(_folded, header) else 0
    below = [line.split(divider) for line in cell.splitlines()[1:]]
    return any(len(cells) == len(header) and _folded(cells[place].strip('"')) in _PLATFORMS for cells in below)


def _folded(name: str) -> str:
    return " ".join(name.split()).lower()


def _parquet_rows(path: str, content: bytes) -> list[dict[str, Any]]:
    try:
        table = pq.read_table(pa.BufferReader(content), use_threads=False)
        table.validate(full=True)
        rows = _rows(path, table)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as Parquet ({_first_line(error)}); {_EXPECTED}.") from error
    return _numbered(path, rows)


def _rows(path: str, table: pa.Table) -> list[dict[str, Any]]:
    """Rows of the columns that are known, as texts."""
    folded = [_folded(name) for name in table.column_names]
    found = ", ".join(shown(name) for name in folded)
    missing = [name for name in REQUIRED if name not in folded]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; {_EXPECTED}; found are the columns {found}.")
    twice = sorted({name for name in (*REQUIRED, *OPTIONAL) if folded.count(name) > 1})
    if twice:
        raise InputError(f"{path} holds {', '.join(twice)} more than once; {_EXPECTED}, each once; found are {found}.")
    columns = {name: _texts(path, name, table.column(folded.index(name))) for name in folded if name in _KNOWN}
    rows = pa.table(columns).to_pylist()
    return [row | {"extra_cells": False} for row in rows]


def _texts(path: str, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as texts; times in UTC, whole numbers without a point."""
    kind = column.type
    if name == "account_id" and pa.types.is_floating(kind):
        raise InputError(f"{path}: column {name} is of type {kind}, which rounds long numbers; store ids as text.")
    try:
        if pa.types.is_timestamp(kind):
            return column.cast(pa.timestamp("us"), safe=False).cast(pa.string())
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{path}: column {name} is of type {kind}; expected text.") from error


def _numbered(path: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not rows:
        raise InputError(f"{path} has no row below its columns; {_EXPECTED}, and a row per label.")
    return [row | {"source_row": number} for number, row in enumerate(rows, 1)]


def _first_line(error: Exception) -> str:
    return shown(str(error).splitlines()[0] if str(error) else type(error).__name__)


def shown(text: str) -> str:
    """Words of a file as a message may show them: on one line, short, printable."""
    plain = "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}\u2026"
