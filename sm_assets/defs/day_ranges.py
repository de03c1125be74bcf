"""Days that runs are asked for, as ranges: the fewest runs that leave out what must be left out.

Here: the cutting. Not here: which days (`landing_sensor`, `schedules`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date


def day_ranges(days: Iterable[date], nearer_than: int, without: Iterable[date] = ()) -> list[tuple[date, date]]:
    """First and last day of the fewest ranges that hold all of `days`.

    Args:
        days: what the ranges must hold; those that are in `without` are left out.
        nearer_than: days less than so many days apart share a range, with all days between them.
        without: days that no range may hold.
    """
    barred = sorted(set(without))
    found: list[tuple[date, date]] = []
    for day in sorted(set(days).difference(barred)):
        if found:
            first, last = found[-1]
            is_open = bisect_right(barred, last) == bisect_left(barred, day)
            if is_open and (day - last).days < nearer_than:
                found[-1] = first, day
                continue
        found.append((day, day))
    return found
