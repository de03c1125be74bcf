"""Models that tell an attribute of accounts from their traits: found, judged and made.

Here: from labelled traits to the chosen model with its figures. Not here: which algorithms there are
(`attribute_grids`), the figures (`attribute_scores`), reading labels, storing models.

Every published figure is over outer folds: their rows took part neither in choosing parameters nor in fitting nor in
calibrating; only the choice of the algorithm is by inner folds over all rows. Groups are never parted. The same labels
in any order give the same model, on one thread or many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.abstention import crossed_thresholds, risk_by_coverage, thresholds
from sm_assets.analysis.attribute_grids import (
    CANDIDATES,
    LOGISTIC,
    MAJORITY,
    SEARCHED_TREES,
    TREES,
    Grid,
    Parameters,
    compressed,
    estimator,
    points,
    preparation,
)
from sm_assets.analysis.attribute_scores import Scores, by_class, by_language, scores
from sm_assets.analysis.attribute_search import (
    Ready,
    curve_rows,
    learning_curve,
    made_ready,
    run_quietly,
    search_all,
    validation_curves,
)
from sm_assets.analysis.calibration import method_for, reliability, shifted_priors, with_priors
from sm_assets.analysis.grouped_folds import Folds, grouped_folds, shortage
from sm_assets.analysis.one_thread_tasks import child_seed
from sm_assets.analysis.parameters import params_hash
from sm_assets.errors import LabelError

CODE_VERSION: Final = 2
"""Raise it with every change that changes models: it is part of their ids."""
OUTER_FOLDS: Final = 5
INNER_FOLDS: Final = 4
RANGE: Final = (0.5, 99.5)
"""Percentiles between which a trait is like those of the training."""
MIN_LANGUAGE: Final = 10
"""Labels that a language needs for a line of its own."""
OTHER: Final = "other"

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labelled accounts with their traits; one row each.

    Attributes:
        keys: names of the accounts, each once.
        traits: float64[n, t], nan: not known.
        names: of the traits, t.
        labels: text[n].
        groups: int64[n].
        languages: text[n].
    """

    keys: Sequence[str]
    traits: Numbers
    names: tuple[str, ...]
    labels: npt.NDArray[np.str_]
    groups: Places
    languages: npt.NDArray[np.str_]

    def sorted(self) -> Labelled:
        """The rows in the order of their keys."""
        order = np.argsort(np.array(self.keys, dtype=np.str_), kind="stable")
        # Groups are numbered by their first account: their names decide nothing.
        _, first, group = np.unique(self.groups[order], return_index=True, return_inverse=True)
        return replace(
            self,
            keys=[self.keys[place] for place in order],
            traits=np.ascontiguousarray(self.traits[order]),
            labels=self.labels[order],
            groups=np.argsort(np.argsort(first))[group].astype(np.int64),
            languages=self.languages[order],
        )

    def digest(self) -> str:
        """SHA-256 over all that is learned from; the rows must be sorted."""
        taken = hashlib.sha256()
        for part in ("\n".join(self.names), "\n".join(self.keys), "\n".join(self.labels), "\n".join(self.languages)):
            taken.update(part.encode() + b"\0")
        taken.update(self.groups.astype("<i8").tobytes())
        taken.update((self.traits + 0.0).astype("<f8").tobytes())
        return taken.hexdigest()


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How models are found.

    Attributes:
        models: candidates, some of `CANDIDATES`.
        grid: quick or full.
        calibration: auto, sigmoid or isotonic.
        target_precision: share of right ones that given values are to have.
        seed: of all that is drawn.
        prior_shift: whether classes are as frequent among the window's accounts as their probabilities say, instead of
            as among the labels.
        part_groups: cross-validate without regard to groups; only to show what that would promise.
    """

    models: tuple[str, ...] = CANDIDATES
    grid: Grid = "quick"
    calibration: str = "auto"
    target_precision: float = 0.9
    seed: int = 42
    prior_shift: bool = False
    part_groups: bool = False


@dataclass(slots=True)
class Judged:
    """One algorithm with the parameters that were found for it.

    Attributes:
        search_score: mean macro F1 over the inner folds of all rows; by it the model is chosen.
        probabilities: over the outer folds, float64[n, c].
        spoken: rows that would be given by thresholds of the other outer folds, bool[n].
        curves: rows of out_attribute_curves without day, attribute and model_id.
    """

    algorithm: str
    parameters: Parameters
    model_id: str
    search_score: float | None
    scores: Scores
    probabilities: Numbers
    spoken: npt.NDArray[np.bool_]
    curves: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Training:
    """All algorithms of one attribute, and the model that is kept.

    Attributes:
        judged: candidates, then yardsticks.
        chosen: the candidate that is kept.
        model: its fitted and calibrated pipeline; takes `compressed` traits.
        classes: names, in the order of the probabilities.
        priors: shares of the classes among the labels.
        window_priors: the shares that probabilities are made for instead; None: no shift was asked for.
        thresholds: by class; None: never given.
        low, high: bounds of each trait in the training; None: it was never known.
        calibration: sigmoid or isotonic.
        by_class, by_language: lines of the tables on the card.
        data_digest: over all that was learned from.
        notices: sentences about what was done otherwise than asked for.
    """

    judged: list[Judged]
    chosen: Judged
    model: Any
    classes: list[str]
    priors: list[float]
    window_priors: list[float] | None
    thresholds: list[float | None]
    low: list[float | None]
    high: list[float | None]
    calibration: str
    by_class: list[dict[str, Any]]
    by_language: list[dict[str, Any]]
    data_digest: str
    n_labels: int
    n_groups: int
    notices: list[str] = field(default_factory=list)


def train(
    labelled: Labelled,
    options: TrainingOptions,
    *,
    window: Numbers | None = None,
    about: dict[str, Any] | None = None,
    threads: int = 1,
    log: Callable[[str], object] = lambda _: None,
) -> Training:
    """Find, judge and fit models of one attribute.

    Args:
        labelled: what is learned from.
        options: how.
        window: traits of all accounts of the window, float64[m, t]; read where `prior_shift` is asked for.
        about: what else the ids of the models are to depend on, as the attribute.
        threads: fits at a time.
        log: takes lines of progress.

    Raises:
        LabelError: there are too few labels, of one class only, or folds cannot be made.
    """
    rows = labelled.sorted()
    classes, labels = np.unique(rows.labels, return_inverse=True)
    labels = labels.astype(np.int64)
    lacking = shortage(classes.tolist(), labels, rows.groups)
    if lacking:
        raise LabelError(f"{lacking} No model was trained.")
    digest = rows.digest()
    window = window if options.prior_shift and window is not None and len(window) else None
    if window is not None:
        # In whatever order the accounts come: they decide about probabilities, and so about the id.
        window = window[np.lexsort(window.T)]
        about = (about or {}) | {"window": hashlib.sha256((window + 0.0).astype("<f8").tobytes()).hexdigest()}
    work = _Work(compressed(rows.traits), labels, rows.groups, classes, options, threads)
    judged = []
    for algorithm in (*options.models, LOGISTIC):
        log(f"{algorithm}: {len(points(algorithm, options.grid, len(rows.names)))} sets of parameters")
        judged.append(work.judge(algorithm, model_id(algorithm, digest, options, about)))
    chosen = max(judged[: len(options.models)], key=lambda each: each.search_score or 0.0)
    judged.append(work.majority(model_id(MAJORITY, digest, options, about)))
    log(f"{chosen.algorithm} is chosen: macro F1 {chosen.scores.macro_f1:.3f}")
    place = next(k for k, each in enumerate(judged) if each is chosen)
    chosen.curves += work.learning(chosen)
    model = work.fit(chosen.algorithm, chosen.parameters, np.arange(len(labels)), work.inner[0])
    priors = np.bincount(labels) / len(labels)
    weights, shifted = None, None
    notices: list[str] = []
    if window is not None:
        shifted, notices = _shares(model, window, priors)
        weights = (shifted / priors)[labels]
        judged = [work.shifted(each, priors, shifted, weights) for each in judged]
        chosen = judged[place]
    held = chosen.probabilities
    least = thresholds(held, labels, options.target_precision, weights)
    bounds = [_bounds(column) for column in rows.traits.T]
    return Training(
        judged=judged,
        chosen=chosen,
        model=model,
        classes=[str(name) for name in classes],
        priors=priors.tolist(),
        window_priors=None if shifted is None else shifted.tolist(),
        thresholds=least,
        low=[low for low, _ in bounds],
        high=[high for _, high in bounds],
        calibration=work.method,
        by_class=by_class(held, labels, rows.groups, classes.tolist(), least, weights),
        by_language=by_language(held, labels, _gathered(rows.languages), chosen.spoken, weights),
        data_digest=digest,
        n_labels=len(labels),
        n_groups=len(np.unique(rows.groups)),
        notices=notices,
    )


def _shares(model: Any, window: Numbers, priors: Numbers) -> tuple[Numbers, list[str]]:
    """Shares of the classes in the window, none of them nought; and what is to be said of that."""
    found = shifted_priors(model.predict_proba(compressed(window)), priors)
    # A share of nought would rule a class out for every account to come, whatever its traits.
    least = 1 / (2 * len(window))
    n_low = int((found < least).sum())
    shares = np.maximum(found, least)
    notices = [
        f"{n_low} of {len(priors)} classes seem to have no account in the window: each is taken for one account of "
        f"{2 * len(window):,}."
    ]
    return shares / shares.sum(), notices if n_low else []


def model_id(algorithm: str, digest: str, options: TrainingOptions, about: dict[str, Any] | None) -> str:
    """16 hexadecimal digits over all that a model is made from: data, options, code.

    Args:
        algorithm: its name.
        digest: of the labelled rows, see `Labelled.digest`.
        options: what was asked for.
        about: what else counts, as the attribute.
    """
    told = {"data": digest, "options": _told(options), "about": about or {}, "versions": versions()}
    return params_hash(told | {"algorithm": algorithm})


def versions() -> dict[str, str]:
    """Versions that a model depends on."""
    import sklearn
    import skops

    return {
        "code": str(CODE_VERSION),
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "skops": skops.__version__,
    }


def reading_versions() -> dict[str, str]:
    """Versions that a stored model must be of to be read: of all that it depends on but for numpy."""
    return {name: version for name, version in versions().items() if name != "numpy"}


class _Work:
    """The rows with their folds, made ready once for all algorithms."""

    def __init__(
        self, traits: Numbers, labels: Places, groups: Places, classes: Any, options: TrainingOptions, threads: int
    ) -> None:
        self.traits, self.labels, self.groups, self.classes = traits, labels, groups, classes
        self.options, self.threads = options, threads
        self.method = method_for(options.calibration, np.bincount(labels))
        seed, parted = options.seed, options.part_groups
        self.outer = grouped_folds(labels, groups, OUTER_FOLDS, child_seed(seed, "outer"), part_groups=parted)
        parts = [np.arange(len(labels)), *(train for train, _ in self.outer)]
        self.inner: list[Folds] = [
            grouped_folds(
                labels[part], groups[part], INNER_FOLDS, child_seed(seed, f"inner {number}"), part_groups=parted
            )
            for number, part in enumerate(parts)
        ]
        self.sets: list[list[Ready]] = [
            made_ready(traits[part], labels[part], groups[part], folds)
            for part, folds in zip(parts, self.inner, strict=True)
        ]

    def judge(self, algorithm: str, model_id: str) -> Judged:
        """Parameters by the inner folds, probabilities over the outer ones."""
        tried = points(algorithm, self.options.grid, self.traits.shape[1])
        seed = self.options.seed
        n_trees = SEARCHED_TREES[self.options.grid]
        found = search_all(algorithm, tried, self.sets, len(self.classes), seed, self.threads, n_trees)
        fits = [
            partial(self._held_out, algorithm, tried[found[number + 1].best], train, test, self.inner[number + 1])
            for number, (train, test) in enumerate(self.outer)
        ]
        probabilities = np.zeros((len(self.labels), len(self.classes)))
        for (_, test), part in zip(self.outer, run_quietly(fits, self.threads), strict=True):
            probabilities[test] = part
        judged = self._figures(algorithm, tried[found[0].best], model_id, found[0].score, probabilities)
        judged.curves += validation_curves(algorithm, found[0])
        return judged

    def majority(self, model_id: str) -> Judged:
        """Always the most frequent class of the training rows, with the classes' shares as probabilities."""
        probabilities = np.zeros((len(self.labels), len(self.classes)))
        for train, test in self.outer:
            probabilities[test] = np.bincount(self.labels[train], minlength=len(self.classes)) / len(train)
        return self._figures(MAJORITY, {}, model_id, None, probabilities)

    def shifted(self, judged: Judged, priors: Numbers, shares: Numbers, weights: Numbers) -> Judged:
        """The same algorithm with the probabilities that it gives for other shares of the classes, judged by these."""
        made = self._figures(
            judged.algorithm, judged.parameters, judged.model_id, judged.search_score,
            with_priors(judged.probabilities, priors, shares), weights,
        )  # fmt: skip
        made.curves += [row for row in judged.curves if row["curve"] in ("validation", "learning")]
        return made

    def _figures(
        self,
        algorithm: str,
        parameters: Parameters,
        model_id: str,
        search_score: float | None,
        probabilities: Numbers,
        weights: Numbers | None = None,
    ) -> Judged:
        folds = [test for _, test in self.outer]
        target = self.options.target_precision
        seed = child_seed(self.options.seed, "interval")
        right = probabilities.argmax(axis=1) == self.labels
        bins = reliability(probabilities.max(axis=1), right, weights=weights)
        curves = curve_rows("calibration", "probability", *bins.curve())
        risk = risk_by_coverage(probabilities.max(axis=1), right, weights=weights)
        curves += curve_rows("risk_coverage", "coverage", *risk)
        return Judged(
            algorithm,
            parameters,
            model_id,
            search_score,
            scores(probabilities, self.labels, self.groups, folds, target, seed, weights),
            probabilities,
            crossed_thresholds(probabilities, self.labels, folds, target, weights),
            curves,
        )

    def _held_out(self, algorithm: str, parameters: Parameters, train: Places, test: Places, inner: Folds) -> Numbers:
        model = self.fit(algorithm, parameters, train, inner)
        return np.asarray(model.predict_proba(self.traits[test]), np.float64)

    def fit(self, algorithm: str, parameters: Parameters, rows: Places, inner: Folds) -> Any:
        """A calibrated pipeline on some rows; probabilities come from scores of rows that a fold did not learn from."""
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.pipeline import Pipeline

        seed = child_seed(self.options.seed, algorithm)
        model = estimator(algorithm, parameters, seed, TREES[self.options.grid])
        calibrated = CalibratedClassifierCV(
            Pipeline([*preparation(), ("model", model)]), method=self.method, cv=inner, ensemble=False
        )
        calibrated.fit(self.traits[rows], self.classes[self.labels[rows]])
        # The folds are not needed any more, and say which rows went together.
        calibrated.cv = None
        return calibrated

    def learning(self, judged: Judged) -> list[dict[str, Any]]:
        """Learning curve of a model over the inner folds of all rows."""
        n_classes, options = len(self.classes), self.options
        return learning_curve(
            judged.algorithm, judged.parameters, self.sets[0], n_classes, options.seed, self.threads,
            SEARCHED_TREES[options.grid],
        )  # fmt: skip


def _told(options: TrainingOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__slots__} | {"models": list(options.models)}


def _bounds(column: Numbers) -> tuple[float | None, float | None]:
    known = column[~np.isnan(column)]
    if not len(known):
        return None, None
    low, high = np.percentile(known, RANGE)
    return float(low), float(high)


def _gathered(languages: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """Languages with few labels under one name."""
    names, place, counts = np.unique(languages, return_inverse=True, return_counts=True)
    return np.asarray(np.where(counts >= MIN_LANGUAGE, names, OTHER)[place])
