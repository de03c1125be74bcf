"""Sizes and stabilities of communities: a bar and a mark per community, the largest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.plots import audience_look as look
from sm_assets.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "Communities of influencers"

STABLE_FROM: Final = 0.75
"""From here on a community counts as stable."""

_STABLE, _UNSTABLE = canvas.COLOURS[0], canvas.COLOURS[1]
_LINE: Final = 0.36
_TOP, _FOOT = 0.74, 0.62


def draw(communities: pa.Table, *, limit: int = 20) -> str:
    """Bars of the `limit` largest communities, beside them how stable they are, and a line about the others.

    Args:
        communities: rows of one day of out_audience_communities; read: platform, community_id, n_members, stability,
            anchor_account_id, top_member_ids, top_member_names, label_terms.
        limit: bars.

    Returns:
        Markdown.
    """
    if communities.num_rows == 0:
        return canvas.statement(TITLE, "no communities on this day.")
    ranked = communities.sort_by(
        [("n_members", "descending"), ("platform", "ascending"), ("community_id", "ascending")]
    )
    rows = ranked.slice(0, limit).to_pylist()
    several = len(pc.unique(communities["platform"])) > 1
    with canvas.figure(look.WIDTH, _TOP + _LINE * len(rows) + _FOOT) as drawn:
        high = drawn.get_figheight()
        base, span = _FOOT / high, _LINE * len(rows) / high
        _names(look.sheet(drawn), rows, several=several)
        _sizes(drawn.add_axes((0.40, base, 0.33, span)), rows)
        _stabilities(drawn.add_axes((0.765, base, 0.215, span)), rows)
        drawn.text(
            0.0125, 1 - 0.28 / high, _headline(communities, several=several), fontsize=11, fontweight="bold",
            color=canvas.INK,
        )  # fmt: skip
        drawn.text(0.0125, 1 - 0.48 / high, _about(communities), fontsize=8, color=canvas.FAINT)
        rest = ranked["n_members"].slice(limit)
        if len(rest):
            bounds = pc.min_max(rest).as_py()
            span_text = f"{bounds['min']}" if bounds["min"] == bounds["max"] else f"{bounds['min']} to {bounds['max']}"
            text = f"Not shown: {canvas.count_text(len(rest))} smaller ones of {span_text} members."
            drawn.text(0.0125, 0.14 / high, text, fontsize=8, color=canvas.FAINT)
        return canvas.markdown(drawn, TITLE)


def _headline(communities: pa.Table, *, several: bool) -> str:
    total = pc.sum(communities["n_members"]).as_py()
    count = communities.num_rows
    number = "1 community" if count == 1 else f"{canvas.count_text(count)} communities"
    where = "" if several else f"{look.plain(communities['platform'][0].as_py(), 30)}: "
    return f"{where}{number} with {canvas.counted(total, 'influencer')}"


def _about(communities: pa.Table) -> str:
    stable = sum(_is_stable(value) for value in communities["stability"].to_pylist())
    return (
        "named: the anchor, and words that mark the members' profiles off; stability: how well repeated runs agree, "
        f"{canvas.count_text(stable)} of {canvas.count_text(communities.num_rows)} reach {STABLE_FROM}"
    )


def _is_stable(stability: float | None) -> bool:
    return stability is not None and stability >= STABLE_FROM


def _anchor_name(row: dict[str, Any]) -> str:
    """The anchor's name if it is among the largest members, else its id."""
    names = dict(zip(row["top_member_ids"] or (), row["top_member_names"] or (), strict=False))
    anchor = row["anchor_account_id"]
    return look.name_of({"display_name": names.get(anchor), "account_id": anchor}, 34)


def _places(rows: list[dict[str, Any]]) -> range:
    return range(len(rows), 0, -1)


def _names(axes: Axes, rows: list[dict[str, Any]], *, several: bool) -> None:
    right = look.WIDTH * 0.40 - 0.1
    room = right - (0.95 if several else 0.12)
    for place, row in zip(_places(rows), rows, strict=True):
        y = _FOOT + (place - 0.5) * _LINE
        terms = " \u00b7 ".join(term for term in (look.plain(term, 18) for term in row["label_terms"] or ()) if term)
        terms = look.fitted(terms, room, 7)
        if several:
            axes.text(0.12, y, look.plain(row["platform"], 11), va="center", fontsize=7.5, color=canvas.FAINT)
        name = look.fitted(_anchor_name(row), room, 8.5)
        axes.text(right, y + (0.075 if terms else 0), name, ha="right", va="center", fontsize=8.5, color=canvas.INK)
        if terms:
            axes.text(right, y - 0.085, terms, ha="right", va="center", fontsize=7, color=canvas.FAINT)


def _sizes(axes: Axes, rows: list[dict[str, Any]]) -> None:
    from matplotlib.ticker import MaxNLocator

    sizes = [row["n_members"] for row in rows]
    axes.barh(
        _places(rows), sizes, height=0.62,
        color=[_STABLE if _is_stable(row["stability"]) else _UNSTABLE for row in rows],
    )  # fmt: skip
    for place, size in zip(_places(rows), sizes, strict=True):
        axes.text(size + max(sizes) * 0.02, place, canvas.count_text(size), va="center", fontsize=8, color=canvas.FAINT)
    axes.set_xlim(0, max(sizes) * 1.22)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= max(sizes) * 1.1])
    axes.xaxis.set_major_formatter(lambda value, _: canvas.count_text(int(value)))
    axes.text(
        max(sizes) / 2,
        -0.4 / (_LINE * len(rows)),
        "members",
        fontsize=9,
        ha="center",
        va="center",
        color=canvas.FAINT,
        transform=axes.get_xaxis_transform(),
    )
    _plain(axes, rows)


def _stabilities(axes: Axes, rows: list[dict[str, Any]]) -> None:
    axes.axvline(STABLE_FROM, color=canvas.FAINT, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
    for place, row in zip(_places(rows), rows, strict=True):
        stability = row["stability"]
        if stability is None:
            axes.text(0.02, place, "unknown", va="center", fontsize=8, color=canvas.FAINT)
            continue
        stable = _is_stable(stability)
        colour = _STABLE if stable else _UNSTABLE
        axes.plot([0, stability], [place, place], color=canvas.QUIET, linewidth=1, zorder=1)
        axes.scatter(
            [stability], [place], s=34, c=[colour if stable else "white"], edgecolors=colour, linewidths=1.4, zorder=3
        )
        axes.text(
            1.07, place, f"{int(stability * 100) / 100:.2f}" + ("" if stable else "  unstable"), va="center",
            fontsize=8, color=canvas.FAINT if stable else _UNSTABLE, clip_on=False,
        )  # fmt: skip
    axes.set_xlim(0, 1.62)
    axes.set_xticks([0, 0.5, STABLE_FROM, 1], ["0", "0.5", "0.75", "1"])
    axes.text(
        0.5,
        -0.4 / (_LINE * len(rows)),
        "stability",
        fontsize=9,
        ha="center",
        va="center",
        color=canvas.FAINT,
        transform=axes.get_xaxis_transform(),
    )
    axes.spines["bottom"].set_bounds(0, 1)
    _plain(axes, rows)
    axes.xaxis.grid(visible=False)


def _plain(axes: Axes, rows: list[dict[str, Any]]) -> None:
    axes.set_yticks([])
    axes.set_ylim(0.5, len(rows) + 0.5)
    axes.spines["left"].set_visible(False)
    axes.xaxis.grid(visible=True)
