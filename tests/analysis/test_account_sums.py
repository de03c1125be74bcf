"""Sums of vectors by account: equal to adding up one by one, whatever the batches, for posts that count only."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.account_sums import AccountSums
from sm_assets.contracts import TABLES

SCHEMA = TABLES["feat_account_embeddings"].plain_schema
DAY = date(2024, 2, 12)


def posts(rows: list[tuple[str, str, str]]) -> pa.Table:
    names = ("platform", "post_id", "account_id")
    table = pa.table({name: pa.array([row[n] for row in rows], pa.string()) for n, name in enumerate(names)})
    return table.append_column("embedder_id", pa.array(["e" * 16] * len(rows), pa.string()))


def vectors(rows: list[tuple[str, str]], values: np.ndarray) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "platform": pa.array([row[0] for row in rows], pa.string()),
            "post_id": pa.array([row[1] for row in rows], pa.string()),
            "embedding": pa.array(values.tolist(), pa.list_(pa.float32())),
        }
    )


def added(sums: AccountSums) -> dict[tuple[str, str], tuple[int, np.ndarray]]:
    found = {}
    for batch in sums.batches(DAY, "p" * 16, SCHEMA):
        for row in batch.to_pylist():
            assert (row["embedder_id"], row["params_hash"], row["day"]) == ("e" * 16, "p" * 16, DAY)
            found[row["platform"], row["account_id"]] = (row["n_texts"], np.array(row["embedding_sum"]))
    assert list(found) == sorted(found)
    return found


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_sums_are_those_of_adding_one_by_one(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 30))
    platforms = data.draw(st.lists(st.sampled_from(["bluesky", "twitter"]), min_size=n, max_size=n))
    owners = data.draw(st.lists(st.sampled_from(["a", "b", "c\x1fd"]), min_size=n, max_size=n))
    counts = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    values = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
    keys = [(platform, f"p{number:02d}") for number, platform in enumerate(platforms)]
    rows = [(*key, owner) for key, owner, counted in zip(keys, owners, counts, strict=True) if counted]
    sums = AccountSums(posts(rows))
    cut = data.draw(st.integers(0, n))
    for part in (slice(0, cut), slice(cut, n)):
        sums.add(vectors(keys[part], values[part]))
    expected: dict[tuple[str, str], tuple[int, np.ndarray]] = {}
    for (platform, _), owner, counted, value in zip(keys, owners, counts, values, strict=True):
        if counted:
            texts, total = expected.get((platform, owner), (0, np.zeros(3)))
            expected[platform, owner] = texts + 1, total + value.astype(float) / np.linalg.norm(value.astype(float))
    found = added(sums)
    assert {key: texts for key, (texts, _) in found.items()} == {key: texts for key, (texts, _) in expected.items()}
    for key, (_, total) in expected.items():
        np.testing.assert_allclose(found[key][1], total, atol=1e-12)


def test_nobody_counts() -> None:
    sums = AccountSums(posts([]))
    sums.add(vectors([("bluesky", "p")], np.ones((1, 2), np.float32)))
    assert added(sums) == {}
    assert sums.embedder_id == ""


def test_a_post_that_counts_has_length_one_whatever_its_vector() -> None:
    sums = AccountSums(posts([("bluesky", "p", "a")]))
    sums.add(vectors([("bluesky", "p")], np.array([[30.0, 40.0]], np.float32)))
    assert added(sums)["bluesky", "a"][1] == pytest.approx([0.6, 0.8])
