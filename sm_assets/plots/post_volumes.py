"""Volumes over a window: a strip per platform with the posts of each hour; hatched days are unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.contracts.columns import PLATFORMS
from sm_assets.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "Posts by hour"
_TOP, _STRIP, _FOOT = 0.86, 0.95, 0.62
# Hours of a step, so that a picture of many platforms and days stays small.
_STEPS: Final = (1, 2, 3, 4, 6, 12, 24)
_MAX_STEPS: Final = 2_000


def colour(platform: str) -> str:
    """The colour of a platform, the same in every figure."""
    return canvas.COLOURS[PLATFORMS.index(platform)] if platform in PLATFORMS else canvas.FAINT


def draw(volumes: pa.Table, window: Sequence[date]) -> str:
    """Posts of each hour, platform below platform, each on an axis of its own.

    Args:
        volumes: rows of one day of out_post_volumes; read: resolution, platform, bucket_at, n_posts.
        window: first and last day of the window.

    Returns:
        Markdown.
    """
    hours = volumes.filter(pc.equal(volumes["resolution"], "hour")).sort_by("bucket_at")
    if not len(hours):
        return canvas.statement(TITLE, "no posts in this window.")
    totals = {
        row["platform"]: row["n_posts_sum"]
        for row in hours.group_by("platform").aggregate([("n_posts", "sum")]).to_pylist()
    }
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    days = [min(window) + timedelta(days=place) for place in range((max(window) - min(window)).days + 1)]
    known = {moment.date() for moment in pc.unique(hours["bucket_at"]).to_pylist()}
    unknown = [day for day in days if day not in known]
    step = next((hours for hours in _STEPS if 24 * len(known) * len(ranked) <= hours * _MAX_STEPS), _STEPS[-1])
    with canvas.figure(9.2, _TOP + _STRIP * len(ranked) + _FOOT) as drawn:
        high = drawn.get_figheight()
        drawn.text(
            0.012, 1 - 0.26 / high, f"{canvas.counted(sum(totals.values()), 'post')} by hour",
            fontsize=11, fontweight="bold", color=canvas.INK,
        )  # fmt: skip
        span = f"{_day(days[0])} to {_day(days[-1])}, UTC; each platform has a scale of its own"
        drawn.text(0.012, 1 - 0.46 / high, span, fontsize=8, color=canvas.FAINT)
        shared = None
        for place, platform in enumerate(ranked):
            bottom = high - _TOP - _STRIP * (place + 1)
            axes = drawn.add_axes((0.085, (bottom + 0.14) / high, 0.89, (_STRIP - 0.26) / high), sharex=shared)
            shared = shared or axes
            _strip(axes, hours.filter(pc.equal(hours["platform"], platform)), platform, unknown, step)
            axes.set_xlim(_moment(days[0]), _moment(days[-1] + timedelta(days=1)))
            axes.tick_params(axis="x", labelbottom=place == len(ranked) - 1)
        _time_axis(axes)
        named = [(colour(name), f"{name}: {canvas.counted(totals[name], 'post')}") for name in ranked]
        _legend(drawn, [*named, *([(None, "nothing known")] if unknown else [])])
        return canvas.markdown(drawn, TITLE)


def _strip(axes: Axes, rows: pa.Table, platform: str, unknown: list[date], step: int) -> None:
    from matplotlib.ticker import MaxNLocator

    hours = rows["n_posts"].to_pylist()
    # Known days are whole, so steps never reach beyond one.
    times = rows["bucket_at"].to_pylist()[::step]
    counts = [sum(hours[at : at + step]) for at in range(0, len(hours), step)]
    for first, last in _runs(times, step):
        edges = [*times[first : last + 1], times[last] + timedelta(hours=step)]
        axes.stairs(counts[first : last + 1], [_number(edge) for edge in edges], fill=True, color=colour(platform))
    for day in unknown:
        axes.axvspan(
            _moment(day), _moment(day + timedelta(days=1)),
            facecolor="none", edgecolor=canvas.QUIET, hatch="////", linewidth=0,
        )  # fmt: skip
    axes.xaxis_date()
    axes.set_ylim(0, max(counts) * 1.08 or 1)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    axes.yaxis.grid(visible=True)
    axes.set_ylabel("posts an hour" if step == 1 else f"posts in {step} h", fontsize=7.5)


def _runs(times: list[datetime], step: int) -> list[tuple[int, int]]:
    """First and last place of each run of steps without a gap."""
    ends = [place for place in range(len(times) - 1) if times[place + 1] - times[place] > timedelta(hours=step)]
    return list(zip([0, *(end + 1 for end in ends)], [*ends, len(times) - 1], strict=True))


def _time_axis(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=9, interval_multiples=False)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    axes.set_xlabel("time in UTC", fontsize=8)


def _legend(drawn: object, named: list[tuple[str | None, str]]) -> None:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    assert isinstance(drawn, Figure)
    marks = [
        Patch(facecolor=mark, label=label)
        if mark
        else Patch(facecolor="none", edgecolor=canvas.QUIET, hatch="////", label=label)
        for mark, label in named
    ]
    where = 1 - 0.50 / drawn.get_figheight()
    drawn.legend(
        handles=marks, loc="upper left", bbox_to_anchor=(0.005, where), ncols=4, frameon=False, fontsize=8,
        handlelength=1.1, handleheight=0.9, columnspacing=1.4, borderaxespad=0,
    )  # fmt: skip


def _number(moment: datetime) -> float:
    from matplotlib.dates import date2num

    return float(date2num(moment))


def _moment(day: date) -> float:
    return _number(datetime.combine(day, time()))


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
