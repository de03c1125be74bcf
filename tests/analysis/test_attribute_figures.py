"""Groups, folds, thresholds, probabilities and scores of attribute models, each against what can be counted by hand.

Here: the parts of training. Not here: training as a whole (`test_attribute_training`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.abstention import crossed_thresholds, is_given, risk_by_coverage, thresholds
from sm_assets.analysis.attribute_scores import by_language, interval, macro_f1, scores
from sm_assets.analysis.attribute_values import Rules, by_place, told_by_model, unlike_training, without_model
from sm_assets.analysis.calibration import method_for, reliability, shifted_priors, with_priors
from sm_assets.analysis.grouped_folds import Accounts, account_groups, grouped_folds, handle_stem, shortage
from sm_assets.errors import LabelError

# ------------------------------------------------------------------- groups


Row = tuple[str | None, str | None, str | None, str | None]


def accounts_of(rows: list[Row], keys: list[str]) -> Accounts:
    return Accounts(keys, ["bluesky"] * len(rows), *zip(*rows, strict=True))


def groups_of(*rows: Row) -> list[int]:
    return account_groups(accounts_of(list(rows), [f"{number:03d}" for number in range(len(rows))])).tolist()


def test_groups_that_labels_name_never_become_one() -> None:
    bio = "We post the news of the day"
    assert groups_of(("a", "7", bio, "news01"), ("b", "7", bio, "news02"), ("a", None, None, "other")) == [0, 1, 0]


def test_accounts_without_a_named_group_join_the_one_they_are_tied_to() -> None:
    bio = "We post the news of the day"
    assert groups_of(
        ("a", "7", None, "alpha"),
        ("a", None, bio, "beta"),
        (None, "7", None, "gamma"),
        (None, None, bio.upper(), "delta"),
        (None, None, None, "delta2"),
        (None, None, None, "epsilon"),
        ("b", None, None, "alpha4"),
    ) == [0, 0, 0, 0, 0, 1, 2]


def test_who_is_tied_to_two_named_groups_joins_that_of_more_ties() -> None:
    ties = [
        ("b", "7", None, "alpha"),
        ("a", "8", None, "beta"),
        (None, "7", None, "gamma1"),
        (None, "8", None, "gamma2"),
    ]
    assert groups_of(*ties) == [0, 1, 1, 1]
    assert groups_of(*ties, (None, "7", None, None)) == [0, 1, 0, 0, 0]


def test_networks_biographies_and_handles_tie_accounts_directly_and_through_others() -> None:
    found = groups_of(
        (None, "7", None, "alpha"),
        (None, "7", "A long enough biography", "beta"),
        (None, None, "a  long enough BIOGRAPHY", "news_2041"),
        (None, None, None, "news77.example.org"),
        (None, None, "she/her", "kim1"),
        (None, None, "she/her", "kim2"),
        (None, None, "", "12345"),
        (None, None, None, None),
    )
    assert found == [0, 0, 0, 0, 1, 2, 3, 4]


def test_stems_of_handles() -> None:
    assert handle_stem("Daily_News-2024.bsky.social", "bluesky") == "dailynews"
    assert handle_stem("bob7", "bluesky") == ""
    assert handle_stem(None, "bluesky") == ""
    for platform in ("instagram", "tiktok"):
        assert handle_stem("maria.garcia", platform) == "mariagarcia"
        assert handle_stem("maria.lopez.7", platform) == "marialopez"


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_groups_are_the_connected_parts_whatever_the_order(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 12))
    words = st.sampled_from([None, None, "the first network", "the second network", "the third network"])
    rows = [tuple(data.draw(words) for _ in range(4)) for _ in range(n)]
    order = data.draw(st.permutations(range(n)))
    keys = [f"{k:02d}" for k in range(n)]
    first = account_groups(accounts_of(rows, keys))
    again = account_groups(accounts_of([rows[k] for k in order], [keys[k] for k in order]))
    assert again.tolist() == [first[k] for k in order]
    ties = [{t for t in (("c", c), ("b", b), ("h", h)) if t[1]} for _, c, b, h in rows]
    named = [row[0] for row in rows]
    reached = [{k} for k in range(n)]
    for _ in range(n):
        for a in range(n):
            for b in range(n):
                if not named[a] and not named[b] and ties[a] & ties[b]:
                    reached[a] |= reached[b]
    names: list[object] = []
    for a in range(n):
        votes = sorted(
            (-sum(any(named[c] == name and ties[c] & ties[b] for c in range(n)) for b in reached[a]), name)
            for name in {each for each in named if each}
        )
        joined = votes[0][1] if votes and votes[0][0] and not named[a] else None
        names.append(named[a] or joined or min(reached[a]))
    for a in range(n):
        for b in range(n):
            assert (first[a] == first[b]) == (names[a] == names[b])


def test_a_shortage_names_few_classes_and_none_of_a_single_account() -> None:
    classes = [f"class {k} <b>|" for k in range(8)] + ["mine alone", "x" * 5000]
    labels = np.array([k for k, n in enumerate([60, 50, 40, 30, 20, 10, 5, 2, 1, 45]) for _ in range(n)])
    said = shortage(classes, labels, np.arange(len(labels)))
    assert "class 0 &lt;b&gt;\\|: 60 labels in 60 groups; class 1" in said
    assert said.endswith("; and 5 more.")
    assert "mine" not in said
    assert len(said) < 400
    assert "20 labels" not in said
    alone = shortage(["mine alone"], np.array([0]), np.array([0]))
    assert alone == "All labels name one class (1 of one label each); a model needs at least two."


def test_folds_hold_all_rows_once_and_part_no_group() -> None:
    random = np.random.default_rng(1)
    groups = np.sort(random.integers(0, 60, 300))
    labels = groups % 3
    folds = grouped_folds(labels, groups, 5, 7)
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(300))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert set(labels[train]) == {0, 1, 2}
    parted = grouped_folds(labels, groups, 5, 7, part_groups=True)
    assert any(set(groups[train]) & set(groups[test]) for train, test in parted)


def test_a_class_of_one_group_cannot_be_folded() -> None:
    labels = np.array([0] * 40 + [1] * 40)
    groups = np.array([*range(40), *[99] * 40])
    with pytest.raises(LabelError, match="cannot be split into 4 folds"):
        grouped_folds(labels, groups, 4, 1)


# --------------------------------------------------------------- thresholds


def test_a_threshold_is_the_lowest_probability_that_keeps_the_promise() -> None:
    # 40 rows of class 0: the 36 surest are right, then four wrong ones.
    top = np.linspace(0.99, 0.6, 40)
    probabilities = np.column_stack([top, 1 - top])
    labels = np.array([0] * 36 + [1] * 4)
    (first, second) = thresholds(probabilities, labels, 0.9)
    assert first == pytest.approx(top[39])
    assert second is None
    (strict, _) = thresholds(probabilities, labels, 0.95)
    assert strict == pytest.approx(top[36])
    assert thresholds(probabilities[:29], labels[:29], 0.9) == [None, None]
    assert is_given(probabilities, [strict, None]).sum() == 37
    assert not is_given(probabilities, [None, None]).any()


def test_equal_probabilities_are_given_together_or_not_at_all() -> None:
    probabilities = np.tile([0.8, 0.2], (40, 1))
    labels = np.array([0] * 35 + [1] * 5)
    assert thresholds(probabilities, labels, 0.9) == [None, None]
    assert thresholds(probabilities, labels, 0.87)[0] == pytest.approx(0.8)


def test_thresholds_are_judged_on_rows_that_did_not_make_them() -> None:
    # In the second fold probabilities mean nothing.
    top = np.concatenate([np.linspace(0.9, 0.99, 50), np.linspace(0.9, 0.99, 50)])
    probabilities = np.column_stack([top, 1 - top])
    labels = np.array([0] * 50 + [1] * 50)
    folds = [np.arange(50), np.arange(50, 100)]
    given = crossed_thresholds(probabilities, labels, folds, 0.9)
    assert given[50:].all()
    assert not given[:50].any()


def test_risk_by_coverage_counts_the_surest_first() -> None:
    share, right = risk_by_coverage(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, False]), 4)
    assert share.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert right.tolist() == [1.0, 1.0, pytest.approx(2 / 3), 0.5]


def test_equal_probabilities_are_one_point_of_the_risk_curve() -> None:
    top = np.repeat([0.9, 0.6], [1000, 1000])
    right = np.concatenate([np.arange(1000) % 10 != 0, np.arange(1000) % 2 == 0])
    share, kept = risk_by_coverage(top, right)
    assert share.tolist() == [0.5, 1.0]
    assert kept.tolist() == pytest.approx([0.9, 0.7])
    mixed = np.random.default_rng(1).permutation(2000)
    assert [each.tolist() for each in risk_by_coverage(top[mixed], right[mixed])] == [share.tolist(), kept.tolist()]


def test_less_given_is_wrong_less_often_where_probabilities_are_true() -> None:
    random = np.random.default_rng(6)
    top = np.round(random.uniform(0.5, 1, 40_000), 2)
    share, right = risk_by_coverage(top, random.random(40_000) < top)
    assert len(share) > 15
    assert np.all(np.diff(right) <= 0)
    assert right[0] > 0.95
    assert right[-1] == pytest.approx(0.75, abs=0.01)


def test_weights_count_as_rows_that_stand_more_than_once() -> None:
    random = np.random.default_rng(7)
    top, right, times = np.round(random.uniform(0.5, 1, 90), 1), random.random(90) < 0.7, random.integers(1, 4, 90)
    twice, told = np.repeat(top, times), np.repeat(right, times)
    for found, expected in zip(
        risk_by_coverage(top, right, weights=times.astype(float)), risk_by_coverage(twice, told), strict=True
    ):
        assert found == pytest.approx(expected)
    weighted = reliability(top, right, 1, weights=times.astype(float))
    assert weighted.error == pytest.approx(reliability(twice, told, 1).error)


# ------------------------------------------------------------ probabilities


def test_predictions_of_one_probability_have_no_order_among_themselves() -> None:
    right = np.arange(1000) % 10 != 0
    assert reliability(np.full(1000, 0.9), right).error == pytest.approx(0, abs=1e-9)
    assert [part.tolist() for part in reliability(np.full(1000, 0.9), right).curve()] == [
        [pytest.approx(0.9)], [pytest.approx(0.9)],
    ]  # fmt: skip
    assert reliability(np.full(1000, 0.7), right).error == pytest.approx(0.2)


def test_calibration_error_of_probabilities_that_are_right_and_of_such_that_boast() -> None:
    random = np.random.default_rng(2)
    top = random.uniform(0.5, 1, 30_000)
    honest = reliability(top, random.random(30_000) < top)
    assert honest.error < 0.02
    assert honest.n.tolist() == [2000] * 15
    assert reliability(top, random.random(30_000) < top - 0.2).error == pytest.approx(0.2, abs=0.02)


def test_priors_of_unlabelled_rows_are_found_again() -> None:
    random = np.random.default_rng(3)
    true = np.array([0.8, 0.2])
    labels = random.choice(2, 20_000, p=true)
    values = random.normal(size=20_000) + 2.0 * labels
    # The right probabilities under equal priors.
    odds = np.exp(2.0 * values - 2.0)
    probabilities = np.column_stack([1 / (1 + odds), odds / (1 + odds)])
    found = shifted_priors(probabilities, np.array([0.5, 0.5]))
    assert found == pytest.approx(true, abs=0.02)
    shifted = with_priors(probabilities, np.array([0.5, 0.5]), found)
    assert shifted.sum(axis=1) == pytest.approx(1)
    right = shifted.argmax(axis=1) == labels
    assert right.mean() > (probabilities.argmax(axis=1) == labels).mean()
    assert reliability(shifted.max(axis=1), right).error < 0.02


def test_isotonic_only_where_every_class_has_a_thousand_labels() -> None:
    assert method_for("auto", np.array([1000, 5000])) == "isotonic"
    assert method_for("auto", np.array([999, 5000])) == "sigmoid"
    assert method_for("isotonic", np.array([10, 10])) == "isotonic"


# ------------------------------------------------------------------- scores


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_macro_f1_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import f1_score

    labels, told = np.array(pairs).T
    expected = f1_score(labels, told, labels=[0, 1, 2], average="macro", zero_division=0)
    assert macro_f1(labels, told, 3) == pytest.approx(expected)


def test_scores_are_scikit_learns() -> None:
    from sklearn.metrics import balanced_accuracy_score, log_loss

    random = np.random.default_rng(4)
    labels = random.integers(0, 3, 200)
    probabilities = random.dirichlet([1, 1, 1], 200)
    folds = [np.arange(k, 200, 5) for k in range(5)]
    found = scores(probabilities, labels, np.arange(200), folds, 0.9, 1)
    given_labels = probabilities.argmax(axis=1)
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, given_labels))
    assert found.log_loss == pytest.approx(log_loss(labels, probabilities))
    assert found.brier == pytest.approx(((probabilities - np.eye(3)[labels]) ** 2).sum(axis=1).mean())


def test_few_groups_make_the_interval_wide() -> None:
    random = np.random.default_rng(5)
    groups = np.repeat(np.arange(10), 50)
    labels = random.integers(0, 2, 500)
    # Right in all rows of a group, or wrong in all.
    told = np.where(np.isin(groups, [0, 3, 6]), 1 - labels, labels)
    low, high = interval(labels, told, groups, 2, 1)
    single_low, single_high = interval(labels, told, np.arange(500), 2, 1)
    assert high - low > 3 * (single_high - single_low)


def test_a_class_that_no_drawn_group_has_is_not_wrong() -> None:
    # The third class is of one group, which a draw misses every third time.
    groups = np.repeat(np.arange(9), 10)
    labels = np.where(groups == 8, 2, groups % 2)
    assert interval(labels, labels, groups, 3, 1) == (1.0, 1.0)


def test_errors_by_language() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
    table = by_language(
        probabilities, np.array([0, 1, 1]), np.array(["en", "en", "de"]), np.array([True, False, False])
    )
    assert table == [
        {"language": "en", "labels": 2, "errors": 0.5, "given": 0.5, "errors_given": 0.0},
        {"language": "de", "labels": 1, "errors": 0.0, "given": 0.0, "errors_given": None},
    ]


# ------------------------------------------------------------------- values


class Oracle:
    """A model that says what it is given."""

    def __init__(self, probabilities: list[list[float]]) -> None:
        self.probabilities = np.array(probabilities)

    def predict_proba(self, _: np.ndarray) -> np.ndarray:
        return self.probabilities


RULES = Rules(["bot", "person"], [None, 0.8], [0.5, 0.5], None, [f"t{k}" for k in range(5)], [0.0] * 5, [1.0] * 5)


def test_values_and_the_reasons_for_none() -> None:
    traits = np.full((5, 5), 0.5)
    traits[3, :2] = 7.0
    model = Oracle([[0.1, 0.9], [0.3, 0.7], [0.99, 0.01], [0.1, 0.9], [0.1, 0.9]])
    rows = told_by_model(model, RULES, traits, np.array([10, 10, 10, 10, 9])).to_pylist()
    assert [row["value"] for row in rows] == ["person", None, None, None, None]
    assert [row["reason"] for row in rows] == [
        None, "low_confidence", "low_confidence", "unlike_training", "too_few_posts",
    ]  # fmt: skip
    assert rows[0]["second_value"] == "bot"
    assert rows[0]["second_probability"] == pytest.approx(0.1)
    assert rows[1]["probability"] == pytest.approx(0.7)
    assert rows[3]["probability"] is None
    assert [row["abstained"] for row in rows] == [False, True, True, True, True]


def test_traits_count_as_unlike_only_where_they_are_known() -> None:
    nan = np.nan
    traits = np.array([[2, nan, nan, nan, nan], [2, 0, 0, 0, 0], [2, 2, 0, 0, 0], [nan] * 5])
    assert unlike_training(traits, RULES).tolist() == [1.0, 0.2, 0.4, 0.0]


def test_a_place_comes_before_a_model_and_before_none() -> None:
    rows, here = by_place(without_model(2), pa.chunked_array([pa.array(["DE", None])]))
    assert here.tolist() == [True, False]
    assert rows.to_pylist() == [
        {
            "value": "DE", "probability": None, "second_value": None, "second_probability": None, "abstained": False,
            "reason": "by_place",
        },
        {
            "value": None, "probability": None, "second_value": None, "second_probability": None, "abstained": True,
            "reason": "no_model",
        },
    ]  # fmt: skip


# ---------------------------------------------------------------- benchmark


def test_the_benchmark_names_the_lines_that_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import attribute_quality as quality

    assert quality.abstention_helps([1.0, 0.99, 0.995, 0.9])
    assert not quality.abstention_helps([0.9, 0.95, 0.8])
    assert not quality.abstention_helps([0.9, 0.905, 0.908])
    assert not quality.abstention_helps([])
    found = {"kind": {"met": {"ece": True, "leak": False}}, "country": {"met": {"model": False}}}
    assert quality.missed(found) == ["kind: leak", "country: model"]
