"""Lists of hashtags and creators below `lists/` of the data root.

Here: finding and reading the files, one sentence for each that cannot be used, which days were made with other lists.
Not here: what an entry is compared as (`sm_assets.analysis.user_lists`), what the lists find.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from sm_assets.analysis.user_lists import HEADERS, UserLists, entries
from sm_assets.errors import InputError, OptionError
from sm_assets.storage import Lake

FOLDER: Final = "lists"
FILES: Final = {"hashtags": "hashtags.csv", "creators": "creators.csv"}
LISTS: Final = "sm.lists"
MAX_BYTES: Final = 64_000_000
_SEPARATORS: Final = {";": "semicolon", "\t": "tab"}
_EXPECTED: Final = {
    "hashtags": "a CSV file in UTF-8 whose first column holds hashtags, a header (`hashtag` or `tag`) may come first",
    "creators": "a CSV file in UTF-8 whose first column holds handles or ids, a header (`creator` ...) may come first",
}


def list_names(lake: Lake) -> list[str]:
    """Names of the folders below lists/, sorted."""
    root = lake.path(FOLDER)
    if not lake.fs.isdir(root):
        return []
    paths = [str(path).rstrip("/") for path in lake.fs.ls(root, detail=False, refresh=True)]
    names = [path.rsplit("/", 1)[-1] for path in paths if lake.fs.isdir(path)]
    return sorted(name for name in names if not name.startswith((".", "_")))


def read_lists(lake: Lake, names: Sequence[str] = ()) -> list[UserLists]:
    """Pairs of lists by name; none given: all that there are.

    Raises:
        OptionError: no such folder below lists/.
        InputError: a folder without either file, a file that is empty, not in UTF-8, no table, or without a usable
            entry; names the path, what was expected and what was found.
    """
    there = list_names(lake)
    unknown = sorted(set(names) - set(there))
    if unknown:
        raise OptionError(
            f"No lists named {', '.join(map(repr, unknown))} below {lake.uri(lake.path(FOLDER))}; there are "
            f"{', '.join(there) or 'none'}. Make the folder, with hashtags.csv or creators.csv in it."
        )
    return [_read(lake, name) for name in sorted(set(names)) or there]


def _read(lake: Lake, name: str) -> UserLists:
    found = {}
    for kind, file in FILES.items():
        path = lake.path(FOLDER, name, file)
        if lake.fs.isfile(path):
            found[kind] = entries(_rows(lake, path, kind), kind)
            if not found[kind]:
                raise InputError(
                    f"{lake.uri(path)} has no usable entry: expected {_EXPECTED[kind]}; found no cell with a letter or "
                    f"digit below the header (a first cell {', '.join(sorted(HEADERS[kind]))} is one). Write the "
                    "entries, or remove the file."
                )
    if not found:
        folder = lake.path(FOLDER, name)
        held = sorted(
            str(path).rstrip("/").rsplit("/", 1)[-1] for path in lake.fs.ls(folder, detail=False, refresh=True)
        )
        raise InputError(
            f"{lake.uri(folder)} has neither hashtags.csv nor creators.csv: expected {_EXPECTED['hashtags']}, or the "
            f"same of creators; found {', '.join(held[:10]) or 'no file'}."
        )
    return UserLists(name, **found)


def _rows(lake: Lake, path: str, kind: str) -> list[list[str]]:
    expected = f"expected {_EXPECTED[kind]}"
    size = int(lake.fs.size(path) or 0)
    if size > MAX_BYTES:
        raise InputError(f"{lake.uri(path)} has {size:,} bytes: {expected}, of at most {MAX_BYTES:,} bytes.")
    with lake.fs.open(path, "rb") as source:
        data: bytes = source.read()
    if not data.strip():
        raise InputError(f"{lake.uri(path)} is empty: {expected}; found {len(data)} bytes without a letter.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{lake.uri(path)} is not in UTF-8: {expected}; found the byte 0x{data[error.start]:02x} at position "
            f"{error.start:,}. Save it again as CSV UTF-8."
        ) from error
    try:
        # What a quotation mark opens and nothing closes would swallow the rest of the file.
        rows = list(csv.reader(io.StringIO(text.replace("\0", ""), newline=""), strict=True))
    except csv.Error as error:
        raise InputError(f"{lake.uri(path)} is no table: {expected}; found: {error}.") from error
    _refuse_other_separators(rows, f"{lake.uri(path)} is not separated by commas: {expected}")
    return rows


def _refuse_other_separators(rows: list[list[str]], sentence: str) -> None:
    """Refuse a table whose cells are separated by semicolons or tabs: its entries would never match.

    Raises:
        InputError: a first cell has such a character in it.
    """
    for number, row in enumerate(rows, 1):
        for separator, name in _SEPARATORS.items():
            if row and separator in row[0].strip():
                raise InputError(
                    f"{sentence}; found a {name} in the first cell of row {number}: {row[0][:60]!r}. Save it again "
                    "with commas between the cells, or with the first column alone."
                )


def lists_metadata(lists: Iterable[UserLists]) -> dict[str, str]:
    """Digests of the lists by name, as metadata of a file."""
    return {LISTS: json.dumps({each.name: each.digest for each in lists}, sort_keys=True)}


def digests_by_day(lake: Lake, table: str, days: Iterable[date]) -> dict[date, dict[str, str]]:
    """Digests of the lists by name that days of a table were made with."""
    return {day: json.loads(lake.metadata(table, day).get(LISTS, "{}")) for day in days}


def made_otherwise(found: Mapping[date, Mapping[str, str]], lists: Iterable[UserLists]) -> list[date]:
    """Days that were made with other lists than these, or without one of them."""
    now = {each.name: each.digest for each in lists}
    return sorted(day for day, digests in found.items() if any(digests.get(name) != now[name] for name in now))
