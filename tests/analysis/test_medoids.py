"""Medoids against all pairs, ties, and the original program's."""

from __future__ import annotations

import json
import re
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.medoids import medoids
from sm_assets.errors import KernelError, OptionError


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]))
def test_medoids_are_those_of_all_pairs(n: int, d: int, seed: int, dtype: type[np.floating]) -> None:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)
    unit = rows.astype(np.float64) / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    summed = np.array([[1 - a @ b for b in unit] for a in unit]).sum(axis=1) / n
    found = medoids(rows, 3)
    order = sorted(range(n), key=lambda row: (round(summed[row], 9), row))[:3]
    np.testing.assert_allclose(found.mean_distance, summed[order], atol=2e-9)
    np.testing.assert_allclose(found.mean_distance, summed[found.row], atol=2e-9)


def test_many_rows_are_summed_block_by_block() -> None:
    rows = np.random.default_rng(0).normal(size=(1500, 6)).astype(np.float32)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = (1 - unit.astype(np.float64) @ unit.astype(np.float64).T).mean(axis=1)
    found = medoids(rows, 5)
    assert found.row.tolist() == np.argsort(expected)[:5].tolist()


def test_of_equally_near_rows_the_earlier_is_first() -> None:
    # Float32 rows are unit rows up to rounding only: the tie must hold all the same.
    pair = np.random.default_rng(3).normal(size=(2, 384)).astype(np.float32)
    pair /= np.linalg.norm(pair, axis=1, keepdims=True)
    assert medoids(pair, 2).row.tolist() == [0, 1]
    assert medoids(pair[::-1], 2).row.tolist() == [0, 1]
    assert medoids(np.eye(5, dtype=np.float32), 3).row.tolist() == [0, 1, 2]


def test_rows_without_direction_are_passed_over() -> None:
    rows = np.array([[0, 0], [1, 0], [0.9, 0.1], [0, 0], [0, 1]], np.float32)
    found = medoids(rows, 3)
    assert found.row.tolist() == [2, 1, 4]
    np.testing.assert_allclose(found.mean_distance, medoids(rows[[1, 2, 4]], 3).mean_distance)
    assert medoids(np.zeros((4, 3)), 3).row.tolist() == []
    assert medoids(np.zeros((0, 3)), 3).row.tolist() == []


def test_a_lone_row_is_its_own_medoid() -> None:
    found = medoids(np.array([[3.0, 4.0]]), 3)
    assert (found.row.tolist(), found.mean_distance.tolist()) == ([0], [0.0])


def test_broken_vectors_are_refused() -> None:
    for broken in (np.nan, np.inf):
        with pytest.raises(KernelError, match="finite"):
            medoids(np.array([[1.0, broken], [1.0, 0.0]]))
    with pytest.raises(KernelError, match="found 1 dimensions"):
        medoids(np.ones(3))
    with pytest.raises(OptionError, match="n must be at least 1; found 0"):
        medoids(np.ones((2, 2)), 0)


@cache
def stub_token(token: str) -> np.ndarray:
    return np.random.RandomState(zlib.crc32(token.encode())).randn(64)


def stub(text: str) -> np.ndarray:
    """The vector that the sample data's README defines."""
    total = np.zeros(64)
    for token in text.lower().split():
        total += stub_token(token)
    return total / np.linalg.norm(total)


@pytest.mark.shared_data
def test_the_medoids_of_the_original_program(shared_data: Path) -> None:
    folder = shared_data / "personas"
    printed = (folder / "stats_out_k4.txt").read_text(encoding="utf-8")
    printed = printed.split("## Cluster Medoid Posts")[1].split("## Cluster LDA Topics")[0]
    for number, part in enumerate(printed.split("### Cluster ")[1:]):
        expected = re.findall(r"```\n(.*?)\n```", part, re.DOTALL)
        lines = (folder / "out_k4" / f"cluster_{number}.jsonl").read_text(encoding="utf-8").splitlines()
        texts = [text for line in lines if (text := json.loads(line)[-1].get("text", "")).strip()]
        found = medoids(np.stack([stub(text) for text in texts]))
        assert len(expected) == 3
        assert [texts[row] for row in found.row] == expected
