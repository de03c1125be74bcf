"""Who shares whose audience: influencers as dots, the strongest pairs that chance does not explain as lines.

Each community is laid out in a circle of its own, and each platform in a strip of its own, for communities never cross
platforms. Pairs between communities are drawn faintly.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from sm_assets.plots import audience_look as look
from sm_assets.plots import canvas

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes

TITLE: Final = "Who shares whose audience"
Pair = tuple[str, str, float]

_LEFT, _RIGHT = 0.12, look.LEGEND_LEFT - 0.2
_WIDTHS: Final = (0.6, 1.2, 2.1)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """How many pairs a platform has, and the strongest of them; each stands once."""

    count: int
    strongest: list[Pair]


@dataclass(frozen=True, slots=True)
class _Group:
    """What shares a circle: a community, or influencers without one that hang together."""

    community: look.Community | None
    accounts: list[str]


@dataclass(frozen=True, slots=True)
class _Strip:
    platform: str
    rows: dict[str, look.Row]
    pairs: list[Pair]
    groups: list[_Group]
    ranked: list[str]


def draw(members: pa.Table, pairs: pa.Table, *, max_pairs: int = 300) -> str:
    """Draw the strongest significant pairs.

    Args:
        members: rows of one day of out_audience_members; read: platform, account_id, community_id, n_followers,
            display_name, handle.
        pairs: significant pairs of the same day: platform, account_id_a, account_id_b text, jaccard float64; a pair may
            stand in both directions. Pairs of accounts that are no members are left out.
        max_pairs: pairs drawn, those with the largest Jaccard index; shared out evenly if there are several platforms.

    Returns:
        Markdown.
    """
    columns = ("platform", "account_id", "community_id", "n_followers", "display_name", "handle")
    rows = look.by_platform(members.select(list(columns)).to_pylist())
    if not rows:
        return canvas.statement(TITLE, "no influencers on this day.")
    found = _by_platform(pairs, rows, max_pairs)
    if not found:
        return canvas.statement(TITLE, "no two influencers share more of their audiences than chance explains.")
    shown = list(found)[: look.MAX_PLATFORMS]
    share = max(1, max_pairs // len(shown))
    strips = [_strip(platform, rows[platform], found[platform].strongest[:share]) for platform in shown]
    packed = [_packed(strip, 5.9 if len(strips) == 1 else 3.3) for strip in strips]
    most = len(look.STYLES) if len(strips) == 1 else len(canvas.COLOURS)
    heights = [
        max(height + 0.3, _legend_height(strip, most)) for strip, (_, _, height) in zip(strips, packed, strict=True)
    ]
    left_out = [platform for platform in found if platform not in shown]
    foot = 0.3 if left_out else 0.12
    with canvas.figure(look.WIDTH, look.snapped(0.72 + sum(heights) + foot)) as drawn:
        axes = look.sheet(drawn)
        look.headline(axes, _title(strips, found), "dot = influencer; line = two audiences that share more than chance "
                      "explains; named: the anchor of each community, dark-edged")  # fmt: skip
        high = drawn.get_figheight()
        top = high - 0.68
        dots: list[look.Dot] = []
        for strip, (centres, radii, _), height in zip(strips, packed, heights, strict=True):
            if len(strips) > 1:
                axes.text(
                    _LEFT, top - 0.1, look.plain(strip.platform, 30), fontsize=9.5, fontweight="bold", va="center",
                    color=canvas.INK,
                )  # fmt: skip
            dots += _draw_strip(axes, strip, [(x, top - 0.3 + y) for x, y in centres], radii, (top - height, top), most)
            top -= height
        if left_out:
            said = ", ".join(look.plain(platform, 30) for platform in left_out)
            axes.text(_LEFT, 0.12, f"Not drawn: {said}.", fontsize=8, color=canvas.FAINT)
        look.stand_in(axes)
        return look.markdown(drawn, TITLE, lambda room: look.strokes(dots, high, room))


def _title(strips: list[_Strip], found: dict[str, _Pairs]) -> str:
    drawn = sum(len(strip.pairs) for strip in strips)
    where = f", {look.plain(strips[0].platform, 30)}" if len(found) == 1 else ""
    everything = sum(pairs.count for pairs in found.values())
    if drawn == everything:
        return f"{TITLE}{where}: {canvas.counted(drawn, 'pair')}"
    return f"{TITLE}{where}: the {canvas.count_text(drawn)} strongest of {canvas.count_text(everything)} pairs"


def _by_platform(pairs: pa.Table, rows: dict[str, list[look.Row]], most: int) -> dict[str, _Pairs]:
    """The strongest pairs under their platform; platforms in the order of `rows`."""
    import pyarrow.compute as pc

    known = pa.array([f"{platform}\n{row['account_id']}" for platform, found in rows.items() for row in found])
    platform, one, other = (pairs[name].cast(pa.string()) for name in ("platform", "account_id_a", "account_id_b"))
    forward = pc.less(one, other)
    table = pa.table(
        {
            "platform": platform,
            "a": pc.if_else(forward, one, other),
            "b": pc.if_else(forward, other, one),
            "jaccard": pairs["jaccard"],
        }
    )
    kept = pc.and_(pc.is_finite(table["jaccard"]), pc.not_equal(table["a"], table["b"]))
    for end in ("a", "b"):
        here = pc.is_in(pc.binary_join_element_wise(table["platform"], table[end], "\n"), known)
        kept = pc.and_(kept, here)
    table = table.filter(kept).group_by(["platform", "a", "b"]).aggregate([("jaccard", "max")])
    order = [("jaccard_max", "descending"), ("a", "ascending"), ("b", "ascending")]
    found = {}
    for name in rows:
        listed = table.filter(pc.equal(table["platform"], name))
        if listed.num_rows:
            strongest = listed.sort_by(order).slice(0, most)
            columns = (strongest[column].to_pylist() for column in ("a", "b", "jaccard_max"))
            found[name] = _Pairs(listed.num_rows, list(zip(*columns, strict=True)))
    return found


def _strip(platform: str, rows: list[look.Row], pairs: list[Pair]) -> _Strip:
    """The groups of one platform, the largest first, those without community last."""
    known = {row["account_id"]: row for row in rows}
    everyone = look.communities(platform, rows)
    touched = {account for a, b, _ in pairs for account in (a, b)}
    inside: dict[str, set[str]] = defaultdict(set)
    for account in touched:
        if (community := known[account]["community_id"]) is not None:
            inside[community].add(account)
    groups = []
    for community in everyone:
        if community.community_id in inside:
            accounts = inside[community.community_id]
            # The anchor gives the name, so it is there even where none of its own pairs is.
            if community.anchor[1] in known:
                accounts.add(community.anchor[1])
            groups.append(_Group(community, sorted(accounts)))
    groups.sort(key=lambda group: -len(group.accounts))
    homeless = sorted(account for account in touched if known[account]["community_id"] is None)
    groups += [_Group(None, part) for part in _parts(homeless, pairs)]
    return _Strip(platform, known, pairs, groups, [community.community_id for community in everyone])


def _parts(accounts: list[str], pairs: list[Pair]) -> list[list[str]]:
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(accounts)
    graph.add_edges_from((a, b) for a, b, _ in pairs if a in graph and b in graph)
    return sorted((sorted(part) for part in nx.connected_components(graph)), key=lambda part: (-len(part), part))


def _radius(group: _Group) -> float:
    """In units that the strip scales."""
    return 0.45 + 0.36 * sqrt(len(group.accounts))


def _packed(strip: _Strip, most: float) -> tuple[list[look.Spot], list[float], float]:
    """Circles in rows, scaled to the strip's width: centres with 0 at the top, radii, height; all in inches."""
    radii = [_radius(group) for group in strip.groups]
    wide = _RIGHT - _LEFT
    best: tuple[float, list[list[int]]] = (0.0, [])
    longest = sum(2 * radius + 0.5 for radius in radii)
    for rows in range(1, len(radii) + 1):
        shelves = _shelves(radii, max(longest / rows, 2 * max(radii) + 0.5))
        across = max(sum(2 * radii[place] + 0.5 for place in shelf) for shelf in shelves)
        down = sum(2 * radii[shelf[0]] + 0.75 for shelf in shelves)
        scale = min(wide / across, most / down, 0.62)
        if scale > best[0] + 1e-9:
            best = (scale, shelves)
    scale, shelves = best
    centres: list[look.Spot] = [(0.0, 0.0)] * len(radii)
    y = 0.0
    for shelf in shelves:
        y -= 0.55 * scale
        free = wide / scale - sum(2 * radii[place] for place in shelf)
        x = 0.0
        for place in shelf:
            x += free / len(shelf) / 2 + radii[place]
            centres[place] = (_LEFT + x * scale, (y - radii[shelf[0]] * scale))
            x += free / len(shelf) / 2 + radii[place]
        y -= 2 * radii[shelf[0]] * scale + 0.2 * scale
    return centres, [radius * scale for radius in radii], -y


