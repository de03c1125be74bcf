"""The look that figures of audiences share: names, colours of communities, legends, labels that do not meet.

Here: a sheet on which one unit is one inch, and what is put on it. Not here: where dots lie, what a figure tells.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import log10, pi, sqrt
from typing import TYPE_CHECKING, Any, Final

from sm_assets.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Key = tuple[str, str]
Row = dict[str, Any]
Spot = tuple[float, float]
Box = tuple[float, float, float, float]

WIDTH: Final = 9.6
"""Inches of every figure."""

LEGEND_LEFT: Final = 7.15
"""Where legends begin, in inches; what is drawn ends before."""

SIZES: Final = ((100, "100"), (10_000, "10 k"), (1_000_000, "1 M"))
"""Numbers of followers that a legend explains."""

MAX_PLATFORMS: Final = 4
_LEGEND_LINE: Final = 0.185
_GRIDS: Final = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.2, 1.4, 1.7, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0)
"""Points between the places that dots can take."""

_NAME: Final = "name-of-dot-"
_STAND_IN: Final = "dots-written-last"
# A white rim behind the letters: what lies below stays visible, and the letters stay readable.
_RIM: Final = "paint-order: stroke; stroke: #fff; stroke-width: 2.4px; stroke-linejoin: round; stroke-opacity: .85; "
# Marks that turn the direction of what follows; a name must not turn our words.
_TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Style:
    """How the dots of a community look."""

    colour: str
    filled: bool = True


@dataclass(frozen=True, slots=True)
class Community:
    """A community as figures name it."""

    community_id: str
    size: int
    anchor: Key
    name: str


STYLES: Final = (*(Style(colour) for colour in canvas.COLOURS), *(Style(colour, False) for colour in canvas.COLOURS))
OTHERS: Final = Style(canvas.FAINT)
"""Communities beyond those that have a style of their own."""

NOBODY: Final = Style(canvas.QUIET)
"""Influencers without community."""


def plain(text: object, limit: int) -> str:
    """The text on one line, without what XML forbids or what would turn the direction of the words around it."""
    return canvas.fit_text(_TURNING.sub("", text), limit) if isinstance(text, str) else ""


def name_of(row: Row, limit: int = 26) -> str:
    """Display name, else handle, else id."""
    named = (plain(row.get(column), limit) for column in ("display_name", "handle", "account_id"))
    return next((text for text in named if text), "(no name)")


def by_platform(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows sorted by account id, under their platform; platforms with most rows first."""
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["platform"], row["account_id"])):
        found.setdefault(row["platform"], []).append(row)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def communities(platform: str, rows: Iterable[Row]) -> list[Community]:
    """The communities of one platform, the largest first; the anchor is read off the community's id."""
    rows = list(rows)
    sizes = Counter(row["community_id"] for row in rows if row["community_id"] is not None)
    known = {row["account_id"]: row for row in rows}
    found = []
    for community_id in sorted(sizes, key=lambda number: (-sizes[number], number)):
        account = community_id.removeprefix(f"{platform}:")
        name = name_of(known.get(account, {"account_id": account}))
        found.append(Community(community_id, sizes[community_id], (platform, account), name))
    return found


def styles(shown: Sequence[str], ranked: Sequence[str], limit: int) -> dict[str, Style]:
    """A style for the first `limit` shown communities; a community keeps that of its rank wherever nobody else has it.

    Args:
        shown: ids, the most important first.
        ranked: ids by size; a community's rank is its wish.
        limit: styles given, at most `len(STYLES)`.
    """
    given: dict[str, Style] = {}
    rank = {community: number for number, community in enumerate(ranked)}
    chosen = shown[:limit]
    for community in chosen:
        if rank[community] < limit:
            given[community] = STYLES[rank[community]]
    free = (style for style in STYLES if style not in given.values())
    return {community: given[community] if community in given else next(free) for community in chosen}


