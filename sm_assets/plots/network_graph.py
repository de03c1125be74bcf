"""The largest networks as a graph: accounts as dots, co-sharing pairs as lines.

Each network is laid out alone and the networks are set side by side, so that a picture of many networks stays
readable; pairs between networks are drawn faintly.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import ceil, log10, sqrt
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from sm_assets.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "The largest networks as a graph"
Key = tuple[str, str]

_LABELS_PER_NETWORK: Final = 3
_LABEL_CHARACTERS: Final = 24


@dataclass(frozen=True, slots=True)
class _Network:
    number: int
    language: str | None
    size: int
    rows: dict[Key, dict[str, object]]
    pairs: list[tuple[Key, Key, float]]


@dataclass(frozen=True, slots=True)
class _Dot:
    x: float
    y: float
    followers: int
    colour: str


def draw(
    members: pa.Table, pairs: pa.Table, *, max_networks: int = 8, max_accounts: int = 60, max_pairs: int = 140
) -> str:
    """Draw the networks with most members.

    Args:
        members: rows of one day of out_cosharing_members; read: platform, account_id, cluster_id, display_name, handle,
            followers, language, n_shared_contents.
        pairs: rows of the same day of out_cosharing_pairs; read: platform_a, account_id_a, platform_b, account_id_b,
            n_shared, damped_npmi.
        max_networks: networks drawn, at most eight (one colour each).
        max_accounts: accounts drawn per network, those with most shared contents first.
        max_pairs: strongest pairs drawn per network; a further pair is drawn where an account would have none.

    Returns:
        Markdown.
    """
    networks = _select(members, pairs, min(max_networks, len(canvas.COLOURS)), max_accounts, max_pairs)
    if not networks:
        return canvas.statement(TITLE, "no networks in this window.")
    radii = [0.55 + 0.30 * sqrt(len(network.rows)) for network in networks]
    centres, width, height = _rows_of_circles(radii)
    scale = 9.6 / width
    with canvas.figure(9.6, height * scale + 0.62) as drawn:
        axes = drawn.add_axes((0, 0, 1, height * scale / drawn.get_figheight()))
        axes.set_xlim(0, width)
        axes.set_ylim(0, height)
        canvas.bare(axes)
        dots: list[_Dot] = []
        colours = canvas.network_colours(network.number for network in networks)
        for network, centre, radius in zip(networks, centres, radii, strict=True):
            dots += _draw_network(axes, network, centre, radius, colours[network.number])
        _draw_dots(axes, dots)
        drawn.text(
            0.012, 1 - 0.26 / drawn.get_figheight(),
            f"Who shares with whom: the {len(networks)} largest networks" if networks[1:] else "Who shares with whom",
            fontsize=11, fontweight="bold", color=canvas.INK,
        )  # fmt: skip
        drawn.text(
            0.012, 1 - 0.48 / drawn.get_figheight(),
            "dot = account, its size = followers; line = two accounts with contents in common (the strongest pairs)",
            fontsize=8, color=canvas.FAINT,
        )  # fmt: skip
        return canvas.markdown(drawn, TITLE)


def _select(members: pa.Table, pairs: pa.Table, max_networks: int, max_accounts: int, max_pairs: int) -> list[_Network]:
    wanted = (
        "platform",
        "account_id",
        "cluster_id",
        "display_name",
        "handle",
        "followers",
        "language",
        "n_shared_contents",
    )
    by_network: dict[int, dict[Key, dict[str, object]]] = defaultdict(dict)
    for row in members.select(list(wanted)).to_pylist():
        if row["cluster_id"] is not None:
            by_network[row["cluster_id"]][row["platform"], row["account_id"]] = row
    largest = sorted(by_network, key=lambda number: (-len(by_network[number]), number))[:max_networks]
    home = {key: number for number in largest for key in by_network[number]}
    found: dict[int, list[tuple[Key, Key, float]]] = defaultdict(list)
    names = ("platform_a", "account_id_a", "platform_b", "account_id_b", "n_shared", "damped_npmi")
    columns = (pairs[name].to_pylist() for name in names)
    for platform_a, id_a, platform_b, id_b, n_shared, npmi in zip(*columns, strict=True):
        a, b = (platform_a, id_a), (platform_b, id_b)
        if home.get(a, -1) == home.get(b, -2):
            found[home[a]].append((a, b, n_shared * max(npmi or 0.0, 0.0)))
    networks = []
    for number in largest:
        size, rows = len(by_network[number]), by_network[number]
        kept = sorted(rows, key=lambda key: (-_number(rows[key]["n_shared_contents"]), key))[:max_accounts]
        rows = {key: rows[key] for key in sorted(kept)}
        networks.append(_Network(number, _language(rows), size, rows, _strongest(rows, found[number], max_pairs)))
    return networks


def _language(rows: dict[Key, dict[str, object]]) -> str | None:
    counts: dict[str, int] = defaultdict(int)
    for row in rows.values():
        if row["language"]:
            counts[str(row["language"])] += 1
    return min(counts, key=lambda code: (-counts[code], code)) if counts else None


def _strongest(
    rows: dict[Key, dict[str, object]], pairs: list[tuple[Key, Key, float]], limit: int
) -> list[tuple[Key, Key, float]]:
    kept: list[tuple[Key, Key, float]] = []
    met: set[Key] = set()
    for pair in sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1])):
        a, b, _ = pair
        if a in rows and b in rows and (len(kept) < limit or a not in met or b not in met):
            kept.append(pair)
            met |= {a, b}
    return kept


def _rows_of_circles(radii: list[float]) -> tuple[list[tuple[float, float]], float, float]:
    """Centres of the circles in rows of about equal width, and the size of the whole; the first row is on top."""
    gap, head = 0.5, 0.6
    total = sum(2 * radius + gap for radius in radii)
    n_rows = max(1, round(sqrt(total / 9)))
    rows: list[list[int]] = [[]]
    used = 0.0
    for position, radius in enumerate(radii):
        if used > 0 and used + radius > total / n_rows and len(rows) < n_rows:
            rows.append([])
            used = 0.0
        rows[-1].append(position)
        used += 2 * radius + gap
    widths = [sum(2 * radii[position] + gap for position in row) for row in rows]
    width = max(*widths, 8.0)
    height = sum(2 * max(radii[position] for position in row) + gap + head for row in rows)
    centres = [(0.0, 0.0)] * len(radii)
    top = height
    for row, used in zip(rows, widths, strict=True):
        tallest = max(radii[position] for position in row)
        spare = (width - used) / len(row)
        x = 0.0
        for position in row:
            x += spare / 2 + radii[position] + gap / 2
            centres[position] = (x, top - head - tallest)
            x += spare / 2 + radii[position] + gap / 2
        top -= 2 * tallest + gap + head
    return centres, width, height


def _draw_dots(axes: Axes, dots: list[_Dot]) -> None:
    """All dots, one call per size: SVG then holds each circle once instead of once per dot."""
    by_size: dict[int, list[_Dot]] = defaultdict(list)
    for dot in dots:
        by_size[round(2 * log10(dot.followers + 1))].append(dot)
    for size, group in sorted(by_size.items(), reverse=True):
        axes.scatter(
            [dot.x for dot in group], [dot.y for dot in group], s=8 + 0.8 * size**2,
            c=[dot.colour for dot in group], edgecolors="white", linewidths=0.7, zorder=2,
        )  # fmt: skip


def _draw_lines(axes: Axes, network: _Network, places: dict[Key, tuple[float, float]], colour: str) -> None:
    """All lines of a network in three strengths, each one path."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    strongest = max((strength for _, _, strength in network.pairs), default=1.0) or 1.0
    for band, width in enumerate((0.6, 1.1, 1.8)):
        ends = [
            (places[a], places[b]) for a, b, strength in network.pairs if min(2, int(3 * strength / strongest)) == band
        ]
        if ends:
            path = Path([end for pair in ends for end in pair], [Path.MOVETO, Path.LINETO] * len(ends))
            axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=width, alpha=0.3, zorder=1))


