"""Calibration: whether what a model calls 80 % sure comes true eight times in ten."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from sm_assets.plots import canvas

TITLE: Final = "Calibration"


def draw(table: pa.Table, name: str) -> str:
    """Share of right predictions by their probability, in bins of equal count, beside the diagonal.

    Args:
        table: rows of one model of out_attribute_curves; read: curve, x, test_score.
        name: of the model, for the headline.

    Returns:
        Markdown.
    """
    rows = sorted((row for row in table.to_pylist() if row["curve"] == "calibration"), key=lambda row: row["x"])
    if not rows:
        return canvas.statement(TITLE, "none was measured.")
    with canvas.figure(5.4, 4.2) as drawn:
        drawn.text(0.03, 0.94, f"{name}: is it right as often as it says?", fontsize=11, fontweight="bold",
                   color=canvas.INK)  # fmt: skip
        drawn.text(0.03, 0.895, "bins of equal count, of accounts of groups that it had not seen", fontsize=8,
                   color=canvas.FAINT)  # fmt: skip
        axes = drawn.add_axes((0.12, 0.13, 0.72, 0.71))
        low = min(0.9, *(min(row["x"], row["test_score"]) for row in rows)) - 0.03
        axes.plot([low, 1], [low, 1], color=canvas.FAINT, linewidth=0.9, linestyle=(0, (3, 2)))
        axes.annotate(
            "as it says", (1, 1), xytext=(6, 0), textcoords="offset points", fontsize=8.5, color=canvas.FAINT,
            va="center", annotation_clip=False,
        )  # fmt: skip
        axes.plot(
            [row["x"] for row in rows], [row["test_score"] for row in rows], color=canvas.COLOURS[0], linewidth=1.2,
            marker="o", markersize=5,
        )  # fmt: skip
        axes.set_xlim(low, 1.01)
        axes.set_ylim(low, 1.02)
        axes.set_xlabel("probability of the prediction (mean of the bin)")
        axes.set_ylabel("share of right predictions")
        axes.grid()
        return canvas.markdown(drawn, TITLE)