def _shelves(radii: list[float], width: float) -> list[list[int]]:
    """Positions in rows of at most that width; each row begins with its largest circle."""
    order = sorted(range(len(radii)), key=lambda place: -radii[place])
    shelves: list[list[int]] = []
    used = width
    for place in order:
        need = 2 * radii[place] + 0.5
        if not shelves or used + need > width + 1e-9:
            shelves.append([])
            used = 0.0
        shelves[-1].append(place)
        used += need
    return shelves


def _legend_height(strip: _Strip, most: int) -> float:
    named = sum(group.community is not None for group in strip.groups)
    return 0.185 * (min(named, most) + 4) + 1.1


def _draw_strip(
    axes: Axes, strip: _Strip, centres: list[look.Spot], radii: list[float], span: tuple[float, float], most: int
) -> list[look.Dot]:
    """Lines, names and legend; the dots are returned, for they are written last."""
    shown = [group.community.community_id for group in strip.groups if group.community]
    style = look.styles(shown, strip.ranked, most)
    spots: dict[str, look.Spot] = {}
    home: dict[str, int] = {}
    for number, (group, centre, radius) in enumerate(zip(strip.groups, centres, radii, strict=True)):
        spots |= _places(group, strip.pairs, centre, radius)
        home |= dict.fromkeys(group.accounts, number)
    looks = [
        look.NOBODY if group.community is None else style.get(group.community.community_id, look.OTHERS)
        for group in strip.groups
    ]
    bands = _bands([jaccard for _, _, jaccard in strip.pairs])
    for band, (low, high) in enumerate(bands):
        ends: dict[str, list[tuple[look.Spot, look.Spot]]] = defaultdict(list)
        for a, b, jaccard in strip.pairs:
            if low <= jaccard <= high and (band == len(bands) - 1 or jaccard < bands[band + 1][0]):
                same = home[a] == home[b]
                colour = looks[home[a]].colour if same else ""
                ends[colour].append((spots[a], spots[b]))
        for colour, lines in sorted(ends.items()):
            look.lines(axes, lines, colour or canvas.QUIET, _WIDTHS[band], alpha=0.55 if colour else 0.7)
    look.grounds(axes, zip(centres, radii, strict=True))
    # Where circles are small, dots are too.
    shrunk = min(1.0, (radii[0] / _radius(strip.groups[0]) / 0.25) ** 2)
    dots: dict[str, look.Dot] = {}
    names = []
    for group, shape in zip(strip.groups, looks, strict=True):
        anchor = group.community.anchor[1] if group.community else None
        for account in group.accounts:
            area = shrunk * look.dot_area(strip.rows[account]["n_followers"])
            dots[account] = look.Dot(*spots[account], area, shape, ringed=account == anchor)
        if group.community and anchor in dots and (group.community.community_id in style or len(shown) <= 40):
            names.append((dots[anchor], look.plain(group.community.name, 22)))
    bounds = (0.05, span[0], _RIGHT + 0.1, span[1])
    look.labels(axes, names, bounds, limit=40, free=list(dots.values()))
    return list(dots.values()) + _legend(axes, strip, style, bands, span[1], shrunk)


