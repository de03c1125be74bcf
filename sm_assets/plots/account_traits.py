"""Traits of accounts: how some of them are spread, platform by platform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.contracts.attribute_columns import TRAIT_COLUMNS
from sm_assets.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "Traits of accounts by platform"
SHOWN: Final = {
    "rhythm_posts_a_day": "posts per active day",
    "rhythm_active_days": "active days",
    "rhythm_replies": "share of replies",
    "rhythm_gap_median": "median gap, 2^x seconds",
    "rhythm_quiet_hours": "quiet hours in a row",
    "rhythm_second_peak": "share of the fullest second",
    "text_distinct": "distinct texts",
    "text_coshared": "contents that others carry too",
    "text_links": "posts with a link",
    "account_followers": "followers, 10^x",
    "account_follow_ratio": "followers / followed, 10^x",
    "handle_digits": "digits in the handle",
}
_COLUMNS: Final = 3
_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_LINE: Final = 0.2


def draw(rows: pa.Table) -> str:
    """A panel per trait, in it a line per platform: thin from 5 to 95 %, thick the middle half, a dot at the median.

    Args:
        rows: platform and traits of the accounts of one as-of day.

    Returns:
        Markdown.
    """
    if not len(rows):
        return canvas.statement(TITLE, "no account wrote in this window.")
    platforms = sorted(set(rows["platform"].to_pylist()))
    panels = -(-len(SHOWN) // _COLUMNS)
    panel = 0.62 + _LINE * len(platforms)
    with canvas.figure(9.6, 0.75 + panel * panels) as drawn:
        high = drawn.get_figheight()
        drawn.text(
            0.012, 1 - 0.26 / high, f"{canvas.counted(len(rows), 'account')} that wrote in the window",
            fontsize=11, fontweight="bold", color=canvas.INK,
        )  # fmt: skip
        drawn.text(
            0.012, 1 - 0.46 / high,
            "Thin line: 5 to 95 % of the accounts; thick line: the middle half; dot: the median. Behind the name: "
            "accounts of which it is known.",
            fontsize=8, color=canvas.FAINT,
        )  # fmt: skip
        for place, (name, title) in enumerate(SHOWN.items()):
            row, column = divmod(place, _COLUMNS)
            bottom = 1 - (0.80 + panel * row + 0.18 + _LINE * len(platforms)) / high
            axes = drawn.add_axes((0.125 + 0.33 * column, bottom, 0.20, _LINE * len(platforms) / high))
            _panel(axes, rows, platforms, name, title)
        return canvas.markdown(drawn, TITLE)


def _panel(axes: Axes, rows: pa.Table, platforms: Sequence[str], name: str, title: str) -> None:
    labels = []
    highest = 0.0
    lowest = 0.0
    for place, platform in enumerate(platforms):
        values = _values(rows, platform, name)
        labels.append(f"{platform} ({_short(len(values))})")
        if not len(values):
            continue
        low, first, middle, third, high = np.quantile(values, _QUANTILES)
        colour = canvas.COLOURS[place % len(canvas.COLOURS)]
        axes.plot([low, high], [place, place], color=colour, linewidth=1, solid_capstyle="butt")
        axes.plot([first, third], [place, place], color=colour, linewidth=4.5, solid_capstyle="butt")
        axes.plot([middle], [place], marker="o", markersize=5, color="white", markeredgecolor=colour, linestyle="")
        highest, lowest = max(highest, float(high)), min(lowest, float(low))
    axes.set_title(title, fontsize=8.5, fontweight="normal", pad=3)
    axes.set_yticks(range(len(platforms)), labels, fontsize=7)
    axes.set_ylim(len(platforms) - 0.5, -0.5)
    axes.tick_params(axis="x", labelsize=7)
    is_share = next(column for column in TRAIT_COLUMNS if column.name == name).unit == "share"
    top = 1.0 if is_share else (highest or 1.0)
    room = 0.04 * (top - lowest)
    axes.set_xlim(lowest - room, top + room)
    axes.xaxis.grid(visible=True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _values(rows: pa.Table, platform: str, name: str) -> npt.NDArray[np.float64]:
    chosen = rows[name].filter(pc.equal(rows["platform"], platform)).drop_null()
    return np.asarray(chosen.to_numpy(), np.float64)


def _short(number: int) -> str:
    return canvas.count_text(number) if number < 10_000 else f"{number // 1000:,} k"
