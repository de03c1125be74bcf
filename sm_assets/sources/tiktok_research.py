"""Answers of the TikTok Research API: pages of videos, or one video on each line.

Here: pages and lines to cells, under the names of CSV collections. Not here: what a row is worth (`tiktok_rows`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import UnknownVintage
from sm_assets.kernels.json_lines import JsonScanner, ScannedJson, parse
from sm_assets.sources.json_file import JsonFile, Records
from sm_assets.sources.json_spans import spans
from sm_assets.sources.reading import Chunk, ReadOptions, Tally, excerpt
from sm_assets.sources.tiktok_rows import Cells, Reading, Refuse, video_batch

_FIELDS: dict[str, str | tuple[str, ...]] = {
    "video_id": "id",
    "video_timestamp": "create_time",
    "video_duration": "video_duration",
    "video_locationcreated": "region_code",
    "video_diggcount": "like_count",
    "video_sharecount": "share_count",
    "video_commentcount": "comment_count",
    "video_playcount": "view_count",
    "video_favoritescount": ("favorites_count", "favourites_count"),
    "video_description": "video_description",
    "author_username": "username",
    "hashtags": "hashtag_names",
    "voice_to_text": "voice_to_text",
    "video_mention_list": "video_mention_list",
    "hashtag_info_list": "hashtag_info_list",
    "sticker_info_list": "sticker_info_list",
    "effect_ids": "effect_ids",
    "effect_info_list": "effect_info_list",
    "music_id": "music_id",
    "playlist_id": "playlist_id",
    "video_label": "video_label",
    "video_tag": "video_tag",
    "is_stem_verified": "is_stem_verified",
}
_PAGE = ("data", "data.videos", "error", "error.code", "error.message")


@dataclass(frozen=True, slots=True)
class _Videos:
    """Some videos: cells in the order of the fields, and where each stands.

    Attributes:
        row, item: position in the file.
        record: which record of the window it is, or lies in.
        element: its place in that record's page, -1 for a video that is a record itself.
    """

    columns: list[pa.Array]
    row: npt.NDArray[np.int64]
    item: npt.NDArray[np.int64]
    record: npt.NDArray[np.int64]
    element: npt.NDArray[np.int64]


class ResearchFile:
    """A JSON file of videos. Positions count the record of the file and the video inside it."""

    vintage = "research_api"

    def __init__(self, path: Path, options: ReadOptions, tally: Tally, exported_at: datetime | None) -> None:
        """Look for a page or a video among the first records.

        Raises:
            UnknownVintage: the first records are neither.
        """
        self._tally = tally
        self._file = JsonFile(path, tally, options.encoding)
        self._reading = Reading(is_utc=True, exported_at=exported_at)
        self._pages = self._pages_with_error = 0
        self._row, self._next_item = 0, 0
        self._fields = _fields(options.columns)
        self._recognise(path)

    def _recognise(self, path: Path) -> None:
        probe = JsonFile(path, Tally(), self._file.encoding)
        keys = [self._fields[name] for name in ("video_id", "video_timestamp", "author_username")]
        for records in probe.records([*_PAGE, *keys]):
            if not len(records):
                continue
            cells = [column.to_pylist() for column in records.scanned.columns]
            for data, videos, error, _code, _message, video_id, created, username in zip(*cells, strict=True):
                if videos or (error and data in (None, "{}")) or (video_id and (created or username)):
                    return
            found = parse(records.record(0))
            names = ", ".join(list(found)[:50]) if isinstance(found, dict) else ""
            raise UnknownVintage(
                f"{path}: no known collection of TikTok videos has these fields: {names}. Nearest: research_api, which "
                "needs data.videos in a page, or id, create_time and username in a video."
            )

    def chunks(self) -> Iterator[Chunk]:
        """All videos."""
        for records in self._file.records([*_PAGE, *self._fields.values()]):
            videos = self._videos(records)
            self._tally.rows_in += len(videos.row)
            cells = Cells(
                dict(zip(self._fields, videos.columns, strict=True)),
                {
                    "source_row": pa.array(videos.row),
                    "source_item": pa.array(videos.item.astype(np.int32)),
                    "source_line": pa.array(records.scanned.line[videos.record]),
                },
                pa.nulls(len(videos.row), pa.string()),
                self._refusal(records, videos),
            )
            yield self._tally.chunk({"videos": video_batch(cells, self._reading, self._tally)})
        yield self._tally.chunk({})

    def _refusal(self, records: Records, videos: _Videos) -> Refuse:
        def refuse(k: int, reason: str, detail: str, day: int | None) -> None:
            element = int(videos.element[k])
            self._reject(records, int(videos.record[k]), reason, detail, None if element < 0 else element, day)

        return refuse

    def _reject(
        self, records: Records, k: int, reason: str, detail: str, element: int | None = None, day: int | None = None
    ) -> None:
        """A record, or one video of the page that it is."""
        start, record, lines = 0, records.record(k), 0
        length = len(record)
        if element is not None:
            page = bytes(record)
            found = spans(page, [("data", "videos"), ("data", "videos", element)])
            start, length = found.get(("data", "videos", element)) or found["data", "videos"]
            lines = page.count(b"\n", 0, start)
        self._tally.reject(
            reason, detail, line=int(records.scanned.line[k]) + lines, offset=int(records.scanned.start[k]) + start,
            length=length, record=int(records.scanned.row[k]), excerpt=excerpt(record, start, length), day=day,
        )  # fmt: skip

    def _videos(self, records: Records) -> _Videos:
        """The videos of one window, those inside pages too."""
        scanned = records.scanned
        page, own = scanned.columns[: len(_PAGE)], scanned.columns[len(_PAGE) :]
        is_page = np.asarray(page[0].is_valid()) | np.asarray(page[2].is_valid())
        parts: list[_Videos] = []
        at = 0
        for k in [*np.flatnonzero(is_page).tolist(), len(records)]:
            if k > at:
                parts.append(self._numbered(_slice(scanned, own, at, k)))
            at = k + 1
            if k < len(records):
                self._pages += 1
                data, videos, error, code, message = (column[k].as_py() for column in page)
                failed = code != "ok" if code else error not in (None, "{}")
                if failed:
                    self._pages_with_error += 1
                    self._tally.rows_in += 1
                    self._reject(
                        records, k, "api_error", f"the API answered {code or error}: {message or 'no message'}"[:200]
                    )
                if videos is not None:
                    parts.append(self._page(records, k, videos.encode()))
                elif not failed and data not in (None, "{}"):
                    # An answer about something else, perhaps comments or accounts.
                    self._tally.rows_in += 1
                    self._tally.ignore("no_payload")
        return _joined(parts) if parts else _slice(scanned, own, 0, 0)

    def _page(self, records: Records, k: int, videos: bytes) -> _Videos:
        """The videos of one page."""
        scanner = JsonScanner(list(self._fields.values()))
        scanner.feed(videos, final=True)
        scanned = scanner.take()
        items = scanned.item.astype(np.int64)
        if scanned.rejects:
            others = np.setdiff1d(np.arange(len(items) + len(scanned.rejects)), items)
            for element, reject in zip(others.tolist(), scanned.rejects, strict=True):
                self._tally.rows_in += 1
                self._reject(records, k, reject.reason, "an element of data.videos that is no video", element)
        row = np.full(len(items), records.scanned.row[k], dtype=np.int64)
        return self._numbered(_Videos(list(scanned.columns), row, items, np.full(len(items), k), items))

    def _numbered(self, videos: _Videos) -> _Videos:
        """The same with places counted on where a record holds several pages or videos."""
        if not len(videos.row):
            return videos
        same = videos.row == self._row
        shift = max(0, self._next_item - int(videos.item[0])) if same[0] else 0
        item = videos.item + np.where(same, shift, 0)
        self._row, self._next_item = int(videos.row[-1]), int(item[-1]) + 1
        return replace(videos, item=item)

    @property
    def manifest(self) -> dict[str, Any]:
        """What the file's form tells."""
        return {
            "vintage": self.vintage,
            "encoding": self._file.encoding,
            "compression": self._file.compression,
            "zone": "UTC",
            "zone_origin": "format",
            "pages": self._pages,
            "pages_with_error": self._pages_with_error,
        }


def _fields(stated: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
    """Own column -> fields of a video, those that the user states before the known ones."""
    fields = dict(_FIELDS)
    for delivered, column in stated.items():
        known = fields.get(column, ())
        fields[column] = (delivered, *((known,) if isinstance(known, str) else known))
    return fields


def _slice(scanned: ScannedJson, columns: Sequence[pa.Array], at: int, stop: int) -> _Videos:
    return _Videos(
        [column.slice(at, stop - at) for column in columns],
        scanned.row[at:stop],
        scanned.item[at:stop].astype(np.int64),
        np.arange(at, stop),
        np.full(stop - at, -1),
    )


def _joined(parts: Sequence[_Videos]) -> _Videos:
    if len(parts) == 1:
        return parts[0]
    return _Videos(
        [pa.concat_arrays(list(columns)) for columns in zip(*(part.columns for part in parts), strict=True)],
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.item for part in parts]),
        np.concatenate([part.record for part in parts]),
        np.concatenate([part.element for part in parts]),
    )