def _places(group: _Group, pairs: list[Pair], centre: look.Spot, radius: float) -> dict[str, look.Spot]:
    """Where each dot of a group lies: a ring for few, else a seeded force layout stretched to the circle."""
    import networkx as nx
    import numpy as np

    accounts = group.accounts
    if len(accounts) == 1:
        return {accounts[0]: centre}
    number = {account: place for place, account in enumerate(accounts)}
    inner = [(number[a], number[b]) for a, b, _ in pairs if a in number and b in number]
    if len(accounts) <= 8:
        angles = np.pi / 2 + 2 * np.pi * np.arange(len(accounts)) / len(accounts)
        flat = np.column_stack([np.cos(angles), np.sin(angles)]) * (0.72 if len(accounts) > 2 else 0.55)
    else:
        graph = nx.Graph()
        graph.add_nodes_from(range(len(accounts)))
        graph.add_edges_from(inner)
        layout = nx.spring_layout(graph, k=2.2 / sqrt(len(accounts)), iterations=150, seed=7, weight=None)
        flat = np.array([layout[place] for place in range(len(accounts))])
        flat -= flat.mean(axis=0)
        distance = np.hypot(flat[:, 0], flat[:, 1])
        rank = np.empty(len(accounts))
        rank[np.argsort(distance, kind="stable")] = np.arange(len(accounts))
        # Forces leave a knot in the middle: spread the distances half-way to an evenly filled circle.
        wanted = 0.5 * distance / (distance.max() or 1.0) + 0.5 * np.sqrt((rank + 0.5) / len(accounts))
        flat *= (0.88 * wanted / np.where(distance > 0, distance, 1.0))[:, None]
        flat = _apart(flat, 1.25 / sqrt(len(accounts)))
    return {
        account: (centre[0] + radius * float(x), centre[1] + radius * float(y))
        for account, (x, y) in zip(accounts, flat, strict=True)
    }


