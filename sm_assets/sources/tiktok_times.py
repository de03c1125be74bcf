"""When a TikTok video was posted: local times without a zone, and what its id tells.

Here: the time in the id, the zone that a whole file's times agree with, the reading of a repeated hour. Not here: rows.

The upper 32 bits of an id are the UTC second of upload. Posting follows within minutes, or days later where it was
scheduled: the id is enough to find the collector's zone, and only the fallback for a single time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.kernels import fields
from sm_assets.sources.zones import fixed_hours, to_utc

SECOND = 1_000_000
NO_TIME = int(np.iinfo(np.int64).min)
_QUARTER = 900
_LAG = 300
_SHIFTS = 256  # room for all offsets, in quarters of an hour
_LEAST_ROWS = 20
_LEAST_SHARE = 0.8
# Of zones that agree equally well the first is taken.
ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "UTC", "Europe/London",
    "Europe/Berlin", "Europe/Athens", "Europe/Istanbul", "Europe/Moscow", "America/Sao_Paulo",
    "America/Argentina/Buenos_Aires", "America/Mexico_City", "America/Bogota", "America/Santiago", "America/Caracas",
    "America/Halifax", "America/St_Johns", "America/Phoenix", "America/Anchorage", "Pacific/Honolulu", "Africa/Lagos",
    "Africa/Cairo", "Africa/Johannesburg", "Africa/Nairobi", "Asia/Jerusalem", "Asia/Dubai", "Asia/Tehran",
    "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka", "Asia/Yangon", "Asia/Bangkok", "Asia/Shanghai",
    "Asia/Tokyo", "Australia/Perth", "Australia/Adelaide", "Australia/Brisbane", "Australia/Sydney",
    "Pacific/Auckland",
)  # fmt: skip


def id_seconds(ids: pa.Array) -> npt.NDArray[np.int64]:
    """int64[n]: the UTC second in an id, -1 where the text is no number of at most 19 digits."""
    numeric = fields.all_digits(ids) & np.asarray(pc.fill_null(pc.less_equal(pc.binary_length(ids), 19), False))
    whole = pc.if_else(pa.array(numeric), ids, pa.scalar("0"))
    seconds = (whole.cast(pa.uint64()).to_numpy(zero_copy_only=False) >> np.uint64(32)).astype(np.int64)
    return np.where(numeric, seconds, -1)


@dataclass(frozen=True, slots=True)
class FoundZone:
    """The zone of a file's times; share: of `rows` times so many lie at most 300 s behind their ids under it."""

    zone: str | None
    share: float
    rows: int


class ZoneSurvey:
    """Gathers a file's local times and ids; what is kept grows with the quarter hours they span, not with the rows."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[int, int]] = Counter()
        self._rows = 0

    def add(self, local_us: npt.NDArray[np.int64], key_seconds: npt.NDArray[np.int64]) -> None:
        """Local times in microseconds and the seconds in their ids."""
        self._rows += len(local_us)
        seconds = local_us // SECOND
        lag = seconds - key_seconds
        offset = lag // _QUARTER * _QUARTER
        # Zones differ from UTC by whole quarters, so at most one offset can bring a time close enough to its id.
        near = (lag - offset <= _LAG) & (np.abs(offset) <= 15 * 3600)
        quarter, shift = (seconds - offset)[near] // _QUARTER, offset[near] // _QUARTER
        pairs, counts = np.unique(quarter * _SHIFTS + shift + _SHIFTS // 2, return_counts=True)
        for pair, rows in zip(pairs.tolist(), counts.tolist(), strict=True):
            self._seen[pair // _SHIFTS, (pair % _SHIFTS - _SHIFTS // 2) * _QUARTER] += rows

    def zone(self) -> FoundZone:
        """The zone under which most times follow their ids; None below 20 rows or 80 %."""
        if not self._seen:
            return FoundZone(None, 0.0, self._rows)
        keys = np.array(list(self._seen), dtype=np.int64)
        rows = np.array(list(self._seen.values()), dtype=np.int64)
        moments = pa.array(keys[:, 0] * _QUARTER, pa.int64()).cast(pa.timestamp("s"))
        best, most = ZONES[0], -1
        for zone in ZONES:
            local = pc.local_timestamp(moments.cast(pa.timestamp("s", zone))).cast(pa.int64()).to_numpy()
            agreeing = int(rows[local - keys[:, 0] * _QUARTER == keys[:, 1]].sum())
            if agreeing > most:
                best, most = zone, agreeing
        share = most / self._rows
        accepted = self._rows >= _LEAST_ROWS and share >= _LEAST_SHARE
        return FoundZone(best if accepted else None, share, self._rows)


def read_local(local_us: npt.NDArray[np.int64], zone: str, key_seconds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """UTC microseconds of times on the clock of `zone`; in a repeated hour the reading closer to the id's time."""
    earliest = to_utc(local_us, zone)
    if fixed_hours(zone) is not None:
        return earliest
    clock = pa.array(local_us, pa.int64()).cast(pa.timestamp("us"))
    aware = pc.assume_timezone(clock, zone, ambiguous="latest", nonexistent="latest")
    latest = aware.cast(pa.int64()).to_numpy(zero_copy_only=False)
    key = key_seconds * SECOND
    closer = (key_seconds >= 0) & (np.abs(latest - key) < np.abs(earliest - key))
    return np.where(closer, latest, earliest)
