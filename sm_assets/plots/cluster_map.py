"""The map of clusters: one dot per account or hashtag, alike ones near each other, as a picture and as a page.

Here: a static picture for the asset's page, and a page by itself that people move about in; it holds all it needs and
asks nothing of any server. Not here: where dots lie, which of many are drawn.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import textwrap
from collections.abc import Iterable, Mapping
from math import isfinite, pi, sqrt
from typing import Any, Final

import pyarrow as pa

from sm_assets.plots import audience_look as look
from sm_assets.plots import canvas, cluster_look

TITLE: Final = "Map of clusters"
MAX_TEXT: Final = 280
_WRAP: Final = 70
_SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up", "star")
_FONT: Final = "'DejaVu Sans', Verdana, 'Segoe UI', 'Noto Sans', sans-serif"
_ABOUT: Final = "Near means alike; how far apart distant groups lie says little. No cluster is made from the map."
_LEFT, _FOOT, _TOP = 0.2, 0.2, 0.72
_HIGH: Final = 6.2
_SMALLEST, _LARGEST = 6, 30
_LABEL: Final = 30


def draw(points: pa.Table, labels: Mapping[int, str], *, noun: str = "account") -> str:
    """The picture.

    Args:
        points: rows of one day and analysis of out_map_points; read: cluster_id, x, y.
        labels: terms of each cluster.
        noun: what a dot is.

    Returns:
        Markdown.
    """
    rows = _rows(points)
    if not rows:
        return canvas.statement(TITLE, "nothing has a place on this day.")
    by_cluster = _by_cluster(rows)
    shown = [number for number in by_cluster if not cluster_look.is_noise(number)][: len(look.STYLES)]
    styles = {number: cluster_look.style(number) if number in shown else look.OTHERS for number in by_cluster}
    styles |= {number: look.NOBODY for number in by_cluster if cluster_look.is_noise(number)}
    with canvas.figure(look.WIDTH, max(_HIGH, 1.5 + 0.19 * len(shown))) as drawn:
        axes = look.sheet(drawn)
        high = drawn.get_figheight()
        look.headline(axes, _headline(by_cluster, noun), _ABOUT)
        dots = _dots(by_cluster, styles, (_LEFT, _FOOT, look.LEGEND_LEFT - 0.25, high - _TOP))
        entries = [
            (styles[number], cluster_look.name(number, labels, 60), canvas.count_text(len(by_cluster[number])))
            for number in shown
        ]
        for style, name in ((look.OTHERS, "smaller clusters"), (look.NOBODY, cluster_look.NOISE)):
            count = sum(len(found) for number, found in by_cluster.items() if styles[number] == style)
            entries += [(style, name, canvas.count_text(count))] if count else []
        look.legend(axes, dots, high - _TOP, ("cluster", f"{noun}s"), entries)
        look.stand_in(axes)
        return look.markdown(drawn, TITLE, lambda room: look.strokes(dots, high, room))


def page(points: pa.Table, labels: Mapping[int, str], title: str, *, about: str = "", noun: str = "account") -> str:
    """The page: an HTML file that needs nothing but itself.

    Args:
        points: as for `draw`; read too: item_id, text, and, where they are there, size: the larger, the wider the dot;
            label: what stands beside the dot.
        labels: terms of each cluster; the legend and every dot of the cluster show them.
        title: heading of the page.
        about: one more sentence below it.
        noun: what a dot is.

    Returns:
        HTML with plotly.js inside. Texts are cut to 280 characters, without what turns directions, and escaped for
        the three languages that they pass through: JSON in HTML, plotly's own markup, its templates. A content
        security policy lets the page run its own two scripts and ask nobody for anything.
    """
    from plotly.offline import get_plotlyjs

    by_cluster = _by_cluster(_rows(points))
    figure = json.dumps(_figure(by_cluster, labels), allow_nan=False, separators=(",", ":"))
    for letter in "<>&":
        figure = figure.replace(letter, f"\\u{ord(letter):04x}")
    # A browser reads CR LF as LF before it takes a script's digest.
    library, start = get_plotlyjs().replace("\r\n", "\n"), _START
    allowed = " ".join(f"'sha256-{_sha256(script)}'" for script in (library, start))
    policy = (
        f"default-src 'none'; script-src {allowed} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    return _PAGE.format(
        policy=policy,
        title=html.escape(look.plain(title, MAX_TEXT)),
        heading=html.escape(f"{look.plain(title, MAX_TEXT)}: {_headline(by_cluster, noun)}"),
        about=html.escape(look.plain(f"{_ABOUT} {about}", 2 * MAX_TEXT)),
        font=_FONT,
        figure=figure,
        library=library,
        start=start,
    )


_START: Final = """
const figure = JSON.parse(document.getElementById("figure").textContent);
Plotly.newPlot("map", figure.data, figure.layout, figure.config);
"""

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
html, body {{ height: 100%; margin: 0; background: #fff; color: #1f2933; font-family: {font}; }}
body {{ display: flex; flex-direction: column; }}
header {{ padding: 14px 20px 0; }}
h1 {{ font-size: 18px; margin: 0 0 4px; }}
p {{ font-size: 13px; color: #52606d; margin: 0; }}
#map {{ flex: 1; min-height: 420px; }}
</style>
</head>
<body>
<header><h1>{heading}</h1><p>{about}</p></header>
<div id="map"></div>
<script type="application/json" id="figure">{figure}</script>
<script>{library}</script>
<script>{start}</script>
</body>
</html>
"""


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _rows(points: pa.Table) -> list[dict[str, Any]]:
    """Rows that have a place, in the order of their names."""
    order = [(name, "ascending") for name in ("platform", "item_id") if name in points.column_names]
    rows = (points.sort_by(order) if order else points).to_pylist()
    return [row for row in rows if all(row[name] is not None and isfinite(row[name]) for name in ("x", "y"))]


