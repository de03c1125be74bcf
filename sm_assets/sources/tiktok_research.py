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
from sm_assets.sources.reading import Chunk, ReadOptions, Tally, excerpt
from sm_assets.sources.tiktok_rows import Cells, Reading, video_batch

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
_PLAIN = pa.string()


@dataclass(frozen=True, slots=True)
class _Videos:
    """Some videos: cells in the order of _FIELDS, and where each stands."""

    columns: list[pa.Array]
    row: npt.NDArray[np.int64]
    item: npt.NDArray[np.int64]
    line: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]


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
                    "source_line": pa.array(videos.line),
                },
                pa.nulls(len(videos.row), _PLAIN),
                self._refusal(records, videos),
            )
            yield self._tally.chunk({"videos": video_batch(cells, self._reading, self._tally)})
        yield self._tally.chunk({})

    def _refusal(self, records: Records, videos: _Videos) -> Any:
        def refuse(k: int, reason: str, detail: str, day: int | None) -> None:
            start, length = int(videos.start[k]), int(videos.length[k])
            self._tally.reject(
                reason, detail, line=int(videos.line[k]), offset=start, length=length, record=int(videos.row[k]),
                excerpt=_excerpt(records, start, length), day=day,
            )  # fmt: skip

        return refuse

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
                    self._refuse_page(records, k, f"the API answered {code or error}: {message or 'no message'}"[:200])
                if videos is not None:
                    parts.append(self._page(records, k, videos.encode()))
                elif not failed and data not in (None, "{}"):
                    # An answer about something else, perhaps comments or accounts.
                    self._tally.rows_in += 1
                    self._tally.ignore("no_payload")
        return _joined(parts) if parts else _slice(scanned, own, 0, 0)

    def _refuse_page(self, records: Records, k: int, detail: str) -> None:
        self._pages_with_error += 1
        self._tally.rows_in += 1
        scanned = records.scanned
        self._tally.reject(
            "api_error", detail, line=int(scanned.line[k]), offset=int(scanned.start[k]), length=int(scanned.length[k]),
            record=int(scanned.row[k]), excerpt=records.excerpt(k),
        )  # fmt: skip

    def _page(self, records: Records, k: int, videos: bytes) -> _Videos:
        """The videos of one page."""
        scanner = JsonScanner(list(self._fields.values()))
        scanner.feed(videos, final=True)
        scanned = scanner.take()
        page = bytes(records.record(k))
        # Where the page was mended, its videos no longer stand in it byte by byte.
        inside = max(0, page.find(videos))
        line = int(records.scanned.line[k]) + page.count(b"\n", 0, inside)
        start = int(records.scanned.start[k]) + inside
        row = int(records.scanned.row[k])
        for reject in scanned.rejects:
            self._tally.rows_in += 1
            self._tally.reject(
                reject.reason, "an element of data.videos that is no video", line=line + reject.line - 1,
                offset=start + reject.offset, length=reject.length, record=row,
                excerpt=_excerpt(records, start + reject.offset, reject.length),
            )  # fmt: skip
        n = len(scanned.row)
        return self._numbered(
            _Videos(
                list(scanned.columns), np.full(n, row, dtype=np.int64), scanned.item.astype(np.int64),
                scanned.line + line - 1, scanned.start + start, scanned.length,
            )
        )  # fmt: skip

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
        scanned.line[at:stop],
        scanned.start[at:stop],
        scanned.length[at:stop],
    )


def _joined(parts: Sequence[_Videos]) -> _Videos:
    if len(parts) == 1:
        return parts[0]
    return _Videos(
        [pa.concat_arrays(list(columns)) for columns in zip(*(part.columns for part in parts), strict=True)],
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.item for part in parts]),
        np.concatenate([part.line for part in parts]),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.length for part in parts]),
    )


def _excerpt(records: Records, start: int, length: int) -> str:
    return excerpt(records.window, max(0, start - records.window_offset), length)
