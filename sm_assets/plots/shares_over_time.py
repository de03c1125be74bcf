"""Shares over time: how much of all posting comes from networks, and when each of the largest was busy."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from sm_assets.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "Shares over time"


def draw(daily: pa.Table, *, max_networks: int = 6) -> str:
    """Above: posts per day, those that carry a content of a network in colour. Below: a strip per large network.

    Args:
        daily: one row per day and network: day date32, cluster_id int64 (null: posts that carry no network's content),
            n_posts int64. A (day, cluster_id) may occur in several rows; they are added up. Missing days count as 0.
        max_networks: strips, at most eight; the networks with most shared posts are drawn.

    Returns:
        Markdown.
    """
    by_network, days = _by_network(daily)
    if not days:
        return canvas.statement(TITLE, "no posts in this window.")
    shared = {number: counts for number, counts in by_network.items() if number is not None}
    totals = {number: sum(counts.values()) for number, counts in shared.items()}
    largest = sorted(totals, key=lambda number: (-totals[number], number))[: min(max_networks, len(canvas.COLOURS))]
    with canvas.figure(9.2, 2.66 + 0.62 * len(largest)) as drawn:
        high = drawn.get_figheight()
        above = drawn.add_axes((0.10, 1 - 2.12 / high, 0.87, 1.50 / high))
        _draw_all(above, days, by_network, alone_here=not largest)
        colours = canvas.network_colours(largest)
        for position, number in enumerate(largest):
            strip = drawn.add_axes((0.10, 1 - (2.80 + 0.62 * position) / high, 0.87, 0.50 / high), sharex=above)
            _draw_strip(strip, days, shared[number], number, colours[number], last=position == len(largest) - 1)
        n_shared = sum(totals.values())
        n_all = sum(sum(counts.values()) for counts in by_network.values())
        drawn.text(
            0.012, 1 - 0.28 / high,
            f"{canvas.count_text(n_shared)} of {canvas.count_text(n_all)} posts "
            f"({100 * n_shared / max(n_all, 1):.0f} %) carry a content that a network shares",
            fontsize=11, fontweight="bold", color=canvas.INK,
        )  # fmt: skip
        drawn.text(0.012, 1 - 0.48 / high, f"{_day(days[0])} to {_day(days[-1])}", fontsize=8, color=canvas.FAINT)
        return canvas.markdown(drawn, TITLE)


def _by_network(daily: pa.Table) -> tuple[dict[int | None, dict[date, int]], list[date]]:
    counts: dict[int | None, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    columns = (daily[name].to_pylist() for name in ("day", "cluster_id", "n_posts"))
    for day, number, n_posts in zip(*columns, strict=True):
        counts[number][day] += n_posts
    seen = [day for by_day in counts.values() for day in by_day]
    if not seen:
        return {}, []
    first, last = min(seen), max(seen)
    return dict(counts), [first + timedelta(days=day) for day in range((last - first).days + 1)]


def _draw_all(axes: Axes, days: list[date], by_network: dict[int | None, dict[date, int]], *, alone_here: bool) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter, date2num
    from matplotlib.ticker import MaxNLocator

    places = date2num(days)
    networks = [counts for number, counts in by_network.items() if number is not None]
    in_network = [sum(counts.get(day, 0) for counts in networks) for day in days]
    others = [by_network.get(None, {}).get(day, 0) for day in days]
    axes.bar(places, in_network, width=0.82, color=canvas.COLOURS[0], label="carry a network's content")
    axes.bar(places, others, width=0.82, bottom=in_network, color=canvas.QUIET, label="all other posts")
    axes.yaxis.grid(visible=True)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.set_ylabel("posts a day")
    axes.set_xlim(places[0] - 0.6, places[-1] + 0.6)
    axes.xaxis_date()
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=9, interval_multiples=False))
    axes.xaxis.set_major_formatter(DateFormatter("%d %b"))
    axes.tick_params(axis="x", labelbottom=alone_here)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.99), ncols=2, frameon=False, fontsize=8, borderaxespad=0.2)


def _draw_strip(axes: Axes, days: list[date], counts: dict[date, int], number: int, colour: str, *, last: bool) -> None:
    from matplotlib.dates import date2num

    values = [counts.get(day, 0) for day in days]
    axes.bar(date2num(days), values, width=0.82, color=colour)
    axes.set_yticks([max(values)], [canvas.count_text(max(values))])
    axes.set_ylim(0, max(values) * 1.05 or 1)
    axes.tick_params(axis="x", labelbottom=last, length=3 if last else 0)
    axes.tick_params(axis="y", length=0, labelcolor=canvas.FAINT)
    axes.spines["left"].set_visible(False)
    name = canvas.network_name(number)
    axes.text(-0.012, 0.12, name, transform=axes.transAxes, ha="right", fontsize=8.5, color=canvas.INK)


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
