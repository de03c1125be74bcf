"""Saying nothing where one would too often be wrong.

Here: from which probability on a class is given, and what is won by giving less. Not here: probabilities.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

MIN_PREDICTIONS: Final = 30
"""Predictions that a threshold must rest on."""

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


def thresholds(
    probabilities: Numbers, labels: Places, target: float, weights: Numbers | None = None
) -> list[float | None]:
    """For each class the lowest probability from which on predictions of it are right often enough.

    Args:
        probabilities: of rows that the model had not seen, float64[n, c].
        labels: their classes, int64[n].
        target: share of right ones that is asked for, 0..1.
        weights: what each row counts in that share, float64[n]; None: all alike.

    Returns:
        c numbers; None: there is no such probability with 30 predictions behind it, the class is never given.
    """
    given = probabilities.argmax(axis=1)
    top = probabilities.max(axis=1)
    counts = np.ones(len(labels)) if weights is None else weights
    found: list[float | None] = []
    for number in range(probabilities.shape[1]):
        rows = np.flatnonzero(given == number)
        rows = rows[np.argsort(-top[rows], kind="stable")]
        right = np.cumsum(counts[rows] * (labels[rows] == number)) / np.maximum(np.cumsum(counts[rows]), 1e-12)
        # Rows of equal probability are given together or not at all.
        ends = np.append(top[rows][1:] < top[rows][:-1], True)[: len(rows)]
        enough = np.arange(1, len(rows) + 1) >= MIN_PREDICTIONS
        fit = np.flatnonzero(ends & enough & (right >= target - 1e-12))
        found.append(float(top[rows[fit[-1]]]) if len(fit) else None)
    return found


def is_given(probabilities: Numbers, least: list[float | None]) -> Flags:
    """Which rows reach the threshold of their most probable class, bool[n]."""
    limits = np.array([np.inf if each is None else each for each in least])
    return np.asarray(probabilities.max(axis=1) >= limits[probabilities.argmax(axis=1)])


def crossed_thresholds(
    probabilities: Numbers, labels: Places, folds: list[Places], target: float, weights: Numbers | None = None
) -> Flags:
    """Which rows would be given if the thresholds came from the other folds, bool[n].

    Thresholds that are judged on the rows they were made from look better than they are.

    Args:
        probabilities: float64[n, c].
        labels: int64[n].
        folds: places of the rows of each fold; together all rows.
        target: as for `thresholds`.
        weights: as for `thresholds`.
    """
    given = np.zeros(len(labels), bool)
    for test in folds:
        others = np.setdiff1d(np.arange(len(labels)), test)
        counts = None if weights is None else weights[others]
        given[test] = is_given(probabilities[test], thresholds(probabilities[others], labels[others], target, counts))
    return given


def risk_by_coverage(
    top: Numbers, right: Flags, n_points: int = 20, weights: Numbers | None = None
) -> tuple[Numbers, Numbers]:
    """What share is right when only the surest are given: (shares that are given, shares of right ones among them).

    Predictions of one probability are given together or not at all: a share that would part them is left out for the
    one that holds them all.

    Args:
        top: probability of each prediction, float64[n].
        right: whether it was right, bool[n].
        n_points: shares, evenly up to 1.
        weights: what each prediction counts, float64[n]; None: all alike.
    """
    order = np.argsort(-top, kind="stable")
    counts = (np.ones(len(top)) if weights is None else weights)[order]
    ends = np.flatnonzero(np.append(top[order][1:] < top[order][:-1], True)[: len(top)])
    given, total = np.cumsum(counts)[ends], np.cumsum(counts * right[order])[ends]
    # The first end at or beyond each share; rounding must not push an exact one to the next.
    wanted = np.linspace(0, 1, n_points + 1)[1:] * (given[-1] if len(given) else 0) * (1 - 1e-12)
    chosen = np.unique(np.searchsorted(given, wanted))[: len(given)]
    return given[chosen] / max(given[-1], 1e-12) if len(given) else given, total[chosen] / np.maximum(
        given[chosen], 1e-12
    )