def dot_area(followers: object) -> float:
    """Area of an influencer's dot in square points."""
    number = followers if isinstance(followers, int) and followers > 0 else 0
    # In few steps: SVG then holds few circles.
    return 7 + 3.2 * (round(2 * log10(number + 1)) / 2) ** 2


def sheet(drawn: Figure) -> Axes:
    """Axes over the whole figure in inches, 0 at the lower left."""
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, drawn.get_figwidth())
    axes.set_ylim(0, drawn.get_figheight())
    canvas.bare(axes)
    return axes


def stand_in(axes: Axes) -> None:
    """Where the dots go that `markdown` is given as SVG: above grounds and lines, below names."""
    axes.plot([0, 0.1], [0, 0.1], zorder=3)[0].set_gid(_STAND_IN)


def markdown(drawn: Figure, title: str, dots: Callable[[int], str] | None = None) -> str:
    """As `canvas.markdown`, with rims around names and, in place of the stand-in, dots that are SVG already.

    Args:
        drawn: the figure.
        title: its alternative text.
        dots: gives the SVG of the dots, at most so many bytes.
    """
    head, encoded = canvas.markdown(drawn, title).removesuffix(")").split("base64,")
    svg = base64.b64decode(encoded).decode()
    svg = re.sub(rf'(<g id="{_NAME}\d+">\s*<text style=")', lambda found: found[1] + _RIM, svg)
    # The letters' family once for all of them; and no turns by nothing.
    family = re.search(r"font-family: [^;\"]+; ", svg)
    if family is not None:
        svg = svg.replace(family[0], "").replace("</style>", f"text{{{family[0]}}}</style>", 1)
    svg = re.sub(r' transform="rotate\(-0 [\d.]+ [\d.]+\)"', "", svg)
    if dots is not None:
        before, after = re.split(rf'<g id="{_STAND_IN}">.*?</g>', svg, maxsplit=1, flags=re.DOTALL)
        room = canvas.MAX_SVG_BYTES - len(before.encode()) - len(after.encode()) - 500
        svg = f"{before}<g>{dots(room)}</g>{after}"
    return f"{head}base64,{base64.b64encode(svg.encode()).decode('ascii')})"


def headline(axes: Axes, title: str, explanation: str) -> None:
    """Title and one quiet line below it, at the top of the sheet."""
    top = axes.get_ylim()[1]
    axes.text(0.12, top - 0.28, title, fontsize=11, fontweight="bold", color=canvas.INK)
    axes.text(0.12, top - 0.48, explanation, fontsize=8, color=canvas.FAINT)


@dataclass(frozen=True, slots=True)
class Dot:
    """An influencer on the sheet: inches, and square points."""

    x: float
    y: float
    area: float
    style: Style
    ringed: bool = False

    @property
    def radius(self) -> float:
        """In inches."""
        return sqrt(self.area / pi) / 72


def snapped(inches: float) -> float:
    """To a tenth of a point: SVG then needs a few digits per number only."""
    return round(inches * 720) / 720


