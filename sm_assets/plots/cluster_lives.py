"""Lives of clusters: a line each over the days of its snapshots, with its birth, its parent and what went into it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from sm_assets.plots import audience_look as look
from sm_assets.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "Lives of clusters"
_LINE: Final = 0.26
_TOP, _FOOT = 0.76, 0.62
_MARKS: Final = {"born": "o", "split": "D", "merged": "^"}


def draw(ids: pa.Table, *, limit: int = 30) -> str:
    """A line per cluster from its first snapshot to its last; clusters of the last snapshot first.

    Args:
        ids: rows of out_cluster_ids of one analysis over some days; read: day, cluster_id, persistent_id, born_on,
            parent_id, event.
        limit: lines.

    Returns:
        Markdown.
    """
    rows = sorted(ids.to_pylist(), key=lambda row: (row["day"], row["cluster_id"]))
    if not rows:
        return canvas.statement(TITLE, "no clusters on these days.")
    lives: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        lives.setdefault(row["persistent_id"], []).append(row)
    last = rows[-1]["day"]
    ranked = sorted(lives, key=lambda name: (-lives[name][-1]["day"].toordinal(), lives[name][-1]["cluster_id"], name))
    shown = ranked[:limit]
    days = sorted({row["day"] for row in rows})
    going_on = sum(own[-1]["day"] == last for own in lives.values())
    with canvas.figure(look.WIDTH, _TOP + _LINE * len(shown) + _FOOT) as drawn:
        high = drawn.get_figheight()
        look.headline(
            look.sheet(drawn), f"{canvas.counted(going_on, 'cluster')} on {last}",
            f"{canvas.counted(len(lives), 'name')} in {canvas.counted(len(days), 'snapshot')}; circle: born, diamond: "
            "split from the cluster above or below, triangle: another went into it"
            + (f"; {canvas.count_text(len(lives) - limit)} not shown" if len(lives) > limit else ""),
        )  # fmt: skip
        axes = drawn.add_axes((0.27, _FOOT / high, 0.70, _LINE * len(shown) / high))
        place = {name: len(shown) - number for number, name in enumerate(shown)}
        for name in shown:
            _life(axes, lives[name], place)
        axes.set_yticks([place[name] for name in shown], [look.plain(name, 34) for name in shown], fontsize=8)
        axes.set_ylim(0.4, len(shown) + 0.6)
        _time(axes, days)
        return canvas.markdown(drawn, TITLE)


def _life(axes: Axes, own: list[dict[str, Any]], place: dict[str, int]) -> None:
    y, first = place[own[0]["persistent_id"]], own[0]
    colour = look.STYLES[own[-1]["cluster_id"] % len(canvas.COLOURS)].colour
    at = [row["day"].toordinal() for row in own]
    axes.plot(at, [y] * len(at), color=colour, linewidth=2.2, marker="|", markersize=5, solid_capstyle="butt")
    parent = place.get(first["parent_id"])
    if first["event"] == "split" and parent is not None:
        axes.plot([at[0], at[0]], [y, parent], color=canvas.QUIET, linewidth=1, zorder=1)
    for row in own:
        mark = _MARKS.get(row["event"])
        if mark:
            axes.plot(row["day"].toordinal(), y, marker=mark, markersize=6, color=colour, markeredgecolor="white")


def _time(axes: Axes, days: list[date]) -> None:
    first, last = days[0].toordinal(), days[-1].toordinal()
    step = max(-(-(last - first) // 6), 1)
    ticks = range(first, last + 1, step)
    axes.set_xlim(first - 0.5, last + 0.5)
    axes.set_xticks(list(ticks), [str(date.fromordinal(tick)) for tick in ticks])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.grid(visible=True)
