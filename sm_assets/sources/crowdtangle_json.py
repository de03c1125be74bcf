"""JSON exports of posts (CrowdTangle API, Meta Content Library): from a path to rows as delivered.

Here: objects, flat, with dotted names or nested, as text columns; which vintage they are. Not here: what a row is worth
(`crowdtangle_rows`).

The answers of both services are pages; their elements are the records. Nested names are joined by dots, so that the
three forms meet and a sidecar can map any of them. That asks for whole objects: these files are small beside CSV
exports, and no list of paths could hold names with dots in them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sm_assets.kernels.json_lines import Number, Value, parse
from sm_assets.sources.crowdtangle_columns import (
    API,
    MCL,
    RAW_COLUMNS,
    Family,
    mcl_platform,
    unknown_vintage,
    vintage_of,
)
from sm_assets.sources.crowdtangle_readings import Readings
from sm_assets.sources.crowdtangle_records import ReadOptions
from sm_assets.sources.csv_file import Header
from sm_assets.sources.file_names import exported_at_of
from sm_assets.sources.json_file import JsonFile, Records
from sm_assets.sources.json_spans import spans
from sm_assets.sources.reading import Tally, excerpt
from sm_assets.sources.zones import ZoneRules

PEEKED = 1000
CHUNK_ROWS = 1 << 15
# Where the posts of a page stand: the CrowdTangle API's, the Meta Content Library's.
PAGES = (("result", "posts"), ("data",))


def json_text(value: Value) -> str:
    """JSON text of a parsed value; numbers as they were written."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(k, ensure_ascii=False)}: {json_text(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(json_text, value))}]"
    return value if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def flatten(
    value: Mapping[str, Value], into: dict[str, str | None] | None = None, head: str = ""
) -> dict[str, str | None]:
    """Every value of an object as text by its name, nested names joined by dots; lists are JSON, empty is None."""
    flat: dict[str, str | None] = {} if into is None else into
    for key, inner in value.items():
        name = f"{head}{key}"
        if isinstance(inner, dict):
            flatten(inner, flat, f"{name}.")
        elif name not in flat:
            flat[name] = (inner if isinstance(inner, str) else json_text(inner) if inner is not None else None) or None
    return flat


@dataclass(frozen=True, slots=True)
class Post:
    """One post of one window.

    Attributes:
        record: which record of the window it is, or lies in.
        item: its place in the file's record.
        page: where in its record it stands; empty: it is the record.
        value: None: what stands there is no object.
    """

    record: int
    item: int
    page: tuple[str | int, ...]
    value: Mapping[str, Value] | None


@dataclass(frozen=True, slots=True)
class JsonRows:
    """Rows of one window: texts by raw column."""

    records: Records
    posts: Sequence[Post]
    cells: Mapping[str, list[str | None]]
    others: list[str | None]

    def __len__(self) -> int:
        return len(self.others)

    def column(self, name: str) -> pa.StringArray:
        """A raw column; all null where the file lacks it."""
        found = self.cells.get(name)
        return pa.nulls(len(self), pa.string()) if found is None else pa.array(found, pa.string())

    def positions(self) -> Mapping[str, pa.Array]:
        """source_row, source_item, source_line."""
        scanned = self.records.scanned
        record = np.array([post.record for post in self.posts], dtype=np.int64)
        return {
            "source_row": pa.array(scanned.row[record]),
            "source_item": pa.array([post.item for post in self.posts], pa.int32()),
            "source_line": pa.array(scanned.line[record]),
        }

    def extra(self) -> pa.Array:
        """Fields that no column is for, as JSON objects."""
        return pa.array(self.others, pa.string())


