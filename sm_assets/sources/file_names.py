"""What the names of delivered files tell.

Here: the time and zone of an export in its name. Not here: kinds of files: names are hints, never proof.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from sm_assets.errors import SmAssetsError
from sm_assets.sources.zones import check_zone, to_utc

_FILE_NAME = re.compile(r"(\d{4})-(\d{2})-(\d{2})-(\d{2})-(\d{2})-(\d{2})-([A-Z]{1,5})-.*csv", re.IGNORECASE)


def exported_at_of(path: Path) -> tuple[datetime | None, str | None]:
    """(time, zone) in a file name like 2021-07-05-22-49-20-BRT-search-csv-export.csv; (None, None) if it has none."""
    match = _FILE_NAME.search(path.name)
    if match is None:
        return None, None
    zone = match.group(7).upper()
    try:
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        micros = int(to_utc(np.array([local.timestamp() * 1e6], dtype=np.int64), check_zone(zone))[0])
        return datetime.fromtimestamp(micros / 1e6, tz=UTC), zone
    except (ValueError, OverflowError, SmAssetsError):
        return None, None