def lines(
    axes: Axes, wanted: Iterable[tuple[Spot, Spot]], colour: str, width: float, *, alpha: float = 1, zorder: int = 2
) -> None:
    """Lines of one look as one path, widths in points; their ends are round."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    ends = [(snapped(x), snapped(y)) for line in wanted for x, y in line]
    path = Path(ends, [Path.MOVETO, Path.LINETO] * (len(ends) // 2))
    line = PathPatch(path, fill=False, edgecolor=colour, linewidth=width, alpha=alpha, zorder=zorder, capstyle="round")
    line.set_clip_on(False)
    axes.add_patch(line)


def grounds(axes: Axes, circles: Iterable[tuple[Spot, float]]) -> None:
    """Quiet discs under what belongs together: lines of almost no length with round ends, which are short in SVG."""
    by_radius: dict[float, list[Spot]] = {}
    for spot, radius in circles:
        by_radius.setdefault(round(144 * radius, 1), []).append(spot)
    for width, spots in sorted(by_radius.items()):
        lines(axes, [((x - 1 / 720, y), (x + 1 / 720, y)) for x, y in spots], "#F1F4F7", width, zorder=1)


def strokes(dots: Sequence[Dot], height: float, room: int) -> str:
    """Dots as SVG, small ones below, ringed ones on top.

    matplotlib would write a hundred bytes per dot. Here dots are strokes without length and with round ends, one path
    per look, seven bytes a dot. Places are rounded to the finest grid with which the text keeps to `room` bytes.
    """
    groups: dict[tuple[bool, float, bool, str], list[Dot]] = {}
    for dot in dots:
        groups.setdefault((dot.ringed, dot.area, dot.style.filled, dot.style.colour), []).append(dot)
    written = ""
    for grid in _GRIDS:
        paths, marks = [], []
        for number, ((ringed, area, filled, colour), group) in enumerate(sorted(groups.items())):
            paths.append(f'<path id="d{number}" style="stroke-linecap:round" d="{_path(group, height, grid)}"/>')
            points = 2 * sqrt(area / pi)
            layers = [(colour, points)]
            if ringed:
                layers = [(canvas.INK, points + 2.2), ("#ffffff", points), (colour, points - 0.8)]
            elif points > 4:
                layers = [("#ffffff", points + 1), (colour, points)]
            if not filled:
                layers.append(("#ffffff", max(layers[-1][1] * 0.5, layers[-1][1] - 3)))
            marks += [
                f'<use xlink:href="#d{number}" stroke="{stroke}" stroke-width="{width / grid:.2f}"/>'
                for stroke, width in layers
            ]
        written = f'<defs>{"".join(paths)}</defs><g transform="scale({grid})" fill="none">{"".join(marks)}</g>'
        if len(written) <= room:
            break
    return written


def _path(group: list[Dot], height: float, grid: float) -> str:
    """Each stroke told by its distance from the one before, in strips to and fro, so that numbers are short."""
    spots = {(round(dot.x * 72 / grid), round((height - dot.y) * 72 / grid)) for dot in group}
    order = sorted((y // 9, x if y // 9 % 2 else -x, y) for x, y in spots)
    parts = []
    from_x, from_y = 0, 0
    for strip, turned, y in order:
        x = turned if strip % 2 else -turned
        parts.append(f"m{x - from_x}{' ' if y >= from_y else ''}{y - from_y}h0")
        from_x, from_y = x, y
    return "".join(parts)


def text_width(text: str, size: float) -> float:
    """Inches that a text takes, rather too many: the reader's fonts are not ours."""
    units = 0.0
    for letter in text:
        if unicodedata.combining(letter):
            continue
        if unicodedata.east_asian_width(letter) in "WF":
            units += 1.05
        else:
            wide = letter in "MWmw@%\u2026\u2014"
            units += 1.0 if wide else 0.76 if letter.isupper() else 0.61
    return units * size / 72


def fitted(text: str, inches: float, size: float) -> str:
    """The text, cut to a width."""
    if text_width(text, size) <= inches:
        return text
    cut = text
    while cut and text_width(f"{cut}\u2026", size) > inches:
        cut = cut[:-1]
    return f"{cut.rstrip()}\u2026"


