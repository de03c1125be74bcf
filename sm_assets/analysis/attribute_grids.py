"""Algorithms that tell classes of accounts from traits, and the parameters that are tried.

Here: what is fitted, by name and parameters. Not here: fitting, judging, choosing.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

Grid = Literal["quick", "full"]
Parameters = dict[str, Any]

CANDIDATES: Final = ("linear_svm", "rbf_svm", "random_forest")
"""Algorithms that may be chosen, the simplest first."""
LOGISTIC: Final = "logistic_regression"
MAJORITY: Final = "majority"
YARDSTICKS: Final = (LOGISTIC, MAJORITY)
"""What the others must beat."""
TREES: Final[dict[Grid, int]] = {"quick": 40, "full": 300}
SEARCHED_TREES: Final[dict[Grid, int]] = {"quick": 20, "full": 100}
"""Trees while parameters are compared; larger forests rank them alike."""
CURVES: Final[Mapping[str, tuple[str, ...]]] = {
    "linear_svm": ("C",),
    "rbf_svm": ("C", "gamma"),
    "random_forest": ("max_depth", "min_samples_leaf"),
    LOGISTIC: ("C",),
    MAJORITY: (),
}
"""Parameters that validation curves are drawn over."""
_UNBOUNDED: Final = 64


def points(algorithm: str, grid: Grid, n_traits: int) -> list[Parameters]:
    """Sets of parameters that are tried, the simpler ones first.

    Args:
        algorithm: one of `CANDIDATES` or `YARDSTICKS`.
        grid: quick or full.
        n_traits: numbers of an account, which the reach of the RBF kernel goes by.
    """
    full = grid == "full"
    axes: dict[str, tuple[Any, ...]]
    match algorithm:
        case "linear_svm":
            axes = {"C": (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0) if full else (0.1, 1.0, 10.0)}
        case "rbf_svm":
            reach = (0.1, 0.3, 1.0) if full else (0.3, 1.0)
            axes = {
                "C": (0.1, 1.0, 10.0, 100.0) if full else (1.0, 10.0),
                "gamma": tuple(round(each / max(n_traits, 1), 9) for each in reach),
            }
        case "random_forest":
            axes = {
                "max_depth": (6, _UNBOUNDED),
                "min_samples_leaf": (1, 5) if full else (1,),
                "max_features": ("sqrt", 0.15) if full else ("sqrt",),
            }
        case "logistic_regression":
            axes = {"C": (0.1, 1.0, 10.0) if full else (1.0,)}
        case _:
            axes = {}
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def estimator(algorithm: str, parameters: Parameters, seed: int, n_trees: int) -> Any:
    """What is fitted to scaled traits: a classifier of scikit-learn on one thread.

    Args:
        algorithm: one of `CANDIDATES`, or the logistic regression.
        parameters: one of `points`.
        seed: of what is drawn.
        n_trees: trees of a forest.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import SVC, LinearSVC

    match algorithm:
        case "linear_svm":
            return LinearSVC(**parameters, class_weight="balanced", dual=False, max_iter=5000, random_state=seed)
        case "rbf_svm":
            # One class against the rest: the scores of pairs of classes are votes, too coarse to make probabilities of.
            return OneVsRestClassifier(SVC(**parameters, kernel="rbf", class_weight="balanced", cache_size=300))
        case "random_forest":
            return RandomForestClassifier(
                n_trees, **parameters, class_weight="balanced", random_state=seed, n_jobs=1
            )  # fmt: skip
        case _:
            return LogisticRegression(**parameters, class_weight="balanced", max_iter=5000)


def preparation() -> list[tuple[str, Any]]:
    """Steps before the classifier: gaps become the median, with a flag that they were gaps; one scale for all."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    return [
        ("impute", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
        ("scale", StandardScaler()),
    ]


def compressed(traits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Traits with long tails drawn in: like a logarithm for large numbers of either sign, nothing for small ones."""
    return np.asarray(np.arcsinh(traits), np.float64)
