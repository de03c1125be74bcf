"""Numbers of clusters that were tried: how tight, how well apart and how stable the clusters are at each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from sm_assets.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "How many clusters"
STABLE_FROM: Final = 0.8
"""From this stability on a number of clusters may be chosen."""

_INERTIA, _SILHOUETTE, _STABILITY = canvas.COLOURS[0], canvas.COLOURS[1], canvas.COLOURS[2]
# Ends of two lines that are nearer than this are named above and below.
_NEAR: Final = 0.08
_WHY: Final = {
    "given": "the number was given",
    "best_silhouette": "the highest silhouette among stable numbers",
    "no_stable_k": "no number is stable: this one is the most stable",
    "found": "the method found the number itself",
    "one_cluster": "there is one cluster only",
}


def draw(table: pa.Table) -> str:
    """Left: inertia by number of clusters. Right: silhouette and stability; the number in use is marked.

    Args:
        table: rows of one day and analysis of out_cluster_k; read: k, inertia, silhouette, stability, chosen, reason.

    Returns:
        Markdown.
    """
    rows = table.sort_by("k").to_pylist()
    chosen = next((row for row in rows if row["chosen"]), None)
    if chosen is None:
        return canvas.statement(TITLE, "no clusters on this day.")
    with canvas.figure(9.2, 3.5) as drawn:
        drawn.text(0.012, 0.925, _headline(chosen), fontsize=11, fontweight="bold", color=canvas.INK)
        tried = "1 number was tried" if len(rows) == 1 else f"{len(rows)} numbers were tried"
        why = _WHY.get(chosen["reason"], chosen["reason"])
        drawn.text(0.012, 0.868, f"{tried}; in use: {why}", fontsize=8, color=canvas.FAINT)
        left = drawn.add_axes((0.085, 0.15, 0.37, 0.58))
        right = drawn.add_axes((0.545, 0.15, 0.37, 0.58))
        _line(left, rows, "inertia", _INERTIA, chosen)
        left.set_title("inertia: less is tighter", fontsize=9, fontweight="normal", color=canvas.FAINT)
        left.yaxis.set_major_formatter(lambda value, _: f"{value:,.4g}")
        _scores(right, rows, chosen)
        for axes in (left, right):
            _ground(axes, rows, chosen)
        return canvas.markdown(drawn, TITLE)


def _headline(chosen: dict[str, Any]) -> str:
    told = [canvas.counted(chosen["k"], "cluster")]
    told += [f"{name} {chosen[name]:.2f}" for name in ("silhouette", "stability") if chosen[name] is not None]
    return ", ".join(told)


def _line(axes: Axes, rows: list[dict[str, Any]], name: str, colour: str, chosen: dict[str, Any]) -> None:
    known = [(row["k"], row[name]) for row in rows if row[name] is not None]
    if known:
        axes.plot(*zip(*known, strict=True), color=colour, linewidth=1.6, marker="o", markersize=3.5, label=name)
    if chosen[name] is not None:
        axes.plot([chosen["k"]], [chosen[name]], "o", markersize=9, color="white", markeredgecolor=colour, zorder=4)
        axes.plot([chosen["k"]], [chosen[name]], "o", markersize=4.5, color=colour, zorder=5)


def _scores(axes: Axes, rows: list[dict[str, Any]], chosen: dict[str, Any]) -> None:
    axes.axhline(STABLE_FROM, color=canvas.FAINT, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
    values = [row[name] for row in rows for name in ("silhouette", "stability") if row[name] is not None]
    axes.set_ylim(min([0.0, *values]) - 0.03, 1.05)
    colours = {"stability": _STABILITY, "silhouette": _SILHOUETTE}
    known = {name: [row for row in rows if row[name] is not None] for name in colours}
    ends = {name: (own[-1]["k"], own[-1][name]) for name, own in known.items() if own}
    near = len(ends) == len(colours) and abs(ends["stability"][1] - ends["silhouette"][1]) < _NEAR
    above = max(ends, key=lambda name: ends[name][1], default=None)
    for name, colour in colours.items():
        _line(axes, rows, name, colour, chosen)
        if name in ends:
            lift = 0 if not near else 5 if name == above else -6
            axes.annotate(
                name, ends[name], xytext=(7, lift), textcoords="offset points", va="center", fontsize=8.5,
                color=colour, annotation_clip=False,
            )  # fmt: skip
    axes.set_title(
        f"silhouette: more is better apart; stability: eligible from {STABLE_FROM}", fontsize=9, fontweight="normal",
        color=canvas.FAINT,
    )  # fmt: skip


def _ground(axes: Axes, rows: list[dict[str, Any]], chosen: dict[str, Any]) -> None:
    numbers = [row["k"] for row in rows]
    axes.axvline(chosen["k"], color=canvas.QUIET, linewidth=5, zorder=0)
    # Steps grow with the number: from 2 to 3 is as far as from 20 to 30.
    axes.set_xscale("log")
    axes.set_xlim(min(numbers) * 0.92, max(numbers) * 1.08)
    far = [number for place, number in enumerate(numbers) if place == 0 or number >= numbers[0] * 1.18]
    shown: list[int] = []
    for number in far:
        if not shown or number >= shown[-1] * 1.18:
            shown.append(number)
    axes.set_xticks(shown, [str(number) for number in shown])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("clusters")
    axes.yaxis.grid(visible=True)