def labels(
    axes: Axes,
    wanted: Iterable[tuple[Dot, str]],
    bounds: Box,
    *,
    limit: int,
    size: float = 7,
    free: Sequence[Dot] = (),
) -> list[Box]:
    """Write the texts beside their dots, the first ones first; none meets another text or covers a named dot's middle.

    Args:
        axes: the sheet.
        wanted: dots and their texts.
        bounds: left, bottom, right, top in inches; no text leaves them.
        limit: texts written at most.
        size: of the letters, in points.
        free: dots that texts should rather not cover, large ones least.

    Returns:
        The boxes of the texts, left, bottom, right, top.
    """
    taken: list[Box] = []
    named: list[Dot] = []
    high = size * 1.25 / 72
    for dot, text in wanted:
        if len(taken) == limit:
            break
        x, y, off = dot.x, dot.y, dot.radius + 0.03
        if any(_meet(box, (x, y, x, y)) for box in taken):
            continue
        text = fitted(text, 1.55, size)  # noqa: PLW2901  the shorter one is meant
        wide = text_width(text, size)
        beside = (
            (x - wide / 2, y + off), (x - wide / 2, y - off - high), (x + off, y - high / 2),
            (x - off - wide, y - high / 2), (x, y + off * 0.7), (x - wide, y + off * 0.7),
            (x, y - off * 0.7 - high), (x - wide, y - off * 0.7 - high),
        )  # fmt: skip
        boxes = [(left, low, left + wide, low + high) for left, low in beside]
        fitting = [
            box
            for box in boxes
            if _inside(box, bounds)
            and not any(_meet(box, other) for other in taken)
            and not any(_meet(box, (other.x, other.y, other.x, other.y)) for other in named)
        ]
        if fitting:
            box = min(fitting, key=lambda box: _covered(box, free))
            name = axes.text(
                snapped((box[0] + box[2]) / 2), snapped(box[1] + high * 0.24), text, ha="center", va="baseline",
                fontsize=size, zorder=7, color=canvas.INK,
            )  # fmt: skip
            name.set_gid(f"{_NAME}{len(axes.texts)}")
            taken.append(box)
            named.append(dot)
    return taken


def _inside(box: Box, bounds: Box) -> bool:
    return box[0] >= bounds[0] and box[1] >= bounds[1] and box[2] <= bounds[2] and box[3] <= bounds[3]


def _meet(box: Box, other: Box) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def _covered(box: Box, dots: Sequence[Dot]) -> float:
    """How much of dots a text would cover; one that is ringed counts tenfold."""
    return sum(
        10 * dot.area if dot.ringed else dot.area
        for dot in dots
        if box[0] - dot.radius < dot.x < box[2] + dot.radius and box[1] - dot.radius < dot.y < box[3] + dot.radius
    )


def legend(
    axes: Axes, dots: list[Dot], top: float, heading: tuple[str, str], entries: Sequence[tuple[Style, str, str]]
) -> float:
    """A column of dots with texts and numbers at the right; returns where it ends.

    Args:
        axes: the sheet.
        dots: the legend's own are added.
        top: inches.
        heading: of the texts, and of the numbers.
        entries: style, text, number as text.
    """
    y = top - 0.1
    right = WIDTH - 0.12
    axes.text(LEGEND_LEFT, y, heading[0], fontsize=8, fontweight="bold", va="center", color=canvas.INK)
    axes.text(right, y, heading[1], fontsize=7.5, va="center", ha="right", color=canvas.FAINT)
    for style, text, number in entries:
        y -= _LEGEND_LINE
        dots.append(Dot(LEGEND_LEFT + 0.06, y, 34.0, style))
        short = fitted(text, right - LEGEND_LEFT - 0.28 - text_width(number, 7.5), 7.5)
        axes.text(LEGEND_LEFT + 0.2, y, short, fontsize=7.5, va="center", color=canvas.INK)
        axes.text(right, y, number, fontsize=7.5, va="center", ha="right", color=canvas.FAINT)
    return y - _LEGEND_LINE


def size_legend(axes: Axes, dots: list[Dot], top: float, areas: Sequence[tuple[float, str]]) -> float:
    """Dots of a few sizes in a row with what they stand for; the dots are added, returns where it ends."""
    y = top - 0.1
    axes.text(LEGEND_LEFT, y, "followers", fontsize=8, fontweight="bold", va="center", color=canvas.INK)
    x = LEGEND_LEFT + 0.08
    for area, text in areas:
        dot = Dot(x, y - 0.22, area, OTHERS)
        dots.append(dot)
        axes.text(x + dot.radius + 0.05, y - 0.22, text, fontsize=7.5, va="center", color=canvas.FAINT)
        x += dot.radius + 0.2 + text_width(text, 7.5) + 0.08
    return y - 0.42
