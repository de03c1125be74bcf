"""TikTok: collections of videos by pyktok (CSV), filtered ones, and answers of the Research API (JSON).

Here: how a file is recognised, read and described. Not here: what a row is worth (`tiktok_rows`), the zone of its times
(`tiktok_times`), JSON (`tiktok_research`).

A CSV file is read twice: its times have no zone, and only all of them together tell which one it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from sm_assets.contracts.delivered.tiktok import CELLS
from sm_assets.errors import UnknownVintage
from sm_assets.kernels import fields
from sm_assets.sources.bytestream import Windows, bom_of, compression_of, open_bytes, open_utf8
from sm_assets.sources.csv_file import CsvFile, CsvRows, Header, column_mapper
from sm_assets.sources.file_names import exported_at_of
from sm_assets.sources.reading import Chunk, ReadOptions, Tally
from sm_assets.sources.tiktok_research import ResearchFile
from sm_assets.sources.tiktok_rows import Cells, Reading, lookup_failed, video_batch
from sm_assets.sources.tiktok_times import FoundZone, ZoneSurvey, id_seconds
from sm_assets.sources.zones import ZoneRules, check_zone

READER_VERSION = "2"
_PYKTOK = (
    "video_id", "video_timestamp", "video_duration", "video_locationcreated", "video_diggcount", "video_sharecount",
    "video_commentcount", "video_playcount", "video_description", "video_is_ad", "video_stickers", "author_username",
    "author_name", "author_followercount", "author_followingcount", "author_heartcount", "author_videocount",
    "author_diggcount", "author_verified",
)  # fmt: skip
# Without these no row can be used, or nothing tells a video file from another.
_NEEDED = ("video_id", "video_timestamp", "video_description", "author_username")
_DELIVERED = {name: name for name in (*_PYKTOK, "suggested_words", "hashtags")} | {
    "": "row_number",
    "Unnamed: 0": "row_number",
}
# Vintage -> columns beyond the needed ones; the first that fits is taken.
_VINTAGES = {
    "filtered_22": ("suggested_words", "hashtags"),
    "pyktok_20": ("suggested_words",),
    "pyktok_19": (),
}
_SURVEYED = ("video_id", "video_timestamp", "author_username", "video_description")


def open_file(path: Path, options: ReadOptions) -> TikTokReader:
    """Recognise and open one file.

    Raises:
        UnknownVintage: no collection of videos has these columns or fields.
        InputError: the file cannot be read.
        SettingsError: an unknown zone is stated.
    """
    path = Path(path)
    if options.zone is not None:
        check_zone(options.zone)
    named_at, _ = exported_at_of(path)
    exported_at = options.exported_at or named_at
    origin = "stated" if options.exported_at else "file_name" if named_at else None
    first = _first_character(path, options.encoding)
    tally = Tally()
    form: ResearchFile | CsvVideos
    if first in ("{", "["):
        form = ResearchFile(path, options, tally, exported_at)
    else:
        form = CsvVideos(path, options, tally, exported_at)
    return TikTokReader(form, tally, exported_at, origin)


def _first_character(path: Path, encoding: str | None) -> str:
    compression = compression_of(path)
    head = open_bytes(path, compression)
    try:
        marked, skip = bom_of(bytes(next(iter(Windows(head, 16)), b"")))
    finally:
        head.close()
    stream = open_utf8(path, compression, encoding or marked or "utf-8", skip)
    try:
        return bytes(next(iter(Windows(stream, 1 << 16)), b"")).decode("utf-8", "replace").lstrip()[:1]
    finally:
        stream.close()


class TikTokReader:
    """One file: iterate for its chunks, then look at its manifest."""

    def __init__(
        self, form: ResearchFile | CsvVideos, tally: Tally, exported_at: datetime | None, origin: str | None
    ) -> None:
        self._form = form
        self._tally = tally
        self._exported_at = exported_at
        self._origin = origin

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing stays open between iterations."""

    def __iter__(self) -> Iterator[Chunk]:
        yield from self._form.chunks()

    @property
    def manifest(self) -> dict[str, Any]:
        """Facts about the file and the counts so far; JSON-ready."""
        return {
            "platform": "tiktok",
            "exported_at": self._exported_at.isoformat() if self._exported_at else None,
            "exported_at_origin": self._origin,
            "also_days": [str(day) for day in self._observed_days()],
            **self._form.manifest,
            **self._tally.facts,
        }

    def _observed_days(self) -> list[date]:
        """Profiles lie on the day on which the file was collected, whatever the days of its videos."""
        last = self._tally.last_event_us
        if last is None:
            return []
        return [(self._exported_at or datetime.fromtimestamp(last / 1e6, tz=UTC)).astimezone(UTC).date()]


