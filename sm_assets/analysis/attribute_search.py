"""Comparing parameters of an algorithm by cross-validation, and how scores go with parameters and number of labels.

Here: rows split into folds and made ready once, fits on them, the curves that follow. Not here: probabilities, the
model that is kept (`attribute_training`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.attribute_grids import CURVES, Parameters, estimator, preparation
from sm_assets.analysis.attribute_scores import macro_f1
from sm_assets.analysis.grouped_folds import Folds
from sm_assets.analysis.one_thread_tasks import child_seed, run_all

LEARNING_SHARES: Final = (0.2, 0.4, 0.6, 0.8, 1.0)
_TIE: Final = 1e-12

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ready:
    """One fold, its gaps filled and its numbers scaled by what its training rows tell.

    Attributes:
        train, test: float64[n, f].
        train_labels, test_labels: int64[n].
        train_groups: int64[n].
    """

    train: Numbers
    train_labels: Places
    train_groups: Places
    test: Numbers
    test_labels: Places


@dataclass(slots=True)
class Search:
    """What trying the points of one algorithm on one set of folds gave.

    Attributes:
        test: macro F1 on the test rows, float64[points, folds].
        train: the same on the training rows, where asked for, else nan.
    """

    test: Numbers
    train: Numbers
    points: list[Parameters] = field(default_factory=list)

    @property
    def best(self) -> int:
        """The point of the highest mean score; of equal ones the first, which is the simplest."""
        mean = self.test.mean(axis=1)
        if len(mean) == 1:
            return 0
        return int(np.flatnonzero(mean >= mean.max() - _TIE)[0])

    @property
    def score(self) -> float:
        """Mean score of the best point."""
        return float(self.test[self.best].mean())


def made_ready(traits: Numbers, labels: Places, groups: Places, folds: Folds) -> list[Ready]:
    """The folds, each filled and scaled by its own training rows."""
    from sklearn.pipeline import Pipeline

    ready = []
    for train, test in folds:
        steps = Pipeline(preparation()).fit(traits[train])
        ready.append(
            Ready(steps.transform(traits[train]), labels[train], groups[train], steps.transform(traits[test]),
                  labels[test])
        )  # fmt: skip
    return ready


def run_quietly(tasks: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """Results of the tasks, in their order, without warnings.

    Forests of scikit-learn set and reset the process's filters of warnings, and threads do so in each other's way: one
    that meets an empty list warns of it. All is put back in the end.
    """
    with warnings.catch_warnings(record=True):
        return run_all(tasks, threads)


def search_all(
    algorithm: str,
    points: list[Parameters],
    sets: Sequence[Sequence[Ready]],
    n_classes: int,
    seed: int,
    threads: int,
    n_trees: int,
) -> list[Search]:
    """Try all points on each set of folds; on the first set training rows are judged too.

    Where there is one point only, the other sets have nothing to choose: their scores stay nan.

    Args:
        algorithm: its name.
        points: sets of parameters.
        sets: folds of all rows, then those inside each outer fold.
        n_classes: number of classes.
        seed: of what is drawn.
        threads: fits at a time.
        n_trees: trees of a forest.
    """
    tried = sets if len(points) > 1 else sets[:1]
    places = [(s, p, f) for s, folds in enumerate(tried) for p in range(len(points)) for f in range(len(folds))]
    tasks = [
        partial(_judged, algorithm, points[p], sets[s][f], n_classes, seed, n_trees, with_train=s == 0)
        for s, p, f in places
    ]
    found = [
        Search(np.full((len(points), len(folds)), np.nan), np.full((len(points), len(folds)), np.nan), points)
        for folds in sets
    ]
    for (s, p, f), (train, test) in zip(places, run_quietly(tasks, threads), strict=True):
        found[s].train[p, f], found[s].test[p, f] = train, test
    return found


def _judged(
    algorithm: str, parameters: Parameters, fold: Ready, n_classes: int, seed: int, n_trees: int, *, with_train: bool
) -> tuple[float, float]:
    model = _fitted(algorithm, parameters, fold.train, fold.train_labels, seed, n_trees)
    test = macro_f1(fold.test_labels, model.predict(fold.test), n_classes)
    train = macro_f1(fold.train_labels, model.predict(fold.train), n_classes) if with_train else np.nan
    return train, test


def _fitted(algorithm: str, parameters: Parameters, rows: Numbers, labels: Places, seed: int, n_trees: int) -> Any:
    return estimator(algorithm, parameters, child_seed(seed, algorithm), n_trees).fit(rows, labels)


def validation_curves(algorithm: str, search: Search) -> list[dict[str, Any]]:
    """How the score goes with one parameter at a time, the others as in the best point; rows of out_attribute_curves.

    Columns: curve, parameter, x, fold, train_score, test_score.
    """
    rows = []
    best = search.points[search.best]
    for parameter in CURVES[algorithm]:
        for p, point in enumerate(search.points):
            if {**point, parameter: 0} == {**best, parameter: 0}:
                rows += [
                    _row("validation", parameter, float(point[parameter]), f, search.train[p, f], search.test[p, f])
                    for f in range(search.test.shape[1])
                ]
    return rows if len({(row["parameter"], row["x"]) for row in rows}) > 1 else []


def learning_curve(
    algorithm: str,
    parameters: Parameters,
    folds: Sequence[Ready],
    n_classes: int,
    seed: int,
    threads: int,
    n_trees: int,
) -> list[dict[str, Any]]:
    """How the score goes with the number of labels, whole groups drawn; rows of out_attribute_curves."""
    tasks, places = [], []
    for f, fold in enumerate(folds):
        random = np.random.default_rng(child_seed(seed, f"learning {f}"))
        names = random.permutation(np.unique(fold.train_groups))
        for s, share in enumerate(LEARNING_SHARES):
            chosen = np.isin(fold.train_groups, names[: max(1, round(share * len(names)))])
            part = Ready(
                fold.train[chosen], fold.train_labels[chosen], fold.train_groups[chosen], fold.test, fold.test_labels
            )
            if len(np.unique(part.train_labels)) == n_classes:
                places.append((s, f, int(chosen.sum())))
                tasks.append(partial(_judged, algorithm, parameters, part, n_classes, seed, n_trees, with_train=True))
    scores = run_quietly(tasks, threads)
    # The folds' numbers of labels differ a little: one place on the axis for all of them.
    x = {s: float(round(np.mean([n for t, _, n in places if t == s]))) for s, _, _ in places}
    return [
        _row("learning", "labels", x[s], f, train, test)
        for (s, f, _), (train, test) in sorted(zip(places, scores, strict=True))
    ]


def _row(curve: str, parameter: str, x: float, fold: int, train: float | None, test: float) -> dict[str, Any]:
    return {
        "curve": curve,
        "parameter": parameter,
        "x": x,
        "fold": fold,
        "train_score": None if train is None or np.isnan(train) else float(train),
        "test_score": float(test),
    }


def curve_rows(curve: str, parameter: str, x: Numbers, test: Numbers) -> list[dict[str, Any]]:
    """Rows of a curve over all outer folds together (fold -1)."""
    return [_row(curve, parameter, float(a), -1, None, float(b)) for a, b in zip(x, test, strict=True)]
