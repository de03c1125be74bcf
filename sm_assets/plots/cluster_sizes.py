"""Sizes of clusters: a bar each on a logarithmic axis, what is in no cluster apart from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sm_assets.plots import audience_look as look
from sm_assets.plots import canvas, cluster_look

TITLE: Final = "Sizes of clusters"
_LINE: Final = 0.29
_TOP, _FOOT = 0.76, 0.58


def draw(
    sizes: Mapping[int, int], labels: Mapping[int, str], others: Mapping[str, int], *, noun: str = "account",
    limit: int = 30,
) -> str:  # fmt: skip
    """Bars of the first `limit` clusters, below them, apart, bars of what is in none.

    Args:
        sizes: members of each cluster.
        labels: terms of each cluster.
        others: how many are in no cluster, by reason; zeros are left out.
        noun: what a member is.
        limit: bars of clusters.

    Returns:
        Markdown.
    """
    ranked = sorted(sizes, key=lambda number: (-sizes[number], number))
    shown = ranked[:limit]
    rest = {reason: count for reason, count in others.items() if count}
    if not sizes and not rest:
        return canvas.statement(TITLE, f"no {noun}s on this day.")
    # One line of room between the clusters and the others.
    lines = len(shown) + (len(rest) + bool(shown) if rest else 0)
    places = [*range(lines, lines - len(shown), -1), *range(len(rest), 0, -1)]
    counts = [*(sizes[number] for number in shown), *rest.values()]
    names = [*(cluster_look.name(number, labels, 60) for number in shown), *(look.plain(name, 60) for name in rest)]
    colours = [*(cluster_look.style(number).colour for number in shown), *(canvas.QUIET for _ in rest)]
    with canvas.figure(look.WIDTH, _TOP + _LINE * lines + _FOOT) as drawn:
        high = drawn.get_figheight()
        sheet = look.sheet(drawn)
        members = sum(sizes.values())
        look.headline(
            sheet, f"{canvas.counted(members, noun)} in {canvas.counted(len(sizes), 'cluster')}",
            f"{canvas.count_text(sum(rest.values()))} in none; one step of the axis is ten times as many",
        )  # fmt: skip
        axes = drawn.add_axes((0.40, _FOOT / high, 0.52, _LINE * lines / high))
        axes.set_xscale("log")
        largest = max(counts)
        axes.set_xlim(0.8, max(largest * 1.15, 12))
        axes.barh(places, counts, left=0, height=0.64, color=colours)
        for place, count, name in zip(places, counts, names, strict=True):
            y = _FOOT + (place - 0.5) * _LINE
            axes.text(count * 1.03, place, canvas.count_text(count), va="center", fontsize=8, color=canvas.FAINT)
            sheet.text(
                look.WIDTH * 0.40 - 0.1, y, look.fitted(name, look.WIDTH * 0.40 - 0.25, 8.5), ha="right", va="center",
                fontsize=8.5, color=canvas.INK,
            )  # fmt: skip
        axes.set_yticks([])
        axes.set_ylim(0.5, lines + 0.5)
        axes.spines["left"].set_visible(False)
        ticks = [10**power for power in range(12) if 10**power <= max(largest * 1.15, 12)]
        axes.set_xticks(ticks, [canvas.count_text(tick) for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.xaxis.grid(visible=True)
        axes.set_xlabel(f"{noun}s")
        if len(ranked) > len(shown):
            hidden = sum(sizes[number] for number in ranked[limit:])
            text = (
                f"Not shown: {canvas.count_text(len(ranked) - limit)} smaller clusters of {canvas.count_text(hidden)}."
            )
            sheet.text(0.12, 0.14, text, fontsize=8, color=canvas.FAINT)
        return canvas.markdown(drawn, TITLE)
