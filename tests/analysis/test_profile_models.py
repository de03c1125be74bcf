"""Clusters of biographies by both models: equal to scikit-learn's in compat, planted themes found, bad input borne."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from test_profile_features import PUNCTUATION, STOP, peer, synthetic_bios

from sm_assets.analysis.partitions_agreement import adjusted_rand
from sm_assets.analysis.profile_clusters import (
    HDBSCAN,
    KMEANS,
    MODELS,
    ModelRules,
    cluster_profiles,
    compat_models,
    counts_by_status,
    profiles_table,
    sizes,
)
from sm_assets.analysis.profile_features import COMPAT, FeatureRules
from sm_assets.errors import OptionError

THEMES = (
    "astronomy telescope galaxy orbit rocket lander comet planet nebula",
    "chef garlic butter bread oven recipe sauce pastry flour",
    "striker league goal keeper derby match penalty coach",
    "guitar vinyl concert drums bass album singer festival",
    "senator policy election campaign vote parliament reform citizen",
)
COMMON = "love life proud views own living happy always coffee friend travel"
SMALL = ModelRules(k_table=(3, 4, 5, 6, 7))


def accounts(bios: list[str | None]) -> pa.Table:
    n = len(bios)
    return pa.table(
        {
            "platform": pa.array(["bluesky"] * n, pa.string()),
            "account_id": pa.array([f"a{number:06d}" for number in range(n)], pa.string()),
            "bio": pa.array(bios, pa.string()),
            "display_name": pa.nulls(n, pa.string()),
            "handle": pa.array([f"h{number}" for number in range(n)], pa.string()),
        }
    )


def planted(n: int, seed: int) -> tuple[list[str | None], np.ndarray]:
    """Biographies of five themes: words of the theme among such as anybody uses; some say nothing."""
    random = np.random.default_rng(seed)
    theme = random.integers(0, len(THEMES), n)
    bios: list[str | None] = [
        " ".join(
            [
                *random.choice(THEMES[number].split(), random.integers(2, 6), replace=False),
                *random.choice(COMMON.split(), random.integers(0, 3)),
            ]
        )
        for number in theme
    ]
    for row in range(0, n, 29):
        bios[row] = (None, "the and of", "")[row % 3]
    return bios, theme


@pytest.mark.parametrize("seed", [5, 21])
def test_planted_themes_are_found_by_both_models(seed: int) -> None:
    bios, theme = planted(300, seed)
    found = cluster_profiles(accounts(bios), FeatureRules(), SMALL)
    for model in MODELS:
        clusters = found.found[model]
        inside = clusters.labels >= 0
        rows = found.described.rows[inside]
        assert len(rows) >= (1 if model == KMEANS else 0.8) * len(found.described.rows)
        assert adjusted_rand(clusters.labels[inside], theme[rows]) >= 0.9
        counts = counts_by_status(profiles_table(found, model))
        assert counts["no_bio"] + counts["no_known_word"] == len(range(0, 300, 29))
        assert sum(value for name, value in counts.items() if name != "accounts_in") == counts["accounts_in"] == 300
    (chosen,) = [row["k"] for row in found.found[KMEANS].k_table if row["chosen"]]
    assert chosen == 5


def test_compat_is_scikit_learns_kmeans_and_hdbscan() -> None:
    from sklearn.cluster import HDBSCAN as Dense  # noqa: N811  # a class
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    bios = synthetic_bios(1500)
    theirs, _ = peer(bios, [*STOP, *PUNCTUATION], max_features=15)
    models = compat_models(20, k_table=(2, 8), dense_size_min=40)
    found = cluster_profiles(accounts(list(bios)), replace(COMPAT, stop_words=STOP), models)
    ours = found.found[KMEANS]
    assert [row["k"] for row in ours.k_table] == [2, 8, 20]
    for row in ours.k_table:
        fit = KMeans(row["k"], n_init=10, random_state=42).fit(theirs)
        assert row["inertia"] == pytest.approx(fit.inertia_, rel=1e-9)
        assert row["silhouette"] == pytest.approx(silhouette_score(theirs, fit.labels_), abs=1e-6)
        assert row["stability"] is None
        if row["k"] == 20:
            assert row["chosen"]
            assert row["reason"] == "given"
            assert adjusted_rand(ours.labels, fit.labels_) == 1
            assert np.bincount(ours.labels).tolist() == sorted(np.bincount(fit.labels_), reverse=True)
    dense = Dense(min_cluster_size=40, copy=True).fit(theirs.toarray()).labels_
    assert dense.max() >= 1
    np.testing.assert_array_equal(found.found[HDBSCAN].labels < 0, dense < 0)
    assert adjusted_rand(found.found[HDBSCAN].labels, dense) == 1
    # Nobody is left out: not those without a biography, nor those without a term.
    assert len(found.described.rows) == len(bios)
    assert set(profiles_table(found, KMEANS)["status"].to_pylist()) == {"member"}


def rows_of(found: Any) -> dict[str, list[dict[str, Any]]]:
    return {model: profiles_table(found, model).to_pylist() for model in MODELS}


def test_beside_a_given_number_all_are_measured_that_the_rows_allow_and_others_are_named() -> None:
    bios, _ = planted(60, 5)
    models = ModelRules(k=4, k_table=(2, 20, 500, 700))
    found = cluster_profiles(accounts(bios), FeatureRules(), models).found[KMEANS]
    assert [(row["k"], row["chosen"]) for row in found.k_table] == [(2, False), (4, True), (20, False)]
    assert any("500, 700" in notice for notice in found.notices)
    assert not any("20" in notice for notice in found.notices)
    # Equal biographies are one cluster, and numbers that nobody can have are no rows.
    same = cluster_profiles(accounts(["moon orbit probe"] * 30), FeatureRules(), models).found[KMEANS]
    assert [(row["k"], row["chosen"]) for row in same.k_table] == [(1, True)]
    assert any("2, 20, 500, 700" in notice for notice in same.notices)


def test_neither_the_order_of_accounts_nor_threads_matter() -> None:
    bios, _ = planted(120, 3)
    table = accounts(bios)
    models = replace(SMALL, k_table=(3, 5))
    expected = rows_of(cluster_profiles(table, FeatureRules(), models))
    order = np.random.default_rng(1).permutation(len(table))
    assert rows_of(cluster_profiles(table.take(pa.array(order)), FeatureRules(), models, threads=2)) == expected


BAD: dict[str, tuple[list[str | None], dict[str, int]]] = {
    "nobody": ([], {}),
    "one_account": (["moon orbit"], {"no_known_word": 1}),
    "empty_only": ([None, "", " \n", "\t"], {"no_bio": 4}),
    "stop_words_only": (["the of and"] * 30, {"no_known_word": 30}),
    "all_equal": (["moon orbit lander"] * 30, {"member": 30}),
    "all_unlike": ([f"word{number}" for number in range(30)], {"no_known_word": 30}),
    "hostile": (
        ["<script>moon</script>", "moon\x00 orbit", "moon orbit " * 100_000, "\u202emoon orbit\u2066"] * 3,
        {"member": 12},
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_ends_in_statuses(name: str) -> None:
    bios, expected = BAD[name]
    rules = FeatureRules()
    found = cluster_profiles(accounts(bios), rules, ModelRules())
    counts = counts_by_status(profiles_table(found, KMEANS))
    assert {status: n for status, n in counts.items() if status != "accounts_in"} == expected
    dense = counts_by_status(profiles_table(found, HDBSCAN))
    for status in ("no_bio", "no_known_word"):
        assert dense.get(status) == counts.get(status)
    members, others = sizes(profiles_table(found, KMEANS))
    assert sum(members.values()) + sum(others.values()) == len(bios)
    if name == "all_equal":
        assert found.found[KMEANS].notices == ["All 30 rows are equal: one cluster."]
        assert sizes(profiles_table(found, HDBSCAN)) == ({0: 30}, {})
        assert found.found[KMEANS].k_table[0]["silhouette"] is None


def test_more_clusters_than_distinct_biographies_are_lowered_with_a_notice() -> None:
    bios: list[str | None] = ["moon orbit", "soup bread", "goal match"] * 8
    found = cluster_profiles(accounts(bios), FeatureRules(), ModelRules(k=10)).found[KMEANS]
    assert np.bincount(found.labels).tolist() == [8, 8, 8]
    assert found.notices == ["k is lowered from 10 to 3, the number of distinct rows."]


@pytest.mark.parametrize("bios", [[], [None, "", "the"], ["the of"] * 30, ["moon"] * 12, ["moon", "soup", None] * 8])
def test_compat_bears_bad_input_too(bios: list[str | None]) -> None:
    rules = replace(COMPAT, min_features=5, stop_words=("the", "of"))
    found = cluster_profiles(accounts(bios), rules, compat_models(4, dense_size_min=10))
    assert counts_by_status(profiles_table(found, KMEANS)).get("member", 0) == len(bios)
    assert len(profiles_table(found, HDBSCAN)) == len(bios)


def test_bad_rules_are_named() -> None:
    for values, said in (
        ({"k": 0}, "k must be at least 1"),
        ({"space": "umap"}, "space must be one of svd, terms; found 'umap'"),
        ({"wordless": "gone"}, "wordless must be one of"),
        ({"dense_size_min": 1}, "dense_size_min must be at least 2"),
        ({"k_table": (1, 5)}, "grid must be at least 2"),
    ):
        with pytest.raises(OptionError, match=said):
            ModelRules(**values)