def _apart(flat: npt.NDArray[np.float64], least: float) -> npt.NDArray[np.float64]:
    """Move dots nearer than `least` away from each other, none out of the circle of radius 0.9."""
    import numpy as np

    for _ in range(80):
        away = flat[:, None, :] - flat
        distance = np.hypot(away[:, :, 0], away[:, :, 1])
        near = np.maximum(0.0, least - distance)
        np.fill_diagonal(near, 0.0)
        if near.max() < 0.02 * least:
            break
        flat = flat + 0.35 * (away * (near / np.maximum(distance, 1e-9))[:, :, None]).sum(axis=1)
        reach = np.hypot(flat[:, 0], flat[:, 1])
        flat = flat * np.minimum(1.0, 0.9 / np.maximum(reach, 1e-9))[:, None]
    return flat


def _bands(values: list[float]) -> list[tuple[float, float]]:
    """Up to three spans of the Jaccard index, weakest first."""
    low, high = min(values), max(values)
    if high - low < 0.015:
        return [(low, high)]
    step = (high - low) / 3
    return [(low, low + step), (low + step, low + 2 * step), (low + 2 * step, high)]


def _legend(
    axes: Axes, strip: _Strip, style: dict[str, look.Style], bands: list[tuple[float, float]], top: float, shrunk: float
) -> list[look.Dot]:
    dots: list[look.Dot] = []
    entries, others, nobody = [], 0, 0
    for group in strip.groups:
        if group.community is None:
            nobody += len(group.accounts)
        elif group.community.community_id in style:
            number = f"{canvas.count_text(len(group.accounts))} of {canvas.count_text(group.community.size)}"
            entries.append((style[group.community.community_id], group.community.name, number))
        else:
            others += len(group.accounts)
    if others:
        entries.append((look.OTHERS, "other communities", canvas.count_text(others)))
    if nobody:
        entries.append((look.NOBODY, "without community", canvas.count_text(nobody)))
    y = look.legend(axes, dots, top, ("community of", "drawn, of all"), entries)
    y = look.size_legend(axes, dots, y, [(look.dot_area(number) * shrunk, text) for number, text in look.SIZES])
    axes.text(look.LEGEND_LEFT, y - 0.1, "Jaccard index of the pair", fontsize=8, fontweight="bold", va="center",
              color=canvas.INK)  # fmt: skip
    for band, (low, high) in enumerate(bands):
        y -= 0.185
        sample = ((look.LEGEND_LEFT, y - 0.1), (look.LEGEND_LEFT + 0.3, y - 0.1))
        look.lines(axes, [sample], canvas.FAINT, _WIDTHS[band])
        span = f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"
        axes.text(look.LEGEND_LEFT + 0.4, y - 0.1, span, fontsize=7.5, va="center", color=canvas.FAINT)
    return dots
