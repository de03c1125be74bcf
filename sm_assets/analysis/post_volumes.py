"""Volumes of a window: posts by hour and by day, with 0 where nothing was posted.

Here: filling the counts of busy hours and days up to a whole window. Not here: counting (sql/inputs/).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_HOURS = {"hour": 24, "day": 1}


def window_volumes(counted: pa.Table, days: Sequence[date]) -> pa.Table:
    """Every hour and day of a window for each platform that has a post in it.

    Args:
        counted: hours and days with posts, in any order, of whatever days: resolution (`hour`, `day`), platform,
            bucket_at timestamp UTC, n_posts and n_accounts int64, day date32.
        days: the days of the window that are known, in any order; none of the others is filled.

    Returns:
        resolution, platform, bucket_at timestamp[us], n_posts, n_accounts: sorted by resolution, platform and time.
    """
    known = sorted(set(days))
    rows = counted.filter(pc.is_in(counted["day"], value_set=pa.array(known, pa.date32())))
    platforms = sorted(pc.unique(rows["platform"]).to_pylist())
    parts = [_filled(rows, resolution, platforms, known) for resolution in sorted(_HOURS)]
    return pa.concat_tables(parts)


def _filled(rows: pa.Table, resolution: str, platforms: list[str], days: list[date]) -> pa.Table:
    per_day = _HOURS[resolution]
    step = 24 // per_day
    chosen = rows.filter(pc.equal(rows["resolution"], resolution))
    starts = np.array(days, "datetime64[D]").astype("datetime64[h]")
    times = (starts[:, None] + np.arange(0, 24, step)).reshape(-1)
    at_platform = pc.index_in(chosen["platform"], value_set=pa.array(platforms, pa.string())).to_numpy()
    at_time = np.searchsorted(times, chosen["bucket_at"].to_numpy().astype("datetime64[h]"))
    place = at_platform.astype(np.int64) * len(times) + at_time

    def filled(name: str) -> npt.NDArray[np.int64]:
        values = np.zeros(len(platforms) * len(times), np.int64)
        values[place] = chosen[name].to_numpy()
        return values

    return pa.table(
        {
            "resolution": pa.array([resolution] * len(platforms) * len(times), pa.string()),
            "platform": pa.array(np.repeat(np.array(platforms, object), len(times)), pa.string()),
            "bucket_at": pa.array(np.tile(times, len(platforms)).astype("datetime64[us]"), pa.timestamp("us")),
            "n_posts": filled("n_posts"),
            "n_accounts": filled("n_accounts"),
        }
    )


def busiest_day(volumes: pa.Table) -> date | None:
    """The day with most posts over all platforms, the earlier of two; None: there is none.

    Args:
        volumes: as `window_volumes` gives them.
    """
    days = volumes.filter(pc.equal(volumes["resolution"], "day")).group_by("bucket_at").aggregate([("n_posts", "sum")])
    first = days.sort_by([("n_posts_sum", "descending"), ("bucket_at", "ascending")]).slice(0, 1).to_pylist()
    return first[0]["bucket_at"].date() if first and first[0]["n_posts_sum"] else None
