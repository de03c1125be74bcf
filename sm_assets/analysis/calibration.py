"""Probabilities that can be taken at their word.

Here: how far probabilities are from what comes true, and what they become where classes are more or less frequent than
among the labels. Not here: fitting the calibration (`attribute_training`), giving nothing at all (`abstention`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

N_BINS: Final = 15
_ROUNDS: Final = 500
_SMALL: Final = 1e-12

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Predictions by probability, in bins of equal count; arrays of one length.

    Attributes:
        n: predictions, by their weights.
        probability: mean of the bin.
        right: share of right ones.
    """

    n: Numbers
    probability: Numbers
    right: Numbers

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of probability and share of right ones, 0..1."""
        return float(np.abs(self.probability - self.right) @ self.n / max(self.n.sum(), _SMALL))

    def curve(self) -> tuple[Numbers, Numbers]:
        """(probabilities, shares of right ones), bins of one probability together."""
        x, place = np.unique(self.probability, return_inverse=True)
        return x, np.bincount(place, self.right * self.n) / np.bincount(place, self.n)


def reliability(
    top: Numbers, right: npt.NDArray[np.bool_], n_bins: int = N_BINS, weights: Numbers | None = None
) -> Reliability:
    """How probabilities of predictions compare with what came true.

    Predictions of one probability are alike: each counts with the share of right ones among them, whatever bin it
    falls into.

    Args:
        top: probability of each prediction, float64[n].
        right: whether it was right, bool[n].
        n_bins: bins, of equal count up to one; fewer where there are fewer predictions.
        weights: what each prediction counts, float64[n]; None: all alike.
    """
    counts = np.ones(len(top)) if weights is None else weights
    values, tie = np.unique(top, return_inverse=True)
    of_tie = np.bincount(tie, right * counts, len(values)) / np.maximum(np.bincount(tie, counts, len(values)), _SMALL)
    # A tie's rows weigh alike too: which of them falls into which bin must not matter.
    even = (np.bincount(tie, counts, len(values)) / np.maximum(np.bincount(tie, minlength=len(values)), 1))[tie]
    bins = [part for part in np.array_split(np.argsort(top, kind="stable"), n_bins) if len(part)]
    n = np.array([even[part].sum() for part in bins])
    return Reliability(
        n,
        np.array([_mean(top[part], even[part]) for part in bins]),
        np.array([_mean(of_tie[tie[part]], even[part]) for part in bins]),
    )


def _mean(values: Numbers, weights: Numbers) -> float:
    """Weighted mean; of equal values that value to the last digit."""
    mean = float(values @ weights / max(float(weights.sum()), _SMALL))
    return min(max(mean, float(values.min())), float(values.max()))


def with_priors(probabilities: Numbers, priors: Numbers, other: Numbers) -> Numbers:
    """Probabilities where classes are as frequent as `other` says, float64[n, c].

    Args:
        probabilities: float64[n, c], made for `priors`.
        priors: shares of the classes, float64[c].
        other: shares that they have instead, float64[c].
    """
    weighted = probabilities * (other / np.maximum(priors, _SMALL))
    return np.asarray(weighted / np.maximum(weighted.sum(axis=1, keepdims=True), _SMALL))


def shifted_priors(probabilities: Numbers, priors: Numbers) -> Numbers:
    """Shares of the classes among rows without labels, float64[c], by expectation and maximisation.

    Saerens, Latinne and Decaestecker (2002): probabilities under the assumed shares, their mean as the next assumption,
    until it stays.

    Args:
        probabilities: of the rows, float64[n, c], made for `priors`.
        priors: shares among the labels, float64[c].
    """
    assumed = priors
    for _ in range(_ROUNDS):
        mean = with_priors(probabilities, priors, assumed).mean(axis=0) if len(probabilities) else assumed
        if np.abs(mean - assumed).max() < 1e-9:
            return np.asarray(mean)
        assumed = mean
    return np.asarray(assumed)


def method_for(calibration: str, counts: npt.NDArray[np.int64], from_labels: int = 1000) -> Any:
    """The method that was asked for; for `auto`, isotonic where every class has 1,000 labels."""
    if calibration != "auto":
        return calibration
    return "isotonic" if counts.min() >= from_labels else "sigmoid"
