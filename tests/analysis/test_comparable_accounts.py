"""Who can be compared, and how near members are to what their persona writes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import silhouette_samples

from sm_assets.analysis.personas import comparable, counts_by_status, geometry, nearness, personas_table

TOLD: dict[str, str | None] = {"embedder_id": "e" * 16, "params_hash": "p" * 16}


def blobs(n: int, k: int, d: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    labels = np.sort(draws.integers(0, k, n)).astype(np.int32)
    labels[:k] = np.arange(k)
    rows = draws.normal(size=(k, d))[labels] + 0.7 * draws.normal(size=(n, d))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), labels


@pytest.mark.parametrize(("n", "k"), [(40, 2), (300, 7)])
def test_silhouettes_are_those_of_all_pairs(n: int, k: int) -> None:
    vectors, labels = blobs(n, k)
    near = nearness(vectors, labels)
    np.testing.assert_allclose(near.silhouette, silhouette_samples(vectors, labels, metric="cosine"), atol=1e-9)


def test_a_persona_of_one_has_silhouette_0_and_similarity_1() -> None:
    vectors, labels = blobs(30, 3)
    labels[:] = np.where(np.arange(30) == 7, 2, np.arange(30) % 2)
    near = nearness(vectors, labels)
    np.testing.assert_allclose(near.silhouette, silhouette_samples(vectors, labels, metric="cosine"), atol=1e-9)
    assert near.silhouette[7] == 0
    assert near.similarity[7] == pytest.approx(1)


def test_similarity_and_second_are_cosines_to_mean_vectors() -> None:
    vectors, labels = blobs(120, 4)
    labels[:5] = -1
    near = nearness(vectors, labels)
    means = np.array([vectors[labels == number].mean(axis=0) for number in range(4)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    for row in range(120):
        if labels[row] < 0:
            assert np.isnan([near.similarity[row], near.second_similarity[row], near.silhouette[row]]).all()
            assert near.second[row] == -1
            continue
        cosines = means @ vectors[row]
        assert near.similarity[row] == pytest.approx(cosines[labels[row]])
        cosines[labels[row]] = -np.inf
        assert near.second[row] == int(np.argmax(cosines))
        assert near.second_similarity[row] == pytest.approx(cosines.max())
    told = geometry(near, labels)
    assert told["silhouette"] == pytest.approx([near.silhouette[labels == number].mean() for number in range(4)])


def test_one_persona_has_neither_neighbour_nor_silhouette() -> None:
    vectors, _ = blobs(10, 2)
    labels = np.zeros(10, np.int32)
    near = nearness(vectors, labels)
    assert np.isnan(near.silhouette).all()
    assert (near.second == -1).all()
    assert geometry(near, labels) == {"silhouette": [None], "nearest": [None]}


def accounts(rows: list[tuple[str, int, int]]) -> pa.Table:
    """Of (account_id, n_of_kinds, n_eligible)."""
    n = len(rows)
    return pa.table(
        {
            "platform": ["bluesky"] * n,
            "account_id": [row[0] for row in rows],
            **{name: pa.array([1] * n, pa.int64()) for name in ("n_posts", "n_replies", "n_quotes")},
            "n_of_kinds": pa.array([row[1] for row in rows], pa.int64()),
            "n_eligible": pa.array([row[2] for row in rows], pa.int64()),
            "display_name": pa.nulls(n, pa.string()),
            "handle": pa.nulls(n, pa.string()),
        }
    )


def test_every_account_has_its_reason() -> None:
    rows = [("few", 9, 9), ("foreign", 4, 0), ("fine", 9, 9), ("mute", 5, 5), ("other", 0, 0), ("void", 3, 3)]
    found = comparable(
        accounts(sorted(rows)),
        pa.array(["bluesky"] * 3),
        pa.array(["few", "fine", "void"]),
        np.array([1, 2, 2]),
        np.array([[1.0, 0.0], [0.0, 3.0], [0.0, 0.0]]),
        2,
    )
    table = personas_table(found, np.zeros(1, np.int32), nearness(found.vectors, np.zeros(1, np.int32)), TOLD)
    assert dict(zip(table["account_id"].to_pylist(), table["status"].to_pylist(), strict=True)) == {
        "few": "too_few_texts",
        "fine": "member",
        "foreign": "other_language",
        "mute": "no_vector",
        "other": "too_few_texts",
        "void": "no_vector",
    }
    assert table["n_texts"].to_pylist() == [1, 2, 0, 0, 0, 2]
    np.testing.assert_allclose(found.vectors, [[0, 1]])
    counted = counts_by_status(table)
    assert counted.pop("accounts_in") == sum(counted.values()) == 6


def test_too_few_accounts_and_nobody_at_all() -> None:
    found = comparable(
        accounts([("a", 2, 2)]), pa.array(["bluesky"]), pa.array(["a"]), np.array([2]), np.array([[1.0, 0.0]]), 2
    )
    table = personas_table(found, None, None, TOLD)
    assert table["status"].to_pylist() == ["too_few_accounts"]
    assert table["persona_id"].null_count == 1
    nobody = comparable(
        accounts([]), pa.array([], pa.string()), pa.array([], pa.string()), np.zeros(0, np.int64), np.zeros((0, 0)), 2
    )
    assert len(personas_table(nobody, None, None, TOLD)) == 0
    no_vectors = comparable(
        accounts([("a", 2, 2)]),
        pa.array([], pa.string()),
        pa.array([], pa.string()),
        np.zeros(0, np.int64),
        np.zeros((0, 0)),
        2,
    )
    assert personas_table(no_vectors, None, None, TOLD)["status"].to_pylist() == ["no_vector"]