class JsonPosts:
    """One file of posts as JSON objects; see `PostReader`, whose attributes it shares.

    Raises:
        InputError: the file cannot be read at all or has no known vintage.
    """

    def __init__(self, path: Path, options: ReadOptions, tally: Tally) -> None:
        self.path = path
        self.options = options
        self.tally = tally
        self._file = JsonFile(path, tally, options.encoding)
        self.vintage, family, self.header = self._recognise()
        self._column_of = family.mapper(options.columns)
        self._known: dict[str, str | None] = {}
        self.exported_at = options.exported_at or exported_at_of(path)[0]
        self.exported_origin = "stated" if options.exported_at else "file_name" if self.exported_at else None
        self.readings = Readings(ZoneRules("UTC"), options.number_format, "format")
        self.platform = options.platform or (mcl_platform(self.header.positions) if self.vintage == "mcl" else None)
        self.groups = False

    def _recognise(self) -> tuple[str, Family, Header]:
        """By the fields of the first records."""
        names: dict[str, str | None] = {}
        for records in JsonFile(self.path, Tally(), self._file.encoding).records(()):
            posts = (post for k in range(min(len(records), PEEKED)) for post in _posts(records, k))
            for post in islice(posts, PEEKED):
                found = flatten(post.value or {})
                names |= {name: text for name, text in found.items() if names.get(name) is None}
            if names:
                break
        if not names:
            return "empty", API, Header((), {}, {})
        headers = [(family, Header.of(list(names), family.mapper(self.options.columns))) for family in (API, MCL)]
        for family, header in headers:
            vintage = vintage_of(header, family)
            if vintage and vintage != "history":
                return vintage, family, header
        raise unknown_vintage(self.path, headers)

    def raw_chunks(self) -> Iterator[JsonRows]:
        """Rows as delivered; the tally counts them and what is no row."""
        row = next_item = 0
        for records in self._file.records(()):
            posts: list[Post] = []
            for k in range(len(records)):
                found = _posts(records, k)
                if int(records.scanned.row[k]) != row:
                    row, next_item = int(records.scanned.row[k]), 0
                # A line may hold several pages and posts.
                shift = max(next_item, int(records.scanned.item[k]))
                found = [replace(post, item=post.item + shift) for post in found]
                next_item = found[-1].item + 1 if found else next_item
                for post in found:
                    if post.value is None:
                        self.tally.rows_in += 1
                        self._refuse(records, post, "not_an_object", "an element of a page that is no post", None)
                posts += (post for post in found if post.value is not None)
                if len(posts) >= CHUNK_ROWS:
                    yield from self._rows(records, posts)
                    posts = []
            yield from self._rows(records, posts)

    def _rows(self, records: Records, posts: Sequence[Post]) -> Iterator[JsonRows]:
        for at in range(0, len(posts), CHUNK_ROWS):
            yield self._cells(records, posts[at : at + CHUNK_ROWS])

    def _cells(self, records: Records, posts: Sequence[Post]) -> JsonRows:
        self.tally.rows_in += len(posts)
        cells: dict[str, list[str | None]] = {}
        others: list[str | None] = []
        for k, post in enumerate(posts):
            rest: dict[str, Value] = {}
            for name, text in flatten(post.value or {}).items():
                if text is None:
                    continue
                if name not in self._known:
                    self._known[name] = self._column_of(name)
                column = self._known[name]
                if column is None:
                    rest[name] = text
                    continue
                values = cells.setdefault(column, [None] * len(posts))
                if values[k] is None:
                    values[k] = text
            others.append(json_text(rest) if rest else None)
        return JsonRows(records, posts, {name: cells[name] for name in RAW_COLUMNS if name in cells}, others)

    def reject(self, rows: Any, k: int, reason: str, detail: str, day: int | None) -> None:
        """The k-th of these rows cannot be used."""
        self._refuse(rows.records, rows.posts[k], reason, detail, day)

    def _refuse(self, records: Records, post: Post, reason: str, detail: str, day: int | None) -> None:
        scanned, data = records.scanned, records.record(post.record)
        start, length, lines = 0, len(data), 0
        if post.page:
            page = bytes(data)
            start, length = spans(page, [post.page])[post.page]
            lines = page.count(b"\n", 0, start)
        self.tally.reject(
            reason, detail, line=int(scanned.line[post.record]) + lines,
            offset=int(scanned.start[post.record]) + start, length=length, record=int(scanned.row[post.record]),
            excerpt=excerpt(data, start, length), day=day,
        )  # fmt: skip

    @property
    def facts(self) -> dict[str, Any]:
        """What a manifest says of the file."""
        return {
            "encoding": self._file.encoding,
            "compression": self._file.compression,
            "columns": list(self.header.names),
            "columns_unknown": list(self.header.unknown),
        }


def _posts(records: Records, k: int) -> list[Post]:
    """The posts of one record: itself, or the elements of the page that it is."""
    value = parse(records.record(k))
    if not isinstance(value, dict):
        return [Post(k, 0, (), {})]
    for path in PAGES:
        inner: Value = value
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, list):
            return [
                Post(k, item, (*path, item), element if isinstance(element, dict) else None)
                for item, element in enumerate(inner)
            ]
    return [Post(k, 0, (), value)]