def _draw_network(axes: Axes, network: _Network, centre: tuple[float, float], radius: float, colour: str) -> list[_Dot]:
    """Lines, labels and heading; the dots are returned, for all networks draw theirs together."""
    places = _places(network, centre, radius)
    _draw_lines(axes, network, places, colour)
    followers = {key: _number(row["followers"]) for key, row in network.rows.items()}
    labelled: list[tuple[float, float]] = []
    for key in sorted(network.rows, key=lambda key: (-followers[key], key)):
        x, y = places[key]
        # A label lies on a line of its own: no second one close above or below it.
        if len(labelled) < _LABELS_PER_NETWORK and all(abs(y - other) > 0.3 for _, other in labelled):
            row = network.rows[key]
            name = canvas.fit_text(str(row["display_name"] or row["handle"] or row["account_id"]), _LABEL_CHARACTERS)
            axes.annotate(
                name, (x, y), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=7,
                zorder=4, color=canvas.INK,
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.78},
            )  # fmt: skip
            labelled.append((x, y))
    shown = f", {len(network.rows)} shown" if network.size > len(network.rows) else ""
    axes.text(
        centre[0], centre[1] + radius + 0.33, canvas.network_name(network.number, network.language),
        ha="center", va="bottom", fontsize=9, fontweight="bold", color=canvas.INK,
    )  # fmt: skip
    axes.text(
        centre[0], centre[1] + radius + 0.29, f"{canvas.count_text(network.size)} accounts{shown}",
        ha="center", va="top", fontsize=7.5, color=canvas.FAINT,
    )  # fmt: skip
    return [_Dot(*places[key], followers[key], colour) for key in network.rows]


def _places(network: _Network, centre: tuple[float, float], radius: float) -> dict[Key, tuple[float, float]]:
    """Where each account's dot lies: a seeded force layout, stretched to the circle."""
    import networkx as nx
    import numpy as np

    keys = list(network.rows)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(keys)))
    number = {key: position for position, key in enumerate(keys)}
    graph.add_weighted_edges_from((number[a], number[b], strength) for a, b, strength in network.pairs)
    if len(keys) <= 12:
        # Few dots are easiest to read on a ring.
        angles = np.pi / 2 + 2 * np.pi * np.arange(len(keys)) / len(keys)
        flat = np.column_stack([np.cos(angles), np.sin(angles)]) * (0.72 if len(keys) > 2 else 0.5)
    else:
        layout = nx.spring_layout(graph, k=1.9 / ceil(sqrt(len(keys))), iterations=120, seed=7, weight=None)
        flat = np.array([layout[position] for position in range(len(keys))])
        flat -= flat.mean(axis=0)
        distance = np.sqrt((flat**2).sum(axis=1, keepdims=True))
        # A few loose accounts far out would press all others into a knot: draw the distances together.
        flat *= (distance / (distance.max() or 1.0)) ** 0.6 / np.where(distance > 0, distance, 1.0)
    return {
        key: (centre[0] + radius * 0.9 * x, centre[1] + radius * 0.86 * y)
        for key, (x, y) in zip(keys, flat, strict=True)
    }


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
