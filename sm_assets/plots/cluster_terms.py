"""Terms of clusters: for each a list of the words that mark it off, with how strongly they do."""

from __future__ import annotations

from math import ceil
from typing import Final

import pyarrow as pa

from sm_assets.plots import audience_look as look
from sm_assets.plots import canvas, cluster_look

TITLE: Final = "What marks the clusters off"
_COLUMNS: Final = 4
_LINE: Final = 0.17
_TOP, _HEAD, _FOOT = 0.66, 0.36, 0.3


def draw(terms: pa.Table, *, n_terms: int = 8, limit: int = 16) -> str:
    """Lists of the first `limit` clusters, each with bars as long as the weights compared with the cluster's first.

    Args:
        terms: rows of one day and analysis of out_cluster_terms; read: cluster_id, rank, term, weight, n_accounts.
        n_terms: terms of a cluster.
        limit: clusters.

    Returns:
        Markdown.
    """
    by_cluster: dict[int, list[dict[str, object]]] = {}
    for row in terms.sort_by([("cluster_id", "ascending"), ("rank", "ascending")]).to_pylist():
        by_cluster.setdefault(row["cluster_id"], []).append(row)
    if not by_cluster:
        return canvas.statement(TITLE, "no cluster has terms on this day.")
    shown = list(by_cluster)[:limit]
    columns = min(len(shown), _COLUMNS)
    longest = max(len(by_cluster[number][:n_terms]) for number in shown)
    block = _HEAD + longest * _LINE
    with canvas.figure(look.WIDTH, _TOP + ceil(len(shown) / columns) * block + _FOOT) as drawn:
        high = drawn.get_figheight()
        axes = look.sheet(drawn)
        look.headline(
            axes, f"Terms of {canvas.counted(len(by_cluster), 'cluster')}",
            "bars: weight compared with the cluster's first term; numbers: accounts of the cluster that use it",
        )  # fmt: skip
        wide = (look.WIDTH - 0.24) / _COLUMNS
        for at, number in enumerate(shown):
            left, top = 0.12 + at % columns * wide, high - _TOP - at // columns * block
            style = cluster_look.style(number)
            axes.text(left, top - 0.16, f"cluster {number}", fontsize=8.5, fontweight="bold", color=style.colour)
            best = float(str(by_cluster[number][0]["weight"]))
            for place, row in enumerate(by_cluster[number][:n_terms]):
                y = top - _HEAD - (place - 0.35) * _LINE
                length = (wide - 0.3) * float(str(row["weight"])) / best
                axes.barh([y], [length], left=left, height=_LINE * 0.8, color=style.colour, alpha=0.22)
                count = canvas.count_text(int(str(row["n_accounts"])))
                room = wide - 0.5 - look.text_width(count, 6.5)
                term = look.fitted(look.plain(row["term"], 60), room, 8)
                axes.text(left + 0.05, y, term, fontsize=8, va="center", color=canvas.INK)
                axes.text(left + wide - 0.34, y, count, fontsize=6.5, va="center", ha="right", color=canvas.FAINT)
        if len(by_cluster) > len(shown):
            text = f"Not shown: {canvas.counted(len(by_cluster) - len(shown), 'smaller cluster')}."
            axes.text(0.12, 0.12, text, fontsize=8, color=canvas.FAINT)
        return canvas.markdown(drawn, TITLE)
