"""How the counts and times of one CrowdTangle file are read: one thousands mark, one set of rules for zones.

Here: applying the decisions. Not here: how they are found (`crowdtangle_survey`), what becomes of a row.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.kernels import fields
from sm_assets.sources.zones import ZoneRules, to_utc

FINE, ASSUMED_ZONE, NO_TIME, UNREADABLE, UNKNOWN_ZONE = range(5)


class Readings:
    """Counts and times of one file.

    Attributes:
        rules: how zone texts are read.
        group: thousands mark, None: any.
    """

    def __init__(self, rules: ZoneRules, group: str | None = None, zone_origin: str | None = None) -> None:
        """`zone_origin`: where the zone of times without one comes from, if not from the user."""
        self.rules = rules
        self.group = group
        self._origin = zone_origin or ("stated" if rules.stated else "record")
        self._zones_used: Counter[str] = Counter()
        self._assumed = False

    def counts(self, texts: pa.Array) -> fields.Counts:
        """Whole numbers with the file's thousands mark."""
        return fields.parse_counts(texts, group=self.group)

    def times(
        self, texts: pa.Array
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], list[str], npt.NDArray[np.int32]]:
        """Times of posts in UTC.

        Returns:
            int64[n] microseconds; uint8[n] FINE, ASSUMED_ZONE, NO_TIME, UNREADABLE or UNKNOWN_ZONE; zones used;
            int32[n] index of the zone used or -1.
        """
        parsed = fields.parse_times(texts)
        micros = parsed.local.copy()
        code = np.full(len(micros), FINE, dtype=np.uint8)
        code[parsed.zone == fields.NO_TIME] = NO_TIME
        code[parsed.zone == fields.UNREADABLE] = UNREADABLE
        used: list[str] = []
        index = np.full(len(micros), -1, dtype=np.int32)
        for number, text in [*enumerate(parsed.zones), (fields.NO_ZONE, "")]:
            rows = np.flatnonzero(parsed.zone == number)
            if not len(rows):
                continue
            zone, assumed = self.rules.reading(text)
            if zone is None:
                code[rows] = UNKNOWN_ZONE
                continue
            micros[rows] = to_utc(parsed.local[rows], zone)
            code[rows] = ASSUMED_ZONE if assumed else FINE
            index[rows] = len(used)
            used.append(zone)
            self._zones_used[zone] += len(rows)
            self._assumed |= assumed
        return micros, code, used, index

    @property
    def facts(self) -> dict[str, object]:
        """What a manifest says of it."""
        return {
            "zone": ", ".join(sorted(self._zones_used)) or None,
            "zone_origin": "assumed" if self._assumed else self._origin,
            "number_format": self.group,
        }
