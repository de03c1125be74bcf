"""Rows of TikTok videos: from delivered cells to accepted records, rejects and repairs, whatever the vintage.

Here: what makes a row unusable, what each cell is read as. Not here: files (`tiktok`, `tiktok_research`), the zone of a
whole file (`tiktok_times`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.contracts.delivered.tiktok import CELLS
from sm_assets.kernels import fields
from sm_assets.sources.client_times import latest_possible
from sm_assets.sources.reading import Tally, record_schema
from sm_assets.sources.tiktok_lists import (
    TEXTS,
    caption_hashtags,
    caption_mentions,
    comma_parts,
    literal_lists,
    normal_forms,
)
from sm_assets.sources.tiktok_times import SECOND, id_seconds, read_local
from sm_assets.sources.zones import ZoneRules

VIDEOS = record_schema("tiktok", "videos")
_PARSED = VIDEOS.field("parsed").type
_FLOOR = int(datetime(2016, 9, 1, tzinfo=UTC).timestamp()) * SECOND
_HOUR = 3600 * SECOND
_DAY = 24 * _HOUR
# In the zones of the world the first second of 1970 is written so.
_EPOCH = (-12 * _HOUR, 14 * _HOUR)
_NUMBER = r"^[0-9]{1,15}([.][0-9]*)?$"
_COUNTS = {
    "likes": "video_diggcount",
    "shares": "video_sharecount",
    "comments": "video_commentcount",
    "views": "video_playcount",
    "author_followers": "author_followercount",
    "author_following": "author_followingcount",
    "author_hearts": "author_heartcount",
    "author_videos": "author_videocount",
}
_FLAGS = {"is_ad": "video_is_ad", "is_verified": "author_verified"}
_TRUTH = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
# (index of the row, reason, detail, days since 1970 of its event or None)
Refuse = Callable[[int, str, str, int | None], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the cells of one file are read.

    Attributes:
        is_utc: times are seconds since 1970.
        zones: how times with a zone are read, and what the user states of those without.
        zone: of times without one; None: unknown, the id tells the time.
        is_inferred: the zone was found out from the ids.
        are_lists: suggested words are a list literal, not joined by commas.
        has_hashtags: the file has hashtags of its own, so that an empty cell means none.
        exported_at: where known.
    """

    is_utc: bool = False
    zones: ZoneRules = field(default_factory=ZoneRules)
    zone: str | None = None
    is_inferred: bool = False
    are_lists: bool = False
    has_hashtags: bool = False
    exported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cells:
    """Delivered cells of one stretch: texts by column, positions, unknown cells as JSON."""

    texts: Mapping[str, pa.Array]
    positions: Mapping[str, pa.Array]
    extra: pa.Array
    refuse: Refuse

    def __len__(self) -> int:
        return len(self.extra)

    def text(self, name: str) -> pa.Array:
        """A column; all null where the file lacks it."""
        found = self.texts.get(name)
        return pa.nulls(len(self), pa.string()) if found is None else found


@dataclass(frozen=True, slots=True)
class Times:
    """Times of rows: int64[n] microseconds of UTC, text[n] source and zone, and what is wrong with each row's."""

    micros: npt.NDArray[np.int64]
    source: npt.NDArray[np.object_]
    zone: npt.NDArray[np.object_]
    problem: Mapping[int, tuple[str, str]]
    unreadable: npt.NDArray[np.bool_]
    inferred: npt.NDArray[np.bool_]


def lookup_failed(cells: Cells, local: fields.LocalTimes) -> npt.NDArray[np.bool_]:
    """bool[n]: the collector found nothing: no text, no author, and the first second of 1970 for a time."""
    nothing = cells.text("video_description").is_null().to_numpy(zero_copy_only=False)
    nothing = nothing & cells.text("author_username").is_null().to_numpy(zero_copy_only=False)
    epoch = (local.zone >= fields.NO_ZONE) & (local.local >= _EPOCH[0]) & (local.local <= _EPOCH[1])
    return np.asarray(nothing & epoch, dtype=np.bool_)


