"""Traits of the rhythm of posting: on which days, at which hours, at what intervals accounts write.

Here: rhythm_* and hours_*, summed day by day. Not here: reading the days.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.traits_numbers import Floats, Traits, entropy, floats, log10_of, ratio, whole

_HOURS: Final = 24
_GAPS: Final = 18
_SECONDS: Final = 60
# Bins of gaps under 64 seconds.
_SHORT: Final = 6
_SATURDAY: Final = 6


class Rhythm:
    """What n accounts did, added up over days that come in ascending order.

    Args:
        n: accounts.
    """

    def __init__(self, n: int) -> None:
        self._hours = np.zeros((n, _HOURS), np.int64)
        self._gaps = np.zeros((n, _GAPS), np.int64)
        self._seconds = np.zeros((n, _SECONDS), np.int64)
        self._texts = np.zeros(n, np.int64)
        self._days = np.zeros(n, np.int64)
        self._weekend = np.zeros(n, np.int64)
        self._busiest = np.zeros(n, np.int64)
        self._pause = np.zeros(n, np.int64)
        self._last = np.full(n, -1, np.int64)
        self._lengths = np.zeros(n)

    def add(self, day: date, number: npt.NDArray[np.int64], rows: pa.Table) -> None:
        """Add one day.

        Args:
            day: later than those before, or the same with other accounts.
            number: number of the account of each row; each account once a day.
            rows: n_texts, hours, gaps, seconds.
        """
        texts = whole(rows, "n_texts")
        hours = _lists(rows, "hours", _HOURS)
        self._hours[number] += hours
        self._gaps[number] += _lists(rows, "gaps", _GAPS)
        self._seconds[number] += _lists(rows, "seconds", _SECONDS)
        self._texts[number] += texts
        self._days[number] += 1
        self._weekend[number] += texts if day.isoweekday() >= _SATURDAY else 0
        self._busiest[number] = np.maximum(self._busiest[number], texts)
        before = self._last[number]
        quiet = np.where(before < 0, 0, day.toordinal() - before - 1)
        self._pause[number] = np.maximum(self._pause[number], quiet)
        self._last[number] = day.toordinal()
        self._lengths[number] += np.sqrt((hours.astype(np.float64) ** 2).sum(axis=1))

    def traits(self, accounts: pa.Table) -> Traits:
        """rhythm_* and hours_* [n].

        Args:
            accounts: rows of sql/inputs/out_account_traits.sql, in the order of their numbers.
        """
        texts = self._texts.astype(np.float64)
        days = self._days.astype(np.float64)
        several = days >= 2
        reposts, likes = floats(accounts, "n_reposts"), floats(accounts, "n_likes")
        hours = self._hours.astype(np.float64)
        seconds = self._seconds.astype(np.float64)
        together = np.sqrt((hours**2).sum(axis=1))
        return {
            "rhythm_posts": log10_of(texts),
            "rhythm_active_days": days,
            "rhythm_posts_a_day": ratio(texts, days),
            "rhythm_replies": ratio(floats(accounts, "n_replies"), texts),
            "rhythm_quotes": ratio(floats(accounts, "n_quotes"), texts),
            "rhythm_reposts": _where(floats(accounts, "has_reposts") > 0, ratio(reposts, reposts + texts)),
            "rhythm_likes": _where(floats(accounts, "has_likes") > 0, log10_of(likes) - log10_of(texts)),
            "rhythm_weekend": ratio(self._weekend, texts),
            "rhythm_busiest_day": _where(several, ratio(self._busiest, texts)),
            "rhythm_longest_pause": self._pause.astype(np.float64),
            "rhythm_regularity": _where(several, np.minimum(ratio(together, self._lengths), 1.0)),
            "rhythm_hour_entropy": entropy(hours),
            "rhythm_hour_peak": ratio(hours.max(axis=1, initial=0), hours.sum(axis=1)),
            "rhythm_second_entropy": entropy(seconds),
            "rhythm_second_peak": ratio(seconds.max(axis=1, initial=0), seconds.sum(axis=1)),
        } | self._gap_traits() | self._hour_traits(hours)  # fmt: skip

    def _gap_traits(self) -> Traits:
        gaps = self._gaps.astype(np.float64)
        n = gaps.sum(axis=1)
        bins = np.arange(_GAPS)
        mean = ratio(gaps @ bins, n)
        square = ratio(gaps @ bins**2, n)
        # The median lies inside its bin as far as half of the gaps reach.
        reached = np.cumsum(gaps, axis=1)
        place = np.argmax(reached >= n[:, None] / 2, axis=1)
        rows = np.arange(len(gaps))
        before = reached[rows, place] - gaps[rows, place]
        return {
            "rhythm_gap_median": place + ratio(n / 2 - before, gaps[rows, place]),
            "rhythm_gap_spread": _where(n >= 2, np.sqrt(np.maximum(square - mean**2, 0))),
            "rhythm_gap_peak": ratio(gaps.max(axis=1, initial=0), n),
            "rhythm_gap_short": ratio(gaps[:, :_SHORT].sum(axis=1), n),
        }

    @staticmethod
    def _hour_traits(hours: Floats) -> Traits:
        total = hours.sum(axis=1)
        angles = (np.arange(_HOURS) + 0.5) * (2 * np.pi / _HOURS)
        length, middle = quiet_hours(hours)
        quiet = middle * (2 * np.pi / _HOURS)
        traits = {
            "rhythm_quiet_hours": np.where(total > 0, length, np.nan),
            "hours_mean_sin": ratio((hours * np.sin(angles)).sum(axis=1), total),
            "hours_mean_cos": ratio((hours * np.cos(angles)).sum(axis=1), total),
            "hours_quiet_sin": np.sin(quiet),
            "hours_quiet_cos": np.cos(quiet),
        }
        for start in range(0, _HOURS, 6):
            part = hours[:, start : start + 6].sum(axis=1)
            traits[f"hours_{start:02d}_{start + 5:02d}"] = ratio(part, total)
        return traits


def quiet_hours(hours: Floats) -> tuple[Floats, Floats]:
    """Longest run of hours of the day without any post, midnight crossed; of equal ones the earliest.

    Args:
        hours: posts by hour [n, 24].

    Returns:
        Length in hours [n], and the time of day of its middle in hours [n], nan where no hour or every hour is quiet.
    """
    n = len(hours)
    run = np.zeros(n, np.int64)
    longest = np.zeros(n, np.int64)
    end = np.zeros(n, np.int64)
    # Twice around the clock; a run that crosses midnight is whole in the second round.
    for hour in range(2 * _HOURS):
        run = np.where(hours[:, hour % _HOURS] == 0, run + 1, 0)
        longer = run > longest
        longest = np.where(longer, run, longest)
        end = np.where(longer, hour + 1, end)
    length = np.minimum(longest, _HOURS).astype(np.float64)
    middle = (end - length / 2) % _HOURS
    return length, np.where((length > 0) & (length < _HOURS), middle, np.nan)


def _lists(rows: pa.Table, name: str, width: int) -> npt.NDArray[np.int64]:
    column: Any = rows[name]
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.int64).reshape(len(column), width)


def _where(test: npt.ArrayLike, values: Floats) -> Floats:
    return np.asarray(np.where(test, values, np.nan))
