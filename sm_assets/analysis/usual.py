"""What is usual for a day, judged by the days before it: amounts of rows, rejected shares, mixes of kinds.

Here: which days a day is compared with, how far it may lie off, with an allowance for small numbers. Not here: where
the numbers come from, and what is done about a day that is off (`sm_assets.defs.usual_checks`).

Days of social media differ by themselves: campaigns, weekends, a feed that is down for an afternoon. A day is thus
called unusual only when it is off by a factor of four, which breaks of a feed, files taken in twice and lost columns
reach and ordinary life hardly does; and when chance does not explain it: three standard deviations are allowed on top.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import pi, sqrt
from statistics import median
from typing import Final

MOST_DAYS: Final = 28
"""Days that say what is usual: four of each weekday."""
REACH_DAYS: Final = 2 * MOST_DAYS
"""How far back these may lie: what was usual before that says little."""
FEWEST_DAYS: Final = 3
"""Of fewer days nothing is usual: the median of three stands one odd day."""
FACTOR: Final = 4.0
SMALL: Final = 50
"""Below this many rows, both found and usual, nothing is judged."""
MIX_SHIFT: Final = 0.2
"""One in five is of another kind than usual."""
UNREADABLE_SHIFT: Final = 0.1
"""One in ten more than usual cannot be read."""
_DEVIATIONS: Final = 3.0
_CLUMP: Final = 4
"""Posts of one account are alike: four say as much as one that was drawn for itself."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One number of a day beside what is usual.

    Attributes:
        found: rows, or a share.
        usual: the same on the days before; None: too few of them.
        against: what it was compared with, in words.
        is_odd: it lies off.
    """

    day: date
    found: float
    usual: float | None
    against: str
    is_odd: bool

    @property
    def ratio(self) -> float | None:
        """How many times the usual number was found; None: there is none, or it is 0."""
        return self.found / self.usual if self.usual else None


def days_before(day: date, days: Iterable[date]) -> list[date]:
    """Those of `days` that say what is usual for `day`, ascending."""
    first = day - timedelta(days=REACH_DAYS)
    return sorted(other for other in days if first <= other < day)[-MOST_DAYS:]


def judged_rows(day: date, rows: Mapping[date, int]) -> Judged:
    """Rows of a day of events against the median of the same weekday; with too few of these, of all days before.

    Args:
        day: one of `rows`.
        rows: by day; days that are not published are not among them.
    """
    before = days_before(day, rows)
    same = [other for other in before if other.weekday() == day.weekday()]
    chosen, kind = (same, f"{day:%A}s") if len(same) >= FEWEST_DAYS else (before, "days")
    if len(chosen) < FEWEST_DAYS:
        return Judged(day, rows[day], None, f"too few days before ({len(chosen)} of {FEWEST_DAYS})", is_odd=False)
    usual = median(rows[other] for other in chosen)
    return Judged(day, rows[day], usual, f"{len(chosen)} {kind} before", _is_far(rows[day], usual))


def judged_snapshot(day: date, rows: Mapping[date, int]) -> Judged:
    """Rows of a snapshot against the newest one before it: it looks back over many days, weekdays are in it already."""
    previous = max((other for other in rows if other < day), default=None)
    if previous is None:
        return Judged(day, rows[day], None, "no snapshot before", is_odd=False)
    return Judged(day, rows[day], rows[previous], f"snapshot of {previous}", _is_far(rows[day], rows[previous]))


def _is_far(found: float, usual: float) -> bool:
    # Where few or none are usual, a few more are no news.
    low, high = usual / FACTOR, max(usual, SMALL) * FACTOR
    if max(found, usual) < SMALL:
        return False
    # Counts as of a rate that just keeps the bound.
    return found < low - _DEVIATIONS * sqrt(low) or found > high + _DEVIATIONS * sqrt(high)


def judged_rejects(day: date, parts: Mapping[date, tuple[int, int]], tolerated: float) -> Judged:
    """Rejected share of a day against the median share of the days before.

    A jump to four times the usual share is odd once it passes a quarter of what is tolerated; what is tolerated of a
    whole file holds where nothing is usual yet.

    Args:
        day: one of `parts`.
        parts: (rejected rows, all rows) by day.
        tolerated: the tolerated share of a file.
    """
    rejected, rows = parts[day]
    share = rejected / rows if rows else 0.0
    before = [other for other in days_before(day, parts) if parts[other][1]]
    if len(before) < FEWEST_DAYS:
        usual, limit, against = None, tolerated, f"{tolerated:.2%}, as too few days are before"
    else:
        usual = median(parts[other][0] / parts[other][1] for other in before)
        limit, against = max(FACTOR * usual, tolerated / FACTOR), f"{len(before)} days before"
    expected = limit * rows
    return Judged(day, share, usual, against, rows >= SMALL and rejected > expected + _DEVIATIONS * sqrt(expected))


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of kinds on a day beside those of the days before.

    Attributes:
        shares: by kind, largest first.
        usual: the same over the days before; empty: too few of them.
        distance: total variation distance, the share that would have to change its kind.
        allowed: up to where this is usual.
        odd: in words what lies off; empty: nothing.
    """

    day: date
    shares: Mapping[str, float]
    usual: Mapping[str, float]
    distance: float
    allowed: float
    odd: tuple[str, ...]


def judged_mix(day: date, counts: Mapping[date, Mapping[str, int]], unreadable: Iterable[str] = ()) -> Mix:
    """Mix of a day against that of the days before, all their rows together.

    Args:
        day: one of `counts`.
        counts: rows by kind, by day.
        unreadable: kinds that say that nothing was known; a rise of one of them is odd by itself.
    """
    found, before = Counter(counts[day]), Counter[str]()
    past = [other for other in days_before(day, counts) if sum(counts[other].values())]
    for other in past:
        before.update(counts[other])
    n, n_before = found.total(), before.total()
    shares = {kind: rows / n for kind, rows in found.most_common()}
    if len(past) < FEWEST_DAYS or min(n, n_before) < SMALL:
        return Mix(day, shares, {}, 0.0, 1.0, ())
    usual = {kind: rows / n_before for kind, rows in before.most_common()}
    kinds = sorted(found | before)
    distance = sum(abs(shares.get(kind, 0) - usual.get(kind, 0)) for kind in kinds) / 2
    noise = {kind: _noise(found[kind] + before[kind], n, n_before) for kind in kinds}
    # The mean distance of a normal deviate from 0 is sqrt(2/pi) of its standard deviation; half their sum is ours.
    by_chance = sqrt(2 / pi) * sum(noise.values()) / 2
    allowed = min(1.0, MIX_SHIFT + 2 * by_chance)
    odd = [f"{distance:.0%} are of other kinds than usual"] if distance > allowed else []
    for kind in unreadable:
        rise = shares.get(kind, 0) - usual.get(kind, 0)
        if rise > UNREADABLE_SHIFT + _DEVIATIONS * noise.get(kind, 0):
            odd.append(f"{kind} rose from {usual.get(kind, 0):.0%} to {shares[kind]:.0%}")
    return Mix(day, shares, usual, distance, allowed, tuple(odd))


def _noise(rows: int, n: int, n_before: int) -> float:
    """Standard deviation of the difference of two shares that are the same but for chance."""
    share = rows / (n + n_before)
    return sqrt(_CLUMP * share * (1 - share) * (1 / n + 1 / n_before))
