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


def confusion(labels: Places, given: Places, n_classes: int) -> npt.NDArray[np.int64]:
    """Rows by class (first axis) and prediction (second), int64[c, c]."""
    return np.bincount(labels * n_classes + given, minlength=n_classes**2).reshape(n_classes, n_classes)


def f1_by_class(counts: npt.NDArray[Any]) -> Numbers:
    """F1 of each class from counts [..., c, c]; 0 for a class that is neither there nor given."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    total = counts.sum(axis=-1) + counts.sum(axis=-2)
    return np.asarray(2 * right / np.maximum(total, 1))


def macro_f1(labels: Places, given: Places, n_classes: int) -> float:
    """Mean of the F1 of all classes."""
    return float(f1_by_class(confusion(labels, given, n_classes)).mean())


def interval(labels: Places, given: Places, groups: Places, n_classes: int, seed: int) -> tuple[float, float]:
    """95 % interval of macro F1 when whole groups are drawn anew, with replacement."""
    _, group = np.unique(groups, return_inverse=True)
    n_groups = int(group.max()) + 1
    cells = np.zeros((n_groups, n_classes**2), np.int64)
    np.add.at(cells, (group, labels * n_classes + given), 1)
    random = np.random.default_rng(seed)
    drawn = np.stack(
        [np.bincount(random.integers(0, n_groups, n_groups), minlength=n_groups) @ cells for _ in range(RESAMPLES)]
    )
    found = f1_by_class(drawn.reshape(RESAMPLES, n_classes, n_classes)).mean(axis=-1)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def scores(
    probabilities: Numbers, labels: Places, groups: Places, folds: list[Places], target: float, seed: int
) -> Scores:
    """All figures.

    Args:
        probabilities: of rows that the model had not seen, float64[n, c].
        labels: classes as numbers, int64[n].
        groups: int64[n].
        folds: places of the rows of each outer fold.
        target: share of right ones that given values are to have.
        seed: of what is drawn.
    """
    n, n_classes = probabilities.shape
    given = probabilities.argmax(axis=1)
    right = given == labels
    counts = confusion(labels, given, n_classes)
    low, high = interval(labels, given, groups, n_classes, seed)
    spoken = crossed_thresholds(probabilities, labels, folds, target)
    most = np.bincount(labels, minlength=n_classes).argmax()
    return Scores(
        balanced_accuracy=float((np.diagonal(counts) / np.maximum(counts.sum(axis=1), 1)).mean()),
        macro_f1=float(f1_by_class(counts).mean()),
        macro_f1_low=low,
        macro_f1_high=high,
        log_loss=float(-np.log(np.clip(probabilities[np.arange(n), labels], _SMALL, 1)).mean()),
        brier=float(((probabilities - np.eye(n_classes)[labels]) ** 2).sum(axis=1).mean()),
        ece=reliability(probabilities.max(axis=1), right).error,
        coverage=float(spoken.mean()),
        precision_at_coverage=float(right[spoken].mean()) if spoken.any() else None,
        majority_macro_f1=macro_f1(labels, np.full(n, most), n_classes),
    )


def by_class(
    probabilities: Numbers, labels: Places, groups: Places, classes: Sequence[str], least: Sequence[float | None]
) -> list[dict[str, Any]]:
    """Labels, groups, precision, recall, F1 and threshold of each class."""
    counts = confusion(labels, probabilities.argmax(axis=1), len(classes))
    f1 = f1_by_class(counts)
    return [
        {
            "class": name,
            "labels": int(counts[k].sum()),
            "groups": len(np.unique(groups[labels == k])),
            "precision": float(counts[k, k] / counts[:, k].sum()) if counts[:, k].any() else None,
            "recall": float(counts[k, k] / counts[k].sum()) if counts[k].any() else None,
            "f1": float(f1[k]),
            "threshold": least[k],
        }
        for k, name in enumerate(classes)
    ]


def by_language(
    probabilities: Numbers, labels: Places, languages: npt.NDArray[np.str_], spoken: npt.NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Labels, share of errors, share given and errors among those, for each language, the most frequent first."""
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
                "errors": float(wrong[rows].mean()),
                "given": float(spoken[rows].mean()),
                "errors_given": float(wrong[given].mean()) if given.any() else None,
            }
        )
    return table
