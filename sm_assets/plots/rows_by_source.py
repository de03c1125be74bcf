"""Rows by source: what of each source's rows reached core, day by day, and what did not."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from sm_assets.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "Rows by source"
_SHOWN: Final = (
    ("out", "in core", canvas.COLOURS[0]),
    ("duplicate", "duplicates", canvas.QUIET),
    ("withdrawn", "withdrawn", canvas.COLOURS[1]),
)


def draw(daily: pa.Table, lost: dict[str, int]) -> str:
    """A strip per source: staged rows by day, stacked by what became of them.

    Args:
        daily: day date32, source text, disposition text (out, duplicate, withdrawn), rows int64; rows of one key are
            added up. Missing days count as 0.
        lost: rows of the files by disposition that never reached staging: rejected, ignored; and cells repaired.

    Returns:
        Markdown.
    """
    counts: dict[str, Counter[tuple[date, str]]] = defaultdict(Counter)
    columns = (daily[name].to_pylist() for name in ("day", "source", "disposition", "rows"))
    for day, source, disposition, rows in zip(*columns, strict=True):
        counts[source][day, disposition] += rows
    seen = {day for found in counts.values() for day, _ in found}
    if not seen:
        return canvas.statement(TITLE, "no rows in this window.")
    first, last = min(seen), max(seen)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    totals: Counter[str] = Counter()
    for found in counts.values():
        for (_, disposition), rows in found.items():
            totals[disposition] += rows
    with canvas.figure(9.2, 1.32 + 0.78 * len(counts)) as drawn:
        high = drawn.get_figheight()
        for position, source in enumerate(sorted(counts)):
            axes = drawn.add_axes((0.16, 1 - (1.44 + 0.78 * position) / high, 0.81, 0.62 / high))
            _strip(axes, days, counts[source], source, last=position == len(counts) - 1)
        everything = sum(totals.values())
        drawn.text(
            0.012, 1 - 0.28 / high,
            f"{canvas.count_text(totals['out'])} of {canvas.count_text(everything)} staged rows are in core",
            fontsize=11, fontweight="bold", color=canvas.INK,
        )  # fmt: skip
        said = ", ".join(f"{canvas.count_text(rows)} {what}" for what, rows in sorted(lost.items()) if rows)
        drawn.text(
            0.012, 1 - 0.48 / high,
            f"{first} to {last}" + (f"; of the files' rows {said}" if said else ""),
            fontsize=8, color=canvas.FAINT,
        )  # fmt: skip
        axes_legend = drawn.axes[0]
        axes_legend.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, frameon=False, fontsize=8, borderaxespad=0.2
        )
        return canvas.markdown(drawn, TITLE)


def _strip(axes: Axes, days: list[date], counts: Counter[tuple[date, str]], source: str, *, last: bool) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter, date2num

    places = date2num(days)
    below = [0] * len(days)
    for disposition, label, colour in _SHOWN:
        rows = [counts[day, disposition] for day in days]
        axes.bar(places, rows, width=0.82, bottom=below, color=colour, label=label)
        below = [a + b for a, b in zip(below, rows, strict=True)]
    axes.set_xlim(places[0] - 0.6, places[-1] + 0.6)
    axes.set_yticks([max(below)], [canvas.count_text(max(below))])
    axes.set_ylim(0, max(below) * 1.08 or 1)
    axes.xaxis_date()
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=9, interval_multiples=False))
    axes.xaxis.set_major_formatter(DateFormatter("%d %b"))
    axes.tick_params(axis="x", labelbottom=last, length=3 if last else 0)
    axes.tick_params(axis="y", length=0, labelcolor=canvas.FAINT)
    axes.spines["left"].set_visible(False)
    axes.text(
        -0.065, 0.12, canvas.fit_text(source, 14), transform=axes.transAxes, ha="right", fontsize=8.5, color=canvas.INK
    )