def video_batch(cells: Cells, reading: Reading, tally: Tally) -> pa.RecordBatch:
    """Rows of raw_tiktok__videos; unusable rows are refused, failed look-ups ignored."""
    n = len(cells)
    ids = pc.utf8_trim_whitespace(cells.text("video_id"))
    handles = pc.utf8_trim_whitespace(cells.text("author_username"))
    keys = id_seconds(ids)
    local = None if reading.is_utc else fields.parse_times(cells.text("video_timestamp"))
    failed = np.zeros(n, dtype=bool) if local is None else lookup_failed(cells, local)
    tally.ignore("lookup_failed", int(failed.sum()))
    times = _unix_times(cells, keys) if local is None else _local_times(cells, local, keys, reading)
    no_id = np.asarray(pc.equal(pc.fill_null(ids, ""), ""))
    no_author = np.asarray(pc.equal(pc.fill_null(handles, ""), ""))
    outside = (times.micros < _FLOOR) | (times.micros > latest_possible(reading.exported_at))
    kept = ~failed
    for k in np.flatnonzero(~failed & (no_id | no_author | (keys < 0) | outside)).tolist():
        kept[k] = False
        readable = None if outside[k] else int(times.micros[k] // _DAY)
        if no_id[k]:
            cells.refuse(k, "missing_key", "no video_id", readable)
        elif keys[k] < 0:
            cells.refuse(k, "bad_key", f"video_id is {ids[k].as_py()[:80]!r}, expected digits", readable)
        elif no_author[k]:
            cells.refuse(k, "missing_account", "no author_username", readable)
        elif k in times.problem:
            cells.refuse(k, *times.problem[k], None)
        else:
            when = cells.text("video_timestamp")[k].as_py()
            cells.refuse(k, "bad_time", f"the time {when!r} lies before TikTok, after the export or ahead", None)
    rows = _Kept(cells, pa.array(kept), tally)
    tally.repair("video_timestamp", "bad_time", int((kept & times.unreadable).sum()))
    tally.repair("video_timestamp", "zone_inferred", int((kept & times.inferred).sum()))
    micros = times.micros[kept]
    if len(micros):
        tally.saw(int(micros.max()))
    return rows.batch(
        reading,
        {
            "post_id": ids.filter(rows.mask),
            "account_id": pc.utf8_lower(handles.filter(rows.mask)),
            "posted_at": pa.array(micros, pa.int64()).cast(pa.timestamp("us")),
            "time_source": pa.array(times.source[kept], pa.string()),
        },
        {"zone": pa.array(times.zone[kept], pa.string())},
        micros,
    )


def _unix_times(cells: Cells, keys: npt.NDArray[np.int64]) -> Times:
    text = cells.text("video_timestamp")
    given = text.is_valid().to_numpy(zero_copy_only=False)
    whole = np.asarray(pc.fill_null(pc.match_substring_regex(text, r"^[0-9]{1,11}$"), False))
    seconds = pc.if_else(pa.array(whole), text, pa.scalar("0")).cast(pa.int64()).to_numpy(zero_copy_only=False)
    micros = np.where(whole, seconds, keys) * SECOND
    return Times(
        micros,
        np.where(whole, "platform", "key").astype(object),
        np.full(len(text), None, dtype=object),
        {},
        np.asarray(given & ~whole, dtype=np.bool_),
        np.zeros(len(text), dtype=bool),
    )


def _local_times(cells: Cells, local: fields.LocalTimes, keys: npt.NDArray[np.int64], reading: Reading) -> Times:
    n = len(local.local)
    micros = keys * SECOND
    source = np.full(n, "key", dtype=object)
    zones = np.full(n, None, dtype=object)
    problem: dict[int, tuple[str, str]] = {}
    inferred = np.zeros(n, dtype=bool)
    for number, text in [*enumerate(local.zones), (fields.NO_ZONE, "")]:
        rows = np.flatnonzero(local.zone == number)
        zone = reading.zones.reading(text)[0] if text else reading.zone
        if not len(rows):
            continue
        if zone is None and text:
            why = f"the zone {text} has more than one meaning; state `zone` in a sidecar or SM_ASSETS_ZONE"
            problem |= dict.fromkeys(rows.tolist(), ("ambiguous_zone", why))
            micros[rows] = -1
        elif zone is not None:
            micros[rows] = read_local(local.local[rows], zone, keys[rows])
            source[rows], zones[rows] = "platform", zone
            inferred[rows] = reading.is_inferred and not text
    given = cells.text("video_timestamp").is_valid().to_numpy(zero_copy_only=False)
    unreadable = np.asarray(given & (local.zone < fields.NO_ZONE), dtype=np.bool_)
    return Times(micros, source, zones, problem, unreadable, inferred)


class _Kept:
    """The usable rows of one stretch."""

    def __init__(self, cells: Cells, mask: pa.Array, tally: Tally) -> None:
        self._cells = cells
        self.mask = mask
        self._tally = tally

    def text(self, name: str) -> pa.Array:
        return self._cells.text(name).filter(self.mask)

    def batch(
        self,
        reading: Reading,
        parsed: dict[str, pa.Array],
        more: dict[str, pa.Array],
        micros: npt.NDArray[np.int64],
    ) -> pa.RecordBatch:
        """All columns of the raw table."""
        n = len(micros)
        parsed |= {name: self._count(column) for name, column in _COUNTS.items()}
        parsed |= {name: self._flag(column) for name, column in _FLAGS.items()}
        parsed["duration_seconds"] = self._number("video_duration")
        parsed["country_code"] = self._country()
        exported = reading.exported_at.astimezone(UTC).replace(tzinfo=None) if reading.exported_at else None
        observed = pa.repeat(pa.scalar(exported, pa.timestamp("us")), n)
        columns = {name: self.text(name) for name in CELLS} | more | self._lists(reading)
        columns |= {name: column.filter(self.mask) for name, column in self._cells.positions.items()}
        columns["extra"] = self._cells.extra.filter(self.mask)
        columns["exported_at"] = columns["observed_at"] = observed
        columns["day"] = pa.array((micros // _DAY).astype(np.int32)).cast(pa.date32())
        columns["parsed"] = pa.StructArray.from_arrays([parsed[item.name] for item in _PARSED], fields=list(_PARSED))
        return pa.RecordBatch.from_arrays([columns[name] for name in VIDEOS.names], schema=VIDEOS)

    def _number(self, name: str) -> pa.Array:
        """Decimal numbers of at most 15 whole digits; anything else is repaired to null."""
        text = self.text(name)
        fine = pc.fill_null(pc.match_substring_regex(text, _NUMBER), False)
        numbers = pc.if_else(fine, text, pa.scalar(None, pa.string())).cast(pa.float64())
        odd = np.flatnonzero(np.asarray(pc.and_not(text.is_valid(), fine)))
        if len(odd):
            values = numbers.to_pylist()
            for k in odd.tolist():
                values[k] = _decimal(text[k].as_py())
            self._tally.repair(name, "bad_number", sum(values[k] is None for k in odd.tolist()))
            numbers = pa.array(values, pa.float64())
        return numbers

    def _count(self, name: str) -> pa.Array:
        """Whole numbers, be they written `12` or `3600000.0`."""
        numbers = self._number(name)
        whole = pc.fill_null(pc.equal(numbers, pc.floor(numbers)), False)
        self._tally.repair(name, "bad_number", len(numbers) - numbers.null_count - whole.true_count)
        return pc.if_else(whole, numbers, pa.scalar(None, pa.float64())).cast(pa.int64())

    def _flag(self, name: str) -> pa.Array:
        text = self.text(name)
        distinct = text.dictionary_encode()
        values = [_TRUTH.get(value.strip().lower()) for value in distinct.dictionary.to_pylist()]
        flags = pa.array(values, pa.bool_()).take(distinct.indices)
        self._tally.repair(name, "bad_number", flags.null_count - text.null_count)
        return flags

    def _country(self) -> pa.Array:
        text = self.text("video_locationcreated")
        fine = pc.fill_null(pc.match_substring_regex(text, r"^[A-Z]{2}$"), False)
        found = pc.if_else(fine, text, pa.scalar(None, pa.string()))
        self._tally.repair("video_locationcreated", "bad_country", found.null_count - text.null_count)
        return found

    def _lists(self, reading: Reading) -> dict[str, pa.Array]:
        captions = self.text("video_description")
        no_lists = pa.array([[]] * len(captions), TEXTS)
        found = no_lists if reading.has_hashtags else caption_hashtags(captions)
        hashtags, forms = normal_forms(self._literals("hashtags", found))
        words = self.text("suggested_words")
        return {
            "hashtag_list": hashtags,
            "hashtag_list_normalised": forms,
            "mention_list": self._mentions(captions),
            "suggestion_list": self._literals("suggested_words", no_lists) if reading.are_lists else comma_parts(words),
        }

    def _mentions(self, captions: pa.Array) -> pa.Array:
        """Those that the platform lists, else those of the caption."""
        return self._literals("video_mention_list", caption_mentions(captions), "@")

    def _literals(self, name: str, otherwise: pa.Array, prefix: str = "") -> pa.Array:
        """Elements of list literals; `otherwise` where there is no list or a bad one."""
        lists, bad = literal_lists(self.text(name), prefix)
        self._tally.repair(name, "bad_list", bad)
        return pc.if_else(lists.is_valid(), lists, otherwise)


def _decimal(text: Any) -> float | None:
    """A number in another notation (1.2e+07, blanks around it); None: none, or not one of 0 to 10^15."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e15 else None
