"""A map of all influencers: near each other lies what shares an audience, each community in its colour.

A map holds tens of thousands of dots within the size that the UI shows. Where places run out of bytes they are rounded,
and dots of one look that then share a place become one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log10, pi, sqrt
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from sm_assets.plots import audience_look as look
from sm_assets.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "Map of influencers"

_LEFT, _RIGHT = 0.12, look.LEGEND_LEFT - 0.2
_STEPS: Final = (5, 3)
"""Sizes of dots: on small maps, and on large ones, where fewer paths are shorter."""

_LARGE: Final = 5_000
_CROWDED: Final = 18_000
"""From so many dots on, one may stand for several."""


@dataclass(frozen=True, slots=True)
class _Placed:
    row: look.Row
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class _Panel:
    platform: str
    rows: list[look.Row]
    placed: list[_Placed]
    communities: list[look.Community]
    style: dict[str, look.Style]


def draw(members: pa.Table, places: pa.Table) -> str:
    """Draw every influencer at its place.

    Args:
        members: rows of one day of out_audience_members; read: platform, account_id, community_id, n_followers,
            display_name, handle.
        places: platform, account_id text, x, y float64: where influencers lie, in any unit, each platform for itself.
            Influencers without a place are counted, not drawn.

    Returns:
        Markdown.
    """
    columns = ("platform", "account_id", "community_id", "n_followers", "display_name", "handle")
    rows = look.by_platform(members.select(list(columns)).to_pylist())
    spots = _spots(places)
    placed = {platform: _placed(platform, found, spots) for platform, found in rows.items()}
    shown = [platform for platform, found in placed.items() if found][: look.MAX_PLATFORMS]
    if not shown:
        return canvas.statement(TITLE, "no influencers on this day." if not rows else "no influencer has a place.")
    styled = len(look.STYLES) if len(shown) == 1 else len(canvas.COLOURS)
    panels = [_panel(platform, rows[platform], placed[platform], styled) for platform in shown]
    heights = [_height(panel, single=len(panels) == 1) for panel in panels]
    left_out = [platform for platform in rows if platform not in shown]
    foot = 0.34 if left_out else 0.12
    with canvas.figure(look.WIDTH, look.snapped(0.7 + sum(heights) + foot)) as drawn:
        axes = look.sheet(drawn)
        crowded = sum(len(panel.placed) for panel in panels) > _CROWDED
        look.headline(
            axes, _title(panels),
            "dot = influencer" + (", or several close to each other" if crowded else "")
            + "; close together = one community; named: those with most followers",
        )  # fmt: skip
        top = drawn.get_figheight() - 0.66
        dots: list[look.Dot] = []
        for panel, height in zip(panels, heights, strict=True):
            if len(panels) > 1:
                axes.text(
                    _LEFT, top - 0.1, look.plain(panel.platform, 30), fontsize=9.5, fontweight="bold", va="center",
                    color=canvas.INK,
                )  # fmt: skip
            dots += _draw_panel(axes, panel, (_LEFT, top - height + 0.1, _RIGHT, top), limit=36 // len(panels))
            top -= height
        if left_out:
            said = ", ".join(look.plain(platform, 30) for platform in left_out)
            axes.text(_LEFT, 0.12, f"Not drawn: {said}.", fontsize=8, color=canvas.FAINT)
        look.stand_in(axes)
        height = drawn.get_figheight()
        return look.markdown(drawn, TITLE, lambda room: look.strokes(dots, height, room))


def _spots(places: pa.Table) -> dict[look.Key, look.Spot]:
    columns = (places[name].to_pylist() for name in ("platform", "account_id", "x", "y"))
    return {
        (platform, account): (x, y)
        for platform, account, x, y in zip(*columns, strict=True)
        if x is not None and y is not None and isfinite(x) and isfinite(y)
    }


def _placed(platform: str, rows: list[look.Row], spots: dict[look.Key, look.Spot]) -> list[_Placed]:
    found = ((row, spots.get((platform, row["account_id"]))) for row in rows)
    return [_Placed(row, *spot) for row, spot in found if spot is not None]


def _panel(platform: str, rows: list[look.Row], placed: list[_Placed], styled: int) -> _Panel:
    everyone = look.communities(platform, rows)
    ranked = [community.community_id for community in everyone]
    return _Panel(platform, rows, placed, everyone, look.styles(ranked, ranked, styled))


def _height(panel: _Panel, *, single: bool) -> float:
    legend = 0.185 * (len(panel.style) + 4) + 0.75
    return max(6.3 if single and len(panel.placed) > 40 else 3.9, legend)


def _title(panels: list[_Panel]) -> str:
    influencers = sum(len(panel.placed) for panel in panels)
    missing = sum(len(panel.rows) - len(panel.placed) for panel in panels)
    count = sum(len(panel.communities) for panel in panels)
    where = f"{look.plain(panels[0].platform, 30)}: " if len(panels) == 1 else ""
    said = f"{where}{canvas.counted(influencers, 'influencer')} in "
    said += "1 community" if count == 1 else f"{canvas.count_text(count)} communities"
    return said + (f" ({canvas.count_text(missing)} without a place)" if missing else "")


def _draw_panel(axes: Axes, panel: _Panel, box: look.Box, *, limit: int) -> list[look.Dot]:
    """Labels and legend; the dots are returned, for they are written last."""
    left, low, right, high = box
    xs, ys = [spot.x for spot in panel.placed], [spot.y for spot in panel.placed]
    middle_x, middle_y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    across, down = max(xs) - min(xs), max(ys) - min(ys)
    scale = min((right - left - 0.3) / (across or 1e-9), (high - low - 0.3) / (down or 1e-9))
    scale = min(scale, 1e9) if across or down else 0.0
    # A dot may take about half of the room that there is for one.
    room = sqrt(min(across * down * scale * scale or 12.0, 36.0) / len(panel.placed)) * 72
    smallest, largest = min(max(0.4 * room, 1.3), 4.0), min(max(1.0 * room, 3.4), 13.0)
    powers = [log10(max(spot.row["n_followers"] or 0, 0) + 1) for spot in panel.placed]
    least, most = min(powers), max(powers)
    steps = _STEPS[len(panel.placed) > _LARGE]
    dots = []
    for spot, power in zip(panel.placed, powers, strict=True):
        step = round((steps - 1) * (power - least) / (most - least)) if most > least else 1
        wide = smallest + (largest - smallest) * (step / (steps - 1)) ** 1.5
        home = spot.row["community_id"]
        style = look.NOBODY if home is None else panel.style.get(home, look.OTHERS)
        x = (left + right) / 2 + (spot.x - middle_x) * scale
        y = (low + high) / 2 + (spot.y - middle_y) * scale
        dots.append(look.Dot(x, y, pi * wide * wide / 4, style))
    order = sorted(
        range(len(dots)), key=lambda place: (-(panel.placed[place].row["n_followers"] or 0), place)
    )[: 6 * limit]  # fmt: skip
    names = [(dots[place], look.name_of(panel.placed[place].row, 22)) for place in order]
    look.labels(axes, names, (left - 0.08, low, right + 0.12, high), limit=limit, free=[dots[place] for place in order])
    _legend(axes, dots, panel, [(dot.area, 10**power - 1) for dot, power in zip(dots, powers, strict=True)], high)
    return dots


def _legend(axes: Axes, dots: list[look.Dot], panel: _Panel, sizes: list[tuple[float, float]], top: float) -> None:
    entries = [
        (panel.style[community.community_id], community.name, canvas.count_text(community.size))
        for community in panel.communities
        if community.community_id in panel.style
    ]
    others = [community for community in panel.communities if community.community_id not in panel.style]
    if others:
        text = "1 smaller community" if len(others) == 1 else f"{canvas.count_text(len(others))} smaller communities"
        entries.append((look.OTHERS, text, canvas.count_text(sum(community.size for community in others))))
    nobody = sum(row["community_id"] is None for row in panel.rows)
    if nobody:
        entries.append((look.NOBODY, "without community", canvas.count_text(nobody)))
    y = look.legend(axes, dots, top, ("community of", "members"), entries)
    least, most = min(sizes, key=lambda size: size[1]), max(sizes, key=lambda size: size[1])
    samples = [least, most] if most[1] > least[1] else [most]
    look.size_legend(axes, dots, y, [(area, canvas.count_text(round(followers))) for area, followers in samples])
