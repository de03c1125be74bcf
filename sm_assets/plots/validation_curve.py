"""Validation curves: how the score of a model goes with one parameter, where it learned and where it did not."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from sm_assets.plots import canvas, learning_curve

TITLE: Final = "Validation curves"


def draw(table: pa.Table, name: str) -> str:
    """One field per parameter: mean macro F1 over the folds, with the folds' range.

    Args:
        table: rows of one model of out_attribute_curves; read: curve, parameter, x, train_score, test_score.
        name: of the model, for the headline.

    Returns:
        Markdown.
    """
    rows = [row for row in table.to_pylist() if row["curve"] == "validation"]
    parameters = list(dict.fromkeys(row["parameter"] for row in rows))
    if not parameters:
        return canvas.statement(TITLE, "one set of parameters was tried.")
    with canvas.figure(4.8 * len(parameters), 3.5) as drawn:
        drawn.text(0.06 / len(parameters), 0.925, f"{name}: score by parameter", fontsize=11, fontweight="bold",
                   color=canvas.INK)  # fmt: skip
        drawn.text(0.06 / len(parameters), 0.868, learning_curve.READING, fontsize=8, color=canvas.FAINT)
        for place, parameter in enumerate(parameters):
            axes = drawn.add_axes(((place + 0.14) / len(parameters), 0.15, 0.65 / len(parameters), 0.66))
            chosen = [row for row in rows if row["parameter"] == parameter]
            learning_curve.bands(axes, chosen)
            axes.set_xscale("log")
            ticks = sorted({row["x"] for row in chosen})
            axes.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
            axes.minorticks_off()
            axes.set_xlabel(parameter)
            if place == 0:
                axes.set_ylabel("macro F1")
        return canvas.markdown(drawn, TITLE)
