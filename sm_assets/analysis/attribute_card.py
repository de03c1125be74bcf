"""What stands on a model's card, for whoever is to rely on it.

Here: a training as Markdown. Not here: figures (`sm_assets.plots`), where the card lies. It names no account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sm_assets.analysis.attribute_grids import SEARCHED_TREES, TREES
from sm_assets.analysis.attribute_training import INNER_FOLDS, OUTER_FOLDS, RANGE, Training, TrainingOptions
from sm_assets.analysis.attribute_values import MAX_UNLIKE, MIN_POSTS
from sm_assets.analysis.class_names import plain

NAMES: Final[Mapping[str, str]] = {
    "linear_svm": "linear SVM",
    "rbf_svm": "RBF SVM",
    "random_forest": "random forest",
    "logistic_regression": "logistic regression",
    "majority": "majority",
}
_PURPOSES: Final[Mapping[str, str]] = {
    "kind": "To tell accounts of persons, companies and bots apart in tables about many accounts.",
    "country": "To tell from which countries a conversation comes, in tables about many accounts.",
}
_MISUSE: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": (
        "`bot` is a guess from rhythm, texts and profile. It is no proof, and no ground for reporting, blocking or "
        "naming a single account without a look by a person.",
        "`person` says nothing about who the person is.",
    ),
    "country": (
        "A country is where an account seems to write from. It says nothing about nationality, origin or residence, "
        "and may not be used to decide about a person.",
    ),
    "age_band": (
        "Guessed ages may not be used to find or address minors, to grant or refuse anything that depends on age, or "
        "for advertising to a single person.",
        "They may not be joined with other data to tell who somebody is.",
    ),
    "gender": (
        "What is guessed is how labellers read an account, not who somebody is. It may not be shown beside a name, "
        "used to address, rank, select or exclude anybody, or to infer sexual orientation or identity.",
        "People whom the classes of the labels do not describe are always given wrongly: counts by gender leave them "
        "out, and must say so.",
    ),
}
_MISUSE_OF_ALL: Final = (
    "Values are estimates. They serve counts over many accounts; decisions about one account need a person who looks.",
    "Errors differ by language and class (see above): a comparison of groups may show the model's errors instead of "
    "the groups.",
    "The model knows accounts like those that were labelled. Other platforms, languages and times need labels of their "
    "own.",
)


def card(
    attribute: str,
    training: Training,
    options: TrainingOptions,
    *,
    purpose: str,
    about: Mapping[str, Any],
    figures: Sequence[str],
) -> str:
    """The card of one model.

    Args:
        attribute: what the model tells.
        training: how it came about.
        options: what was asked for.
        purpose: what somebody said it is for; empty: what such models are for.
        about: facts in words: as-of day, window, labels that had no traits, versions.
        figures: Markdown of the curves.
    """
    chosen = training.chosen
    lines = [
        f"# Model of `{plain(attribute)}`: {NAMES[chosen.algorithm]}",
        f"Id `{chosen.model_id}`.",
        "## Purpose",
        plain(purpose) or _PURPOSES.get(attribute, "To tell the attribute in tables about many accounts."),
        "## Data",
        _table(("what", "value"), [(name, value) for name, value in about.items()]),
        f"{training.n_labels:,} labelled accounts in {training.n_groups:,} groups. A group is what the label file "
        "names, with all accounts that are tied to it; without that, accounts that are tied to one another: by one "
        "network of co-sharing, by equal biographies, or by handles that differ in digits and punctuation only. A "
        "group is never parted between what is learned from and what is tested on.",
        "## How it was found",
        f"Parameters by macro F1 over {INNER_FOLDS} inner folds; every figure below over {OUTER_FOLDS} outer folds, "
        "whose accounts took part neither in choosing parameters nor in fitting nor in calibrating. Which algorithm is "
        "kept was chosen once, by inner folds over all labels, those of the outer folds among them: the figures of the "
        "chosen one are better by a trifle than new accounts will find it. Probabilities by "
        f"{training.calibration} calibration on grouped folds. Classes count alike in training, however many labels "
        f"they have. Grid `{options.grid}` (forests of {SEARCHED_TREES[options.grid]} trees while searching, "
        f"{TREES[options.grid]} in the model), seed {options.seed}. Parameters: `{chosen.parameters}`.",
        _shift(training),
        "## Figures",
        _figures(training),
        f"Of all values, {_percent(chosen.scores.coverage)} would be given; of these "
        f"{_percent(chosen.scores.precision_at_coverage)} are right. Asked for: {_percent(options.target_precision)}. "
        "Both with thresholds made on other folds than those they are judged on.",
        "### By class",
        _table(
            ("class", "labels", "groups", "precision", "recall", "F1", "given from probability"),
            [
                (line["class"], line["labels"], line["groups"], line["precision"], line["recall"], line["f1"],
                 "never" if line["threshold"] is None else line["threshold"])
                for line in training.by_class
            ],
        ),
        "### By language",
        "Language that an account writes in most; `other` gathers those with few labels.",
        _table(
            ("language", "labels", "errors", "given", "errors among given"),
            [
                (line["language"], line["labels"], line["errors"], line["given"], line["errors_given"])
                for line in training.by_language
            ],
        ),
        "## Curves",
        *figures,
        "## Limits",
        f"No value is given for accounts with fewer than {MIN_POSTS} posts in the window, for accounts with more than "
        f"{MAX_UNLIKE:.0%} of their traits outside the {RANGE[0]}-{RANGE[1]} percentiles of the training, and below "
        "the probabilities of the table above. Thresholds hold where classes are as frequent as "
        f"{'among the labels' if training.window_priors is None else 'they seem to be in the window'}.",
        "## What it may not be used for",
        "\n".join(f"- {line}" for line in (*_MISUSE.get(attribute, ()), *_MISUSE_OF_ALL)),
    ]  # fmt: skip
    return "\n\n".join(line for line in lines if line) + "\n"


def _shift(training: Training) -> str:
    if training.window_priors is None:
        return ""
    shares = ", ".join(
        f"{plain(name)} {old:.1%} -> {new:.1%}"
        for name, old, new in zip(training.classes, training.priors, training.window_priors, strict=True)
    )
    return (
        "Probabilities and thresholds are made for shares of the classes as they seem to be among all accounts of the "
        f"window, not among the labels: {shares}. Every figure below is of these probabilities, each label counting as "
        "much more or less as its class is more or less frequent in the window; validation and learning curves alone "
        "are of the labels as they are. The shares are estimates: they come from the model's own probabilities, and "
        "hold only if accounts of a class look alike among the labels and in the window."
    )


def _figures(training: Training) -> str:
    lines = []
    for judged in training.judged:
        scores = judged.scores
        name = NAMES[judged.algorithm] + (" (chosen)" if judged is training.chosen else "")
        interval = f"{scores.macro_f1:.3f} ({scores.macro_f1_low:.3f}-{scores.macro_f1_high:.3f})"
        lines.append(
            (name, interval, scores.balanced_accuracy, scores.log_loss, scores.brier, scores.ece, scores.coverage,
             scores.precision_at_coverage)
        )  # fmt: skip
    return _table(
        ("algorithm", "macro F1 (95 % over groups)", "balanced accuracy", "log loss", "Brier", "calibration error",
         "given", "right among given"),
        lines,
    )  # fmt: skip


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(_cell(value) for value in row) + " |" for row in rows)])


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else plain(str(value))


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"
