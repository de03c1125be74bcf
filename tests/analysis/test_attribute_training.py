"""Models of account attributes: what is planted is found, what is not is not given, groups are never parted.

Here: training on synthetic traits. Not here: tables and files of models (`tests/test_attribute_models.py`).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from planted_attributes import CLASSES, planted

from sm_assets.analysis.attribute_grids import SEARCHED_TREES, TREES
from sm_assets.analysis.attribute_training import Labelled, Training, TrainingOptions, model_id, train
from sm_assets.analysis.calibration import reliability, with_priors
from sm_assets.errors import LabelError

QUICK = TrainingOptions(models=("linear_svm",))


@pytest.fixture(scope="module")
def found() -> Training:
    return train(planted(apart=2.0), TrainingOptions(models=("linear_svm", "rbf_svm")), threads=2)


def test_planted_classes_are_found_with_honest_probabilities(found: Training) -> None:
    scores = found.chosen.scores
    assert scores.macro_f1 >= 0.9
    assert scores.macro_f1_low <= scores.macro_f1 <= scores.macro_f1_high
    assert scores.ece <= 0.05
    assert scores.coverage >= 0.6
    assert scores.precision_at_coverage is not None
    assert scores.precision_at_coverage >= 0.9
    assert scores.majority_macro_f1 == pytest.approx(1 / 6)
    assert found.classes == list(CLASSES)
    assert {judged.algorithm for judged in found.judged} == {
        "linear_svm", "rbf_svm", "logistic_regression", "majority",
    }  # fmt: skip


def test_giving_less_is_wrong_less_often(found: Training) -> None:
    curve = [(row["x"], row["test_score"]) for row in found.chosen.curves if row["curve"] == "risk_coverage"]
    assert [x for x, _ in curve] == sorted({x for x, _ in curve})
    right = np.array([score for _, score in curve])
    # One wrong value more or less among the surest is chance.
    assert np.all(np.diff(right) <= 0.01)
    assert right[len(right) // 2] > right[-1]


def test_curves_cover_parameters_labels_and_probabilities(found: Training) -> None:
    curves = {(row["curve"], row["parameter"]) for row in found.chosen.curves}
    assert {curve for curve, _ in curves} == {"validation", "learning", "calibration", "risk_coverage"}
    learning = [row for row in found.chosen.curves if row["curve"] == "learning"]
    assert {row["fold"] for row in learning} == {0, 1, 2, 3}
    assert len({row["x"] for row in learning}) == 5
    # More labels help where classes can be learned.
    mean = {x: np.mean([row["test_score"] for row in learning if row["x"] == x]) for x in {r["x"] for r in learning}}
    assert mean[max(mean)] >= mean[min(mean)]


def test_shuffled_labels_are_chance_and_nothing_is_given() -> None:
    rows = planted(apart=2.0)
    mixed = np.random.default_rng(11).permutation(rows.labels)
    scores = train(replace(rows, labels=mixed), QUICK).chosen.scores
    assert abs(scores.balanced_accuracy - 1 / 3) <= 0.05
    assert scores.coverage <= 0.05


def test_operators_split_over_folds_promise_more_than_grouped_ones_keep() -> None:
    rows = planted(n_groups=12, apart=0.4, of_group=1.5, group_size=8)
    grouped = train(rows, QUICK).chosen.scores
    parted = train(rows, replace(QUICK, part_groups=True)).chosen.scores
    assert parted.macro_f1 > grouped.macro_f1 + 0.1


def _mixed(rows: Labelled, seed: int) -> Labelled:
    order = np.random.default_rng(seed).permutation(len(rows.keys))
    return Labelled(
        keys=[rows.keys[place] for place in order],
        traits=rows.traits[order],
        names=rows.names,
        labels=rows.labels[order],
        # Numbers of groups are names only.
        groups=1000 - rows.groups[order],
        languages=rows.languages[order],
    )


def test_order_of_rows_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TREES, "quick", 8)
    monkeypatch.setitem(SEARCHED_TREES, "quick", 5)
    rows = planted(n_groups=10, group_size=5)
    options = TrainingOptions(models=("linear_svm", "random_forest"))
    one, other = train(rows, options, threads=1), train(_mixed(rows, 5), options, threads=2)
    assert [judged.model_id for judged in one.judged] == [judged.model_id for judged in other.judged]
    for a, b in zip(one.judged, other.judged, strict=True):
        assert a.scores == b.scores
        assert a.curves == b.curves
    assert one.thresholds == other.thresholds
    assert one.data_digest == other.data_digest


@pytest.mark.parametrize("change", ["trait", "label", "group", "seed", "target", "about", "algorithm"])
def test_the_id_of_a_model_depends_on_all_that_it_was_made_from(change: str) -> None:
    rows, options, about, algorithm = planted(n_groups=10), QUICK, {"attribute": "kind"}, "linear_svm"
    first = model_id(algorithm, rows.sorted().digest(), options, about)
    assert first == model_id(algorithm, _mixed(rows, 1).sorted().digest(), options, about)
    match change:
        case "trait":
            traits = rows.traits.copy()
            traits[3, 3] = 0.123
            rows = replace(rows, traits=traits)
        case "label":
            labels = rows.labels.copy()
            labels[0] = CLASSES[1]
            rows = replace(rows, labels=labels)
        case "group":
            groups = rows.groups.copy()
            groups[:5] = groups[5]
            rows = replace(rows, groups=groups)
        case "seed":
            options = replace(options, seed=43)
        case "target":
            options = replace(options, target_precision=0.8)
        case "about":
            about = {"attribute": "country"}
        case _:
            algorithm = "rbf_svm"
    assert model_id(algorithm, rows.sorted().digest(), options, about) != first


SHIFTED = replace(QUICK, prior_shift=True)


def _mostly_persons() -> np.ndarray:
    """Traits of a window where nine of ten are persons."""
    others = planted(apart=2.0, n_groups=40, seed=8)
    person = np.flatnonzero(others.labels == "person")
    rest = np.flatnonzero(others.labels != "person")[: len(person) // 9]
    return others.traits[np.concatenate([person, rest])]


def test_priors_of_the_window_take_the_place_of_those_of_the_labels() -> None:
    rows, window = planted(apart=1.0, n_groups=20), _mostly_persons()
    found, plain = train(rows, SHIFTED, window=window), train(rows, QUICK, window=window)
    assert plain.window_priors is None
    assert found.window_priors is not None
    assert found.window_priors[2] == pytest.approx(0.9, abs=0.05)
    assert found.notices == []
    # What is published is of the probabilities in use, and of labels as frequent as accounts in the window.
    labels = np.searchsorted(CLASSES, rows.labels)
    weights = (np.array(found.window_priors) / np.array(found.priors))[labels]
    for own, before in zip(found.judged, plain.judged, strict=True):
        shifted = with_priors(before.probabilities, np.array(found.priors), np.array(found.window_priors))
        assert own.probabilities == pytest.approx(shifted)
        right = shifted.argmax(axis=1) == labels
        assert own.scores.coverage == pytest.approx(np.average(own.spoken, weights=weights))
        assert own.scores.ece == pytest.approx(reliability(shifted.max(axis=1), right, weights=weights).error)
        last = [row["test_score"] for row in own.curves if row["curve"] == "risk_coverage"][-1]
        assert last == pytest.approx(np.average(right, weights=weights))
    assert [line["labels"] for line in found.by_class] == [80, 80, 80]
    errors = (
        sum(line["errors"] * weights[rows.languages == line["language"]].sum() for line in found.by_language)
        / weights.sum()
    )
    assert errors == pytest.approx(np.average(found.chosen.probabilities.argmax(axis=1) != labels, weights=weights))
    assert {row["curve"] for row in found.chosen.curves} == {"validation", "learning", "calibration", "risk_coverage"}


def test_the_id_depends_on_the_window_and_not_on_its_order() -> None:
    rows, window = planted(n_groups=13), _mostly_persons()
    mixed = np.random.default_rng(1).permutation(window)
    first, again, other = (train(rows, SHIFTED, window=each) for each in (window, mixed, window[:-9]))
    assert first.chosen.model_id == again.chosen.model_id
    assert first.window_priors == again.window_priors
    assert first.chosen.model_id != other.chosen.model_id
    ids = {train(rows, QUICK, window=each).chosen.model_id for each in (window, window[:-9])}
    assert len(ids) == 1


def test_a_class_that_the_window_seems_to_lack_keeps_a_small_share_and_is_told() -> None:
    rows = planted(apart=3.0, n_groups=20)
    others = planted(apart=3.0, n_groups=40, seed=8)
    window = others.traits[others.labels != "bot"]
    found = train(rows, SHIFTED, window=window)
    assert found.window_priors is not None
    assert found.window_priors[0] == pytest.approx(1 / (2 * len(window)), rel=0.01)
    assert sum(found.window_priors) == pytest.approx(1)
    assert found.notices == [
        "1 of 3 classes seem to have no account in the window: each is taken for one account of 640."
    ]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["bot"] * 120, "one class"),
        (["bot"] * 100 + ["person"] * 20, "person: 20 labels"),
        ([], "no labels"),
    ],
)
def test_too_few_labels_are_refused_with_the_counts(labels: list[str], said: str) -> None:
    n = len(labels)
    rows = Labelled(
        keys=[f"{k:04d}" for k in range(n)],
        traits=np.zeros((n, 2)),
        names=("a", "b"),
        labels=np.array(labels, dtype=np.str_),
        groups=np.arange(n),
        languages=np.array(["en"] * n, dtype=np.str_),
    )
    with pytest.raises(LabelError, match=said):
        train(rows, QUICK)


def test_many_labels_of_few_groups_are_refused() -> None:
    rows = planted(n_groups=4, group_size=30)
    with pytest.raises(LabelError, match="bot: 120 labels in 4 groups"):
        train(rows, QUICK)


def test_a_trait_that_is_never_known_and_one_that_never_changes_do_no_harm() -> None:
    rows = planted(n_groups=12, group_size=5)
    traits = np.column_stack([rows.traits, np.full(len(rows.keys), np.nan), np.ones(len(rows.keys))])
    found = train(replace(rows, traits=traits, names=(*rows.names, "never", "same")), QUICK)
    assert found.low[-2] is None
    assert (found.low[-1], found.high[-1]) == (1.0, 1.0)