def _by_cluster(rows: Iterable[dict[str, Any]]) -> dict[int | None, list[dict[str, Any]]]:
    """Rows by cluster, in the order of numbers; noise last, under None."""
    found: dict[int | None, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(None if cluster_look.is_noise(row["cluster_id"]) else row["cluster_id"], []).append(row)
    return dict(sorted(found.items(), key=lambda item: (item[0] is None, item[0] or 0)))


def _headline(by_cluster: Mapping[int | None, list[dict[str, Any]]], noun: str) -> str:
    clusters = len(set(by_cluster) - {None})
    return f"{canvas.counted(sum(map(len, by_cluster.values())), noun)} in {canvas.counted(clusters, 'cluster')}"


def _dots(
    by_cluster: Mapping[int | None, list[dict[str, Any]]], styles: Mapping[int | None, look.Style], box: look.Box
) -> list[look.Dot]:
    """Dots on the sheet; noise below, small clusters above large ones."""
    rows = [row for found in by_cluster.values() for row in found]
    left, low, right, high = box
    xs, ys = [row["x"] for row in rows], [row["y"] for row in rows]
    across, down = max(xs) - min(xs), max(ys) - min(ys)
    scale = min((right - left - 0.2) / (across or 1e-9), (high - low - 0.2) / (down or 1e-9), 1e9)
    wide = min(max(170 / sqrt(len(rows)), 2.6), 7.0)
    order = sorted(by_cluster, key=lambda number: (number is not None, -len(by_cluster[number])))
    return [
        look.Dot(
            (left + right) / 2 + (row["x"] - (min(xs) + max(xs)) / 2) * scale,
            (low + high) / 2 + (row["y"] - (min(ys) + max(ys)) / 2) * scale,
            pi * wide * wide / 4,
            styles[number],
        )
        for number in order
        for row in by_cluster[number]
    ]


def _escaped(text: str) -> str:
    """The text as plotly shows it and does not read it: its markup knows tags and few names of letters."""
    return html.escape(text).replace("&quot;", "&#34;").replace("{", "&#123;").replace("%", "&#37;")


def _hover(text: str | None) -> str:
    lines = textwrap.wrap(look.plain(text, MAX_TEXT), _WRAP, break_on_hyphens=False)
    return "<br>".join(_escaped(line) for line in lines)


def _labels(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What stands beside dots."""
    return {
        "text": [_escaped(look.plain(row["label"], _LABEL)) for row in rows],
        "textposition": "top center",
        "textfont": {"size": 10, "color": canvas.INK},
    }


def _wide(size: float | None, largest: float) -> float:
    """Pixels across a dot: 6, and more the larger it is, up to 30."""
    return round(_SMALLEST + (_LARGEST - _SMALLEST) * sqrt((size or 0) / largest), 1)


def _figure(by_cluster: Mapping[int | None, list[dict[str, Any]]], labels: Mapping[int, str]) -> dict[str, Any]:
    """What plotly draws; noise first, that is below."""
    few = len(look.STYLES)
    largest = max((row["size"] for found in by_cluster.values() for row in found if row.get("size")), default=0)
    traces = []
    for number in sorted(by_cluster, key=lambda number: (number is not None, number or 0)):
        rows, style = by_cluster[number], cluster_look.style(number)
        symbol = _SYMBOLS[(number or 0) // few % len(_SYMBOLS)] + ("" if style.filled else "-open")
        named = any(row.get("label") for row in rows)
        traces.append(
            {
                "type": "scattergl",
                "mode": "markers+text" if named else "markers",
                "name": f"{_escaped(cluster_look.name(number, labels))} ({canvas.count_text(len(rows))})",
                "x": [round(row["x"], 4) for row in rows],
                "y": [round(row["y"], 4) for row in rows],
                "customdata": [[_escaped(look.plain(row["item_id"], 80)), _hover(row["text"])] for row in rows],
                "meta": [_hover(cluster_look.name(number, labels, MAX_TEXT))],
                "hovertemplate": "<b>%{customdata[1]}</b><br>%{customdata[0]}<br>%{meta[0]}<extra></extra>",
                "marker": {
                    "color": style.colour,
                    "symbol": symbol,
                    "size": [_wide(row["size"], largest) for row in rows] if largest else 6 if number is None else 8,
                    "opacity": 0.85,
                },
            }
            | (_labels(rows) if named else {})
        )
    axis = {"visible": False, "zeroline": False}
    return {
        "data": traces,
        "layout": {
            "font": {"family": _FONT, "size": 13, "color": canvas.INK},
            "margin": {"l": 20, "r": 20, "t": 10, "b": 20},
            "xaxis": axis,
            "yaxis": axis | {"scaleanchor": "x"},
            "hovermode": "closest",
            "hoverlabel": {"align": "left", "bgcolor": "#fff", "font": {"color": canvas.INK}},
            "legend": {
                "itemsizing": "constant",
                "title": {"text": "Click to hide, twice to see alone", "font": {"size": 11, "color": canvas.FAINT}},
                "y": 0.94,
            },
            "plot_bgcolor": "#fff",
            "showlegend": True,
            "dragmode": "pan",
        },
        "config": {"displaylogo": False, "responsive": True, "scrollZoom": True, "showTips": False},
    }
