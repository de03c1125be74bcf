"""How good predictions of classes are, by one figure each.

Here: figures over predictions for rows that the model had not seen. Not here: making predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.abstention import crossed_thresholds
from sm_assets.analysis.calibration import reliability

RESAMPLES: Final = 1000
_SMALL: Final = 1e-15

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures of one model, named as the columns of out_attribute_models."""

    balanced_accuracy: float
    macro_f1: float
    macro_f1_low: float
    macro_f1_high: float
    log_loss: float
    brier: float
    ece: float
    coverage: float
    precision_at_coverage: float | None
    majority_macro_f1: float

    def told(self) -> dict[str, float | None]:
        """The figures by name."""
        return asdict(self)


def confusion(labels: Places, given: Places, n_classes: int, weights: Numbers | None = None) -> npt.NDArray[Any]:
    """Rows by class (first axis) and prediction (second), int64[c, c]; with weights their sums, float64[c, c]."""
    return np.bincount(labels * n_classes + given, weights, n_classes**2).reshape(n_classes, n_classes)


def f1_by_class(counts: npt.NDArray[Any]) -> Numbers:
    """F1 of each class from counts [..., c, c]; 0 for a class that is neither there nor given."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    total = counts.sum(axis=-1) + counts.sum(axis=-2)
    return np.asarray(2 * right / np.maximum(total, _SMALL))


def macro_f1(labels: Places, given: Places, n_classes: int, weights: Numbers | None = None) -> float:
    """Mean of the F1 of all classes."""
    return float(f1_by_class(confusion(labels, given, n_classes, weights)).mean())


def interval(
    labels: Places, given: Places, groups: Places, n_classes: int, seed: int, weights: Numbers | None = None
) -> tuple[float, float]:
    """95 % interval of macro F1, of the classes in the draw, when whole groups are drawn anew, with replacement."""
    _, group = np.unique(groups, return_inverse=True)
    n_groups = int(group.max()) + 1
    cells = np.zeros((n_groups, n_classes**2))
    np.add.at(cells, (group, labels * n_classes + given), 1.0 if weights is None else weights)
    random = np.random.default_rng(seed)
    drawn = np.stack(
        [np.bincount(random.integers(0, n_groups, n_groups), minlength=n_groups) @ cells for _ in range(RESAMPLES)]
    )
    counts = drawn.reshape(RESAMPLES, n_classes, n_classes)
    # Of a class that no group of the draw has, nothing can be told.
    there = counts.sum(axis=-1) > 0
    found = (f1_by_class(counts) * there).sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def scores(
    probabilities: Numbers,
    labels: Places,
    groups: Places,
    folds: list[Places],
    target: float,
    seed: int,
    weights: Numbers | None = None,
) -> Scores:
    """All figures.

    Args:
        probabilities: of rows that the model had not seen, float64[n, c].
        labels: classes as numbers, int64[n].
        groups: int64[n].
        folds: places of the rows of each outer fold.
        target: share of right ones that given values are to have.
        seed: of what is drawn.
        weights: what each row counts in every figure, float64[n]; None: all alike.
    """
    n, n_classes = probabilities.shape
    count = np.ones(n) if weights is None else weights
    given = probabilities.argmax(axis=1)
    right = given == labels
    counts = confusion(labels, given, n_classes, count)
    low, high = interval(labels, given, groups, n_classes, seed, weights)
    spoken = crossed_thresholds(probabilities, labels, folds, target, weights)
    of_class = counts.sum(axis=1)
    log_losses = -np.log(np.clip(probabilities[np.arange(n), labels], _SMALL, 1))
    return Scores(
        balanced_accuracy=float((np.diagonal(counts) / np.maximum(of_class, _SMALL)).mean()),
        macro_f1=float(f1_by_class(counts).mean()),
        macro_f1_low=low,
        macro_f1_high=high,
        log_loss=_mean(log_losses, count),
        brier=_mean(((probabilities - np.eye(n_classes)[labels]) ** 2).sum(axis=1), count),
        ece=reliability(probabilities.max(axis=1), right, weights=weights).error,
        coverage=_mean(spoken, count),
        precision_at_coverage=_mean(right[spoken], count[spoken]) if spoken.any() else None,
        majority_macro_f1=macro_f1(labels, np.full(n, of_class.argmax()), n_classes, count),
    )


def _mean(values: npt.NDArray[Any], weights: Numbers) -> float:
    return float((values * weights).sum() / weights.sum())


def by_class(
    probabilities: Numbers,
    labels: Places,
    groups: Places,
    classes: Sequence[str],
    least: Sequence[float | None],
    weights: Numbers | None = None,
) -> list[dict[str, Any]]:
    """Labels, groups, precision, recall, F1 and threshold of each class; the weights count in the shares only."""
    counts = confusion(labels, probabilities.argmax(axis=1), len(classes), weights)
    f1 = f1_by_class(counts)
    return [
        {
            "class": name,
            "labels": int((labels == k).sum()),
            "groups": len(np.unique(groups[labels == k])),
            "precision": float(counts[k, k] / counts[:, k].sum()) if counts[:, k].any() else None,
            "recall": float(counts[k, k] / counts[k].sum()) if counts[k].any() else None,
            "f1": float(f1[k]),
            "threshold": least[k],
        }
        for k, name in enumerate(classes)
    ]


def by_language(
    probabilities: Numbers,
    labels: Places,
    languages: npt.NDArray[np.str_],
    spoken: npt.NDArray[np.bool_],
    weights: Numbers | None = None,
) -> list[dict[str, Any]]:
    """Labels, share of errors, share given and errors among those, for each language, the most frequent first.

    The weights count in the shares only.
    """
    count = np.ones(len(labels)) if weights is None else weights
    wrong = probabilities.argmax(axis=1) != labels
    names, counts = np.unique(languages, return_counts=True)
    table = []
    for name in names[np.lexsort((names, -counts))]:
        rows = languages == name
        given = rows & spoken
        table.append(
            {
                "language": str(name),
                "labels": int(rows.sum()),
                "errors": _mean(wrong[rows], count[rows]),
                "given": _mean(spoken[rows], count[rows]),
                "errors_given": _mean(wrong[given], count[given]) if given.any() else None,
            }
        )
    return table
