"""Posts as a search of Bluesky delivered them: a CSV of one row per post with its counts.

Here: the header, the author's DID out of the address, counts and times. Not here: CSV itself (`csv_file`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.contracts.delivered.bluesky import CELLS
from sm_assets.errors import UnknownVintage
from sm_assets.kernels.json_cells import are_dids, at_uris, rfc3339_micros, whole_numbers
from sm_assets.sources.bluesky_events import DAY_US, FLOOR_US, POST, chosen, present, timestamps, true
from sm_assets.sources.client_times import NEVER, TIME_SOURCES, decide, latest_possible, tid_micros
from sm_assets.sources.csv_file import CsvFile, CsvRows, column_mapper
from sm_assets.sources.file_names import exported_at_of
from sm_assets.sources.reading import Chunk, ReadOptions, Tally, record_schema

RECORD: Final = "post_views"
HEADER: Final = {
    "uri": "uri",
    "author": "author",
    "createdAt": "created_at",
    "indexedAt": "indexed_at",
    "text": "text",
    "replyCount": "reply_count",
    "repostCount": "repost_count",
    "likeCount": "like_count",
    "quoteCount": "quote_count",
}
_NEEDED = ("uri", "created_at", "indexed_at", "text")
_COUNTS = {"replies": "reply_count", "reposts": "repost_count", "likes": "like_count", "quotes": "quote_count"}
_SCHEMA = record_schema("bluesky", RECORD)
_STRUCT = _SCHEMA.field("parsed").type


class ViewReader:
    """One search export."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        """Look at the header.

        Raises:
            UnknownVintage: it is that of no search export.
            InputError: the file cannot be read at all.
        """
        self._tally = Tally()
        self._options = options
        self._file = CsvFile(path, self._tally, column_mapper(HEADER, options.columns), encoding=options.encoding)
        lacks = [
            name for name, column in HEADER.items() if column in _NEEDED and column not in self._file.header.positions
        ]
        if lacks and not self._file.empty:
            raise UnknownVintage(
                f"{path}: is neither a capture of the stream nor a repository nor a search export of Bluesky. Columns "
                f"found: {', '.join(self._file.header.names[:20])}. Nearest: search_posts, which also needs "
                f"{', '.join(lacks)}. If they have other names, map them in the sidecar's `columns` "
                f"({', '.join(CELLS)})."
            )
        named = exported_at_of(path)[0]
        self._exported = options.exported_at or named
        observed = self._exported.astimezone(UTC).replace(tzinfo=None) if self._exported else None
        self._observed = pa.scalar(observed, pa.timestamp("us"))
        self._origin = "sidecar" if options.exported_at else "file_name" if named else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing is held open between chunks."""

    def __iter__(self) -> Iterator[Chunk]:
        for rows in self._file.rows([*HEADER.values()], tuple(self._file.header.unknown)):
            yield self._tally.chunk({RECORD: self._batch(rows)})
        yield self._tally.chunk({})

    def _batch(self, rows: CsvRows) -> pa.RecordBatch:
        cells = {name: rows.column(name) for name in HEADER.values()}
        uri = at_uris(cells["uri"])
        key = tid_micros(uri.rkey)
        claim = rfc3339_micros(cells["created_at"])
        received = self._received(cells["indexed_at"], key)
        good = self._judge(rows, cells["uri"], uri.collection, uri.authority, received)
        event, source = decide(claim, key, np.where(good, received, FLOOR_US), FLOOR_US, self._options.bounds)
        warnings: list[list[str] | None] = [None] * len(rows)
        times = present(cells["created_at"]) & (claim == NEVER) & good
        self._warn(warnings, times, "created_at:bad_time")
        parsed = {
            "account_id": uri.authority,
            "event_at": timestamps(event),
            "time_source": chosen(TIME_SOURCES, source),
            "claimed_at": timestamps(claim),
        }
        for name, column in _COUNTS.items():
            numbers = whole_numbers(cells[column])
            known = numbers >= 0
            self._warn(warnings, present(cells[column]) & ~known & good, f"{column}:bad_number")
            parsed[name] = pa.array(numbers, pa.int64(), mask=~known)
        made = {
            **rows.positions(), **cells, "extra": rows.extra(), "warnings": pa.array(warnings, pa.list_(pa.string())),
            "parsed": pa.StructArray.from_arrays([parsed[item.name] for item in _STRUCT], fields=list(_STRUCT)),
            "observed_at": pa.repeat(self._observed, len(rows)),
            "day": pa.array((event // DAY_US).astype(np.int32), pa.int32()).cast(pa.date32()),
        }  # fmt: skip
        if good.any():
            self._tally.saw(int(received[good].max()))
        batch = pa.RecordBatch.from_arrays([made[name] for name in _SCHEMA.names], schema=_SCHEMA)
        return batch if good.all() else batch.filter(pa.array(good))

    def _received(self, indexed_at: pa.StringArray, key: np.ndarray) -> np.ndarray:
        """When the network had the post: indexedAt, else the export, else the time in its key."""
        received = rfc3339_micros(indexed_at)
        if self._exported is not None:
            return np.where(received == NEVER, int(self._exported.timestamp() * 1_000_000), received)
        return np.where(received == NEVER, key, received)

    def _judge(
        self,
        rows: CsvRows,
        uri: pa.StringArray,
        collection: pa.StringArray,
        authority: pa.StringArray,
        received: np.ndarray,
    ) -> np.ndarray:
        is_post = true(pc.equal(collection, POST))
        has_did = are_dids(authority)
        timed = (received >= FLOOR_US) & (received <= latest_possible(self._exported))
        good: np.ndarray = is_post & has_did & timed
        given = present(uri)
        for k in np.flatnonzero(~good).tolist():
            if not given[k]:
                reason, detail = "missing_key", "no uri"
            elif not is_post[k]:
                reason, detail = "bad_key", "uri is no address of a post"
            elif not has_did[k]:
                reason, detail = "missing_account", "the uri names a handle instead of a DID"
            else:
                reason, detail = (
                    "bad_time",
                    "no readable indexedAt, or one before Bluesky began, after the export or ahead",
                )
            # A later purge has to find the reject by its address, which the excerpt may lack.
            self._file.reject(rows, k, reason, f"{detail} ({uri[k]})" if is_post[k] else detail)
        return good

    def _warn(self, warnings: list[list[str] | None], mask: np.ndarray, warning: str) -> None:
        places = np.flatnonzero(mask).tolist()
        for place in places:
            warnings[place] = [*(warnings[place] or []), warning]
        column, reason = warning.split(":")
        self._tally.repair(column, reason, len(places))

    @property
    def manifest(self) -> dict[str, Any]:
        """See `sm_assets.sources.reading.Reader`."""
        exported, last = self._exported, self._tally.last_event_us
        seen = exported.astimezone(UTC).date() if exported else None
        if seen is None and last is not None:
            seen = datetime.fromtimestamp(last / 1e6, tz=UTC).date()
        return {
            "vintage": "search_posts",
            **self._file.facts,
            "platform": "bluesky",
            "exported_at": exported.isoformat() if exported else None,
            "exported_at_origin": self._origin,
            # Profiles lie on the day on which they were observed.
            "also_days": [str(seen)] if isinstance(seen, date) and self._tally.rows_out[RECORD] else [],
            "coverage_kind": "scattered",
            "columns_missing": [name for name, column in HEADER.items() if column not in self._file.header.positions],
        } | self._tally.facts
