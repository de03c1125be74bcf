"""CrowdTangle exports and posts of the Meta Content Library: files to raw rows and rejects.

Here: the reader of one file, whatever its form. Not here: where files lie, conversion (`convert`), what rows mean
together (sql/). The parts: `crowdtangle_columns` names and vintages, `crowdtangle_csv` and `crowdtangle_json` rows as
delivered, `crowdtangle_survey` and `crowdtangle_readings` counts and times, `crowdtangle_identities` keys,
`crowdtangle_rows` what is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.sources.bytestream import Windows, bom_of, compression_of, open_bytes
from sm_assets.sources.crowdtangle_columns import missing_columns
from sm_assets.sources.crowdtangle_csv import PostReader
from sm_assets.sources.crowdtangle_json import JsonPosts
from sm_assets.sources.crowdtangle_records import RECORD
from sm_assets.sources.crowdtangle_records import ReadOptions as FileOptions
from sm_assets.sources.crowdtangle_rows import SCHEMA, resolve
from sm_assets.sources.reading import Chunk, ReadOptions, Tally

READER_VERSION = "2"


def open_file(path: Path, options: ReadOptions) -> Reader:
    """Open one file.

    Raises:
        UnknownVintage: no known export has these columns.
        InputError: the file cannot be read at all.
    """
    tally, stated = Tally(), FileOptions.for_tables(options)
    return Reader(JsonPosts(path, stated, tally) if _is_json(path) else PostReader(path, stated, tally))


def _is_json(path: Path) -> bool:
    """Whether the first character is one that only JSON begins with."""
    stream = open_bytes(path, compression_of(path))
    try:
        head = bytes(next(iter(Windows(stream, 4096)), b""))
    finally:
        stream.close()
    return head[bom_of(head)[1] :].replace(b"\0", b"").lstrip()[:1] in (b"{", b"[")


class Reader:
    """Posts of one file: iterate for its chunks, then look at its manifest."""

    def __init__(self, file: PostReader | JsonPosts) -> None:
        self._file = file
        self._latest: datetime | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing stays open between iterations."""

    def __iter__(self) -> Iterator[Chunk]:
        file, tally = self._file, self._file.tally
        if isinstance(file, PostReader) and file.vintage == "history":
            # Scores of posts over time, of any number of columns: none of its rows is a post.
            tally.rows_in += (n := file.count_all())
            tally.ignore("history_export", n)
            return
        for rows in file.raw_chunks():
            batch = resolve(file, rows)
            if "updated" in file.header.positions:
                self._remember(pc.max(batch.column("exported_at")).as_py())
            yield tally.chunk({RECORD: batch})
        yield tally.chunk({RECORD: pa.RecordBatch.from_pylist([], SCHEMA)})  # what came behind the last rows

    def _remember(self, moment: datetime | None) -> None:
        if moment is not None and (self._latest is None or moment > self._latest):
            self._latest = moment

    @property
    def vintage(self) -> str:
        """Name of the vintage."""
        return self._file.vintage

    @property
    def manifest(self) -> dict[str, Any]:
        """Facts about the file and the counts so far; JSON-ready."""
        file = self._file
        exported_at, origin = file.exported_at, file.exported_origin
        if self._latest is not None:
            exported_at, origin = self._latest.replace(tzinfo=UTC), "record"
        known = file.vintage not in ("empty", "history")
        return {
            "vintage": file.vintage,
            **file.facts,
            **file.readings.facts,
            "platform": file.platform,
            "exported_at": exported_at.isoformat() if exported_at else None,
            "exported_at_origin": origin,
            "columns_missing": missing_columns(file.vintage, file.header) if known else [],
            **file.tally.facts,
        }
