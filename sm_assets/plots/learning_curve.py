"""Learning curve: whether more labels would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from sm_assets.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "Learning curve"
READING: Final = "line: mean of the folds; band: from the lowest fold to the highest"
_LINES: Final = (("train_score", canvas.COLOURS[1], "learned from"), ("test_score", canvas.COLOURS[0], "not seen"))


def draw(table: pa.Table, name: str) -> str:
    """Mean macro F1 by number of labels, with the range of the folds.

    Args:
        table: rows of one model of out_attribute_curves; read: curve, x, train_score, test_score.
        name: of the model, for the headline.

    Returns:
        Markdown.
    """
    rows = [row for row in table.to_pylist() if row["curve"] == "learning"]
    if not rows:
        return canvas.statement(TITLE, "none was measured.")
    with canvas.figure(5.4, 3.5) as drawn:
        drawn.text(0.03, 0.925, f"{name}: score by number of labels", fontsize=11, fontweight="bold", color=canvas.INK)
        drawn.text(0.03, 0.868, READING, fontsize=8, color=canvas.FAINT)
        axes = drawn.add_axes((0.12, 0.15, 0.7, 0.68))
        bands(axes, rows)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel("labels learned from")
        axes.set_ylabel("macro F1")
        return canvas.markdown(drawn, TITLE)


def bands(axes: Axes, rows: list[dict[str, Any]]) -> None:
    """Mean and range over the folds of training and test score, each named at its end."""
    ends: list[tuple[float, float, str, str]] = []
    for column, colour, said in _LINES:
        places = sorted({row["x"] for row in rows})
        values = [[row[column] for row in rows if row["x"] == x and row[column] is not None] for x in places]
        known = [(x, scores) for x, scores in zip(places, values, strict=True) if scores]
        if not known:
            continue
        at = [x for x, _ in known]
        mean = [sum(scores) / len(scores) for _, scores in known]
        axes.fill_between(
            at, [min(scores) for _, scores in known], [max(scores) for _, scores in known], color=colour, alpha=0.15,
            linewidth=0,
        )  # fmt: skip
        axes.plot(at, mean, color=colour, linewidth=1.6, marker="o", markersize=3.5)
        ends.append((at[-1], mean[-1], said, colour))
    low, high = axes.get_ylim()
    # Steps of two hundredths at least: a flat line shows as one.
    middle, half = (low + high) / 2, max((high - low) / 2, 0.04)
    axes.set_ylim(max(0.0, middle - half), min(1.02, middle + half))
    low, high = axes.get_ylim()
    ends.sort(key=lambda end: end[1])
    if len(ends) == 2 and ends[1][1] - ends[0][1] < 0.08 * (high - low):
        gap = 0.04 * (high - low)
        middle = (ends[0][1] + ends[1][1]) / 2
        ends = [(*ends[0][:1], middle - gap, *ends[0][2:]), (*ends[1][:1], middle + gap, *ends[1][2:])]
    for x, y, said, colour in ends:
        axes.annotate(
            said, (x, y), xytext=(7, 0), textcoords="offset points", va="center", fontsize=8.5, color=colour,
            annotation_clip=False,
        )  # fmt: skip
    axes.grid(axis="y")
