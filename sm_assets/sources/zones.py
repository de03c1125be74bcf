"""Zone abbreviations and offsets of exports, turned into UTC: a fixed table, never the machine's own zone.

Here: the table, the ambiguous abbreviations and how a partner in the same file settles them. Not here: parsing of
times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import SettingsError

# Hours east of UTC.
FIXED = {
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "Z": 0,
    "BST": 1,
    "CET": 1,
    "WEST": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
    "IST": 5.5,
    "AWST": 8,
    "SGT": 8,
    "JST": 9,
    "KST": 9,
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
    "EST": -5,
    "CST": -6,
    "MST": -7,
    "PST": -8,
    "EDT": -4,
    "CDT": -5,
    "MDT": -6,
    "PDT": -7,
    "BRT": -3,
    "ART": -3,
    "IDT": 3,
    "ADT": -3,
    "AST": -4,
    "GST": 4,
    "WAT": 1,
    "CAT": 2,
    "SAST": 2,
    "EAT": 3,
    "TRT": 3,
    "PKT": 5,
    "NPT": 5.75,
    "ICT": 7,
    "WIB": 7,
    "WITA": 8,
    "HKT": 8,
    "MYT": 8,
    "PHT": 8,
    "WIT": 9,
    "ACST": 9.5,
    "ACDT": 10.5,
    "BRST": -2,
    "UYT": -3,
    "CLST": -3,
    "CLT": -4,
    "BOT": -4,
    "COT": -5,
    "PET": -5,
    "AKDT": -8,
    "AKST": -9,
    "HST": -10,
}

# Abbreviations that more than one country uses: {abbreviation: {partner seen in the same file: hours}}.
AMBIGUOUS = {
    "CST": {"CDT": -6.0},
    "IST": {"IDT": 2.0},
    "BST": {"GMT": 1.0},
    "AST": {"ADT": -4.0},
    "GST": {},
}

MICROSECONDS_PER_HOUR = 3_600_000_000
_OFFSET = re.compile(r"^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?$")


def fixed_hours(zone: str) -> float | None:
    """Hours east of UTC of an abbreviation or numeric offset, None if it is neither."""
    match = _OFFSET.match(zone)
    if match:
        sign, hours, minutes = match.groups()
        value = int(hours) + int(minutes or 0) / 60
        return None if value > 15 else value if sign == "+" else -value
    return FIXED.get(zone.upper())


@cache
def _is_region(zone: str) -> bool:
    """Whether the time zone database that does the conversion knows the name."""
    import pyarrow.compute as pc

    try:
        pc.assume_timezone(pa.array([0], pa.timestamp("us")), zone, ambiguous="earliest", nonexistent="latest")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def check_zone(zone: str) -> str:
    """The zone as given.

    Raises:
        SettingsError: neither an abbreviation, an offset nor a region such as America/Sao_Paulo.
    """
    if fixed_hours(zone) is None and not _is_region(zone):
        raise SettingsError(
            f"zone {zone!r} is unknown; give an offset (-03:00), an abbreviation ({', '.join(list(FIXED)[:6])}, ...) "
            "or a region (America/Sao_Paulo)."
        )
    return zone


def to_utc(local: npt.NDArray[np.int64], zone: str) -> npt.NDArray[np.int64]:
    """Microseconds of UTC from microseconds on the clock of `zone`; the earlier reading in a repeated hour."""
    hours = fixed_hours(zone)
    if hours is not None:
        return local - round(hours * MICROSECONDS_PER_HOUR)
    import pyarrow.compute as pc

    clock = pa.array(local, pa.int64()).cast(pa.timestamp("us"))
    aware = pc.assume_timezone(clock, zone, ambiguous="earliest", nonexistent="latest")
    micros: npt.NDArray[np.int64] = aware.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return micros


@dataclass(frozen=True)
class ZoneRules:
    """How the zone texts of one file are read.

    Attributes:
        stated: zone given by the user (sidecar or setting); settles ambiguous and missing zones.
        hint: zone in the file's name; used for rows without one.
        seen: all zone texts of the file.
        lenient: ambiguous abbreviations take the fixed table's reading, unknown and missing zones the hint or
            `default`.
    """

    stated: str | None = None
    hint: str | None = None
    seen: frozenset[str] = field(default_factory=frozenset)
    lenient: bool = False
    default: str = "UTC"

    def reading(self, text: str) -> tuple[str | None, bool]:
        """(zone to use or None if the rows must be rejected, whether it was assumed); text empty: no zone given."""
        name = text.upper()
        if name in AMBIGUOUS:
            if self.stated:
                return self.stated, False
            for partner, hours in AMBIGUOUS[name].items():
                if partner in self.seen:
                    return f"{'-' if hours < 0 else '+'}{abs(int(hours)):02d}:{int(abs(hours) % 1 * 60):02d}", False
            return (name, False) if self.lenient else (None, False)
        if text and (fixed_hours(text) is not None or ("/" in text and _is_region(text))):
            return text, False
        if text and not self.lenient and not self.stated:
            return None, False
        if self.stated:
            return self.stated, False
        return (self.hint, False) if self.hint else (self.default, True)
