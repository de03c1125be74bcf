"""The busiest day by minute: posts of every minute, platforms stacked."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.plots import canvas
from sm_assets.plots.post_volumes import colour

TITLE: Final = "The busiest day by minute"
_MINUTES: Final = 1440


def draw(minutes: pa.Table, day: date) -> str:
    """Posts of each of the 1,440 minutes; minutes without a post are 0.

    Args:
        minutes: rows of that day of feat_post_volumes; read: platform, minute_at, n_posts.
        day: the day.

    Returns:
        Markdown.
    """
    if not len(minutes):
        return canvas.statement(TITLE, f"no posts on {day}.")
    from matplotlib.ticker import MaxNLocator

    totals = {
        row["platform"]: row["n_posts_sum"]
        for row in minutes.group_by("platform").aggregate([("n_posts", "sum")]).to_pylist()
    }
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    stacked = np.zeros(_MINUTES, np.int64)
    with canvas.figure(9.2, 2.9) as drawn:
        axes = drawn.add_axes((0.085, 0.16, 0.89, 0.58))
        for platform in ranked:
            below = stacked.copy()
            rows = minutes.filter(pc.equal(minutes["platform"], platform))
            place = (rows["minute_at"].to_numpy().astype("datetime64[m]") - np.datetime64(day, "m")).astype(np.int64)
            stacked[place] += rows["n_posts"].to_numpy()
            label = f"{platform}: {canvas.counted(totals[platform], 'post')}"
            axes.stairs(
                stacked, np.arange(_MINUTES + 1), baseline=below, fill=True, color=colour(platform), label=label
            )
        most = int(stacked.argmax())
        axes.set_xlim(0, _MINUTES)
        axes.set_xticks(range(0, _MINUTES + 1, 180), [f"{hour:02d}:00" for hour in range(0, 25, 3)])
        axes.set_xlabel("time in UTC", fontsize=8)
        axes.set_ylim(0, stacked.max() * 1.08)
        axes.set_ylabel("posts a minute")
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.yaxis.grid(visible=True)
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1.01), ncols=3, frameon=False, fontsize=8, handlelength=1.1,
            borderaxespad=0.2,
        )  # fmt: skip
        title = f"{day.day} {day:%b %Y}, the busiest day: {canvas.counted(sum(totals.values()), 'post')}"
        drawn.text(0.012, 0.93, title, fontsize=11, fontweight="bold", color=canvas.INK)
        busiest = f"most of them, {canvas.count_text(int(stacked[most]))}, at {most // 60:02d}:{most % 60:02d} UTC"
        drawn.text(0.012, 0.86, busiest, fontsize=8, color=canvas.FAINT)
        return canvas.markdown(drawn, TITLE)
