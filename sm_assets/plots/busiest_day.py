"""The busiest day by minute: posts of every minute, and the accounts that wrote them."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.plots import canvas

TITLE: Final = "The busiest day by minute"
_MINUTES: Final = 1440


def draw(minutes: pa.Table, day: date) -> str:
    """Posts of each of the 1,440 minutes; minutes without a post are 0.

    Args:
        minutes: rows of that day of feat_post_volumes; read: minute_at, n_posts, n_accounts.
        day: the day.

    Returns:
        Markdown.
    """
    if not len(minutes):
        return canvas.statement(TITLE, f"no posts on {day}.")
    from matplotlib.ticker import MaxNLocator

    posts, accounts = (np.zeros(_MINUTES, np.int64) for _ in range(2))
    place = (minutes["minute_at"].to_numpy().astype("datetime64[m]") - np.datetime64(day, "m")).astype(np.int64)
    # Accounts belong to one platform: over platforms they add up.
    np.add.at(posts, place, minutes["n_posts"].to_numpy())
    np.add.at(accounts, place, minutes["n_accounts"].to_numpy())
    with canvas.figure(9.2, 2.9) as drawn:
        axes = drawn.add_axes((0.085, 0.16, 0.89, 0.58))
        values, edges = _runs(posts)
        axes.stairs(values, edges, fill=True, color=canvas.COLOURS[5], label="posts")
        values, edges = _runs(accounts)
        axes.stairs(values, edges, fill=True, color=canvas.COLOURS[0], label="accounts that wrote them")
        most = int(posts.argmax())
        axes.set_xlim(0, _MINUTES)
        axes.set_xticks(range(0, _MINUTES + 1, 180), [f"{hour:02d}:00" for hour in range(0, 25, 3)])
        axes.set_xlabel("time in UTC", fontsize=8)
        axes.set_ylim(0, posts.max() * 1.08)
        axes.set_ylabel("a minute")
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.yaxis.grid(visible=True)
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1.01), ncols=3, frameon=False, fontsize=8, handlelength=1.1,
            borderaxespad=0.2,
        )  # fmt: skip
        title = f"{day.day} {day:%b %Y}, the busiest day: {canvas.counted(int(posts.sum()), 'post')}"
        drawn.text(0.012, 0.93, title, fontsize=11, fontweight="bold", color=canvas.INK)
        busiest = f"most of them, {canvas.count_text(int(posts[most]))}, at {most // 60:02d}:{most % 60:02d} UTC"
        drawn.text(0.012, 0.86, busiest, fontsize=8, color=canvas.FAINT)
        return canvas.markdown(drawn, TITLE)


def _runs(values: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Values and edges of runs of equal minutes: nights are then one line."""
    starts = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    return values[starts], np.append(starts, len(values))
