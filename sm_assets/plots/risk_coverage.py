"""Errors and abstention: what is won by giving only the surest values."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from sm_assets.plots import canvas

TITLE: Final = "Errors by share of values given"


def draw(table: pa.Table, name: str, target: float) -> str:
    """Share of wrong values by share of given ones, the surest first.

    Args:
        table: rows of one model of out_attribute_curves; read: curve, x, test_score.
        name: of the model, for the headline.
        target: share of right values that was asked for.

    Returns:
        Markdown.
    """
    rows = sorted((row for row in table.to_pylist() if row["curve"] == "risk_coverage"), key=lambda row: row["x"])
    if not rows:
        return canvas.statement(TITLE, "none was measured.")
    with canvas.figure(5.4, 3.5) as drawn:
        drawn.text(0.03, 0.925, f"{name}: errors by share of values given", fontsize=11, fontweight="bold",
                   color=canvas.INK)  # fmt: skip
        drawn.text(0.03, 0.868, "accounts of groups that it had not seen, of all classes together", fontsize=8,
                   color=canvas.FAINT)  # fmt: skip
        axes = drawn.add_axes((0.12, 0.15, 0.7, 0.66))
        wrong = [1 - row["test_score"] for row in rows]
        axes.axhline(1 - target, color=canvas.FAINT, linewidth=0.9, linestyle=(0, (3, 2)))
        axes.plot([row["x"] for row in rows], wrong, color=canvas.COLOURS[0], linewidth=1.6, marker="o", markersize=3.5)
        axes.annotate(
            f"{1 - target:.0%} allowed", (1.0, 1 - target), xytext=(7, 0), textcoords="offset points", va="center",
            fontsize=8.5, color=canvas.FAINT, annotation_clip=False,
        )  # fmt: skip
        axes.set_xlim(0, 1.01)
        axes.set_ylim(0, max(0.02, 1.15 * max([1 - target, *wrong])))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_xlabel("share of accounts given a value, the surest first")
        axes.set_ylabel("wrong values")
        axes.grid(axis="y")
        return canvas.markdown(drawn, TITLE)