class CsvVideos:
    """A CSV file of videos."""

    def __init__(self, path: Path, options: ReadOptions, tally: Tally, exported_at: datetime | None) -> None:
        self._tally = tally
        self._file = CsvFile(
            path, tally, column_mapper(_DELIVERED, options.columns), encoding=options.encoding, surveyed=True
        )
        self.vintage = "empty" if self._file.empty else _vintage(path, self._file.header)
        self._rules = ZoneRules(stated=options.zone)
        self._found = FoundZone(None, 0.0, 0)
        if not self._file.empty:
            self._survey()
        is_inferred = options.zone is None and self._found.zone is not None
        self._reading = Reading(
            zones=self._rules,
            zone=options.zone or self._found.zone,
            is_inferred=is_inferred,
            are_lists=self.vintage == "filtered_22",
            has_hashtags="hashtags" in self._file.header.positions,
            exported_at=exported_at,
        )

    def _survey(self) -> None:
        while True:
            survey, texts = ZoneSurvey(), set[str]()
            for rows in self._file.survey(_SURVEYED):
                local = fields.parse_times(rows.column("video_timestamp"))
                keys = id_seconds(rows.column("video_id"))
                known = (local.zone == fields.NO_ZONE) & (keys > 0) & ~lookup_failed(_cells(self._file, rows), local)
                survey.add(local.local[known], keys[known])
                texts |= {zone.upper() for zone in local.zones}
            if not self._file.survey_again():
                break
        self._found = survey.zone()
        self._rules = ZoneRules(stated=self._rules.stated, seen=frozenset(texts))

    def chunks(self) -> Iterator[Chunk]:
        """All rows."""
        if self._reading.zone is None and self._found.rows:
            self._tally.notices.append(
                f"no zone agrees with the ids of enough of the {self._found.rows} times without one: posted_at is the "
                "time of upload in the id; state `zone` in a sidecar to use the times themselves"
            )
        for rows in self._file.rows(list(CELLS), list(self._file.header.unknown)):
            batch = video_batch(_cells(self._file, rows), self._reading, self._tally)
            yield self._tally.chunk({"videos": batch})
        yield self._tally.chunk({})

    @property
    def manifest(self) -> dict[str, Any]:
        """What the file's form tells."""
        origin = "inferred" if self._reading.is_inferred else "stated" if self._reading.zone else None
        return {
            "vintage": self.vintage,
            "zone": self._reading.zone,
            "zone_origin": origin,
            "zone_share": round(self._found.share, 4),
            "columns_missing": [name for name in _PYKTOK if name not in self._file.header.positions],
            **self._file.facts,
        }


def _vintage(path: Path, header: Header) -> str:
    lacks = [name for name in _NEEDED if name not in header.positions]
    if lacks:
        raise UnknownVintage(
            f"{path}: no known collection of TikTok videos has these columns: {', '.join(header.names[:50])}. Nearest: "
            f"pyktok_19, which also needs {', '.join(lacks)}. Map delivered names with `columns` in a sidecar."
        )
    return next(name for name, more in _VINTAGES.items() if all(column in header.positions for column in more))


def _cells(file: CsvFile, rows: CsvRows) -> Cells:
    def refuse(k: int, reason: str, detail: str, day: int | None) -> None:
        file.reject(rows, k, reason, detail, day)

    return Cells(rows.columns, rows.positions(), rows.extra(), refuse)
